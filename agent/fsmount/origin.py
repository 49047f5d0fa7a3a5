"""Where a configuration comes from, as people write it -> one of four records. Pure: nothing is asked of anybody.

    file:/etc/mounts.yaml   s3://bucket/key   ssm:///team/mounts   appconfig://application/environment/profile

`file:` alone is the file on the notebook's volume. One spelling a thing: a second way to write the same origin would be
another origin to whoever compares two of them.
"""

import re
from typing import Union

import msgspec

from . import places
from .errors import Permanent

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PARAMETER = re.compile(r"(/[A-Za-z0-9_.-]+){1,15}")  # the service allows 15 levels and 1011 characters
_RESERVED = re.compile(r"/(aws|ssm)", re.IGNORECASE)  # names that begin so are the service's own
_ADDRESS = re.compile(r"(file|s3|ssm|appconfig):(.*)", re.DOTALL)
_FORMS = "file:/path, s3://bucket/key, ssm:///parameter or appconfig://application/environment/profile"


class FileOrigin(msgspec.Struct, frozen=True, tag="file"):
    path: str

    @property
    def text(self) -> str:
        return f"file:{self.path}"


class S3Origin(msgspec.Struct, frozen=True, tag="s3"):
    bucket: str
    key: str

    @property
    def text(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


class SsmOrigin(msgspec.Struct, frozen=True, tag="ssm"):
    name: str  # with its leading /

    @property
    def text(self) -> str:
        return f"ssm://{self.name}"


class AppConfigOrigin(msgspec.Struct, frozen=True, tag="appconfig"):
    """Names or ids; the service's data plane takes either."""

    application: str
    environment: str
    profile: str

    @property
    def text(self) -> str:
        return f"appconfig://{self.application}/{self.environment}/{self.profile}"


Origin = Union[FileOrigin, S3Origin, SsmOrigin, AppConfigOrigin]


def parse(text: str) -> Origin:
    """Raises Permanent("origin-invalid") that says what should be written instead."""
    if not text.isprintable():
        raise _invalid(text, "an origin holds no control characters")
    found = _ADDRESS.fullmatch(text)
    if found is None:
        raise _invalid(text, f"write {_FORMS}")
    kind, rest = found.groups()
    if kind == "file":
        return _file(text, rest)
    if not rest.startswith("//"):
        raise _invalid(text, f"two slashes come after {kind}:")
    return {"s3": _s3, "ssm": _ssm, "appconfig": _appconfig}[kind](text, rest[2:])


def _file(text: str, path: str) -> Origin:
    if not path:
        return FileOrigin(places.CONFIG)
    if not path.startswith("/") or path.startswith("//") or path.endswith("/"):
        raise _invalid(text, "write file: and an absolute path, as in file:/etc/mounts.yaml")
    if {"", ".", ".."} & set(path[1:].split("/")):
        raise _invalid(text, "the path must not hold //, /./ or /../")
    return FileOrigin(path)


def _s3(text: str, rest: str) -> Origin:
    bucket, _, key = rest.partition("/")
    if not _BUCKET.fullmatch(bucket):
        raise _invalid(text, "a bucket's name is 3 to 63 lower-case letters, digits, dots and hyphens")
    if not key or key.endswith("/") or len(key.encode()) > 1024:
        raise _invalid(text, "after the bucket comes the object's key, 1 to 1024 bytes, as in s3://bucket/fsmount/mounts.yaml")
    return S3Origin(bucket, key)


def _ssm(text: str, name: str) -> Origin:
    if not name.startswith("/"):
        raise _invalid(text, f"a parameter's name begins with a slash: ssm:///{name}")
    if not _PARAMETER.fullmatch(name) or len(name) > 1011:
        raise _invalid(text, "a parameter's name is up to 15 parts of letters, digits, . _ and -, with a slash before each")
    if _RESERVED.match(name):
        raise _invalid(text, "names that begin with aws or ssm are reserved by Parameter Store")
    return SsmOrigin(name)


def _appconfig(text: str, rest: str) -> Origin:
    parts = rest.split("/")
    if len(parts) != 3 or not all(0 < len(part) <= 128 for part in parts):
        raise _invalid(text, "write appconfig://application/environment/profile, each by its name or its id")
    return AppConfigOrigin(*parts)


def _invalid(text: str, instead: str) -> Permanent:
    return Permanent("origin-invalid", f"{text[:200]!a} is no origin: {instead}")

"""Render lifecycle/*.sh into the two scripts that a lifecycle configuration holds.

    render_hooks.py --bundle-url s3://bucket/fsmount.tar.gz --bundle-sha256 HEX --config-origin s3://bucket/mounts.yaml \\
        --public-key key.pub --policy policy.yaml

The rendered scripts run as root. So a setting is accepted by what it may be made of, never cleaned, and then quoted
all the same; and a script over the platform's limit is refused here rather than there. What the agent is to obey
(origin, region, public key, policy) travels as the one line of JSON that on-start writes to /etc.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from fsmount.errors import Permanent
from fsmount.origin import parse
from fsmount.settings import Policy
from pinned import SettingError, read_policy, read_public_key

LIFECYCLE = Path(__file__).resolve().parent.parent / "lifecycle"
HOOKS = ("on-create", "on-start")

# Content holds 16,384 characters of base64, so this many bytes.
MAX_BYTES = 12_288
# The platform gives a script 300 s: the hook's own work is bounded to 60 s, with 40 s to spare for slow ends.
MAX_WAIT_S = 180

_S3 = r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[A-Za-z0-9_.=+@:,/-]{1,900}"
_ORIGIN = r"(file|s3|ssm):[A-Za-z0-9_.=+@:,/-]{1,1000}|appconfig:[A-Za-z0-9_./ -]{1,400}"
_HTTPS = r"https://[A-Za-z0-9][A-Za-z0-9.-]{0,252}(:[0-9]{1,5})?/[A-Za-z0-9_.=+@:,/%?&~-]{1,1500}"
_REGION = r"[a-z]{2,4}(-[a-z]{2,12}){1,3}-[0-9]{1,2}"
_UNBOUND = Policy()
_SETTING = re.compile(r"^([A-Z0-9_]+)=@\1@$", re.MULTILINE)
# Comments are for who reads lifecycle/; in the script they would take a tenth of the limit.
_COMMENT = re.compile(r"^ *#.*\n", re.MULTILINE)
_INCLUDE = re.compile(r'^# shellcheck source-path=SCRIPTDIR source=common\.sh\n\. "\$\{0%/\*\}/common\.sh"\n', re.MULTILINE)


@dataclass(frozen=True)
class Settings:
    """What the scripts need to know, checked when made."""

    bundle_url: str
    bundle_sha256: str
    config_origin: str = "file:"
    wait_s: int = 0
    region: str = ""
    public_key: str = ""
    policy: Policy = _UNBOUND

    def __post_init__(self) -> None:
        """Refuse what is not of the expected form."""
        _expect("bundle URL", self.bundle_url, f"{_S3}|{_HTTPS}", "s3://bucket/key or https://host/path")
        _expect("bundle SHA-256", self.bundle_sha256, r"[0-9a-f]{64}", "64 hexadecimal digits, in lower case")
        _expect_origin(self.config_origin)
        _expect("region", self.region, "|" + _REGION, "a region's name like eu-west-1, or nothing")
        _expect("public key", self.public_key, "|[A-Za-z0-9+/]{43}=", "base64 of an Ed25519 key's 32 bytes, or nothing")
        if not 0 <= self.wait_s <= MAX_WAIT_S:
            raise SettingError(f"the wait is {self.wait_s} s: give 0 to {MAX_WAIT_S}, a script has 5 minutes")

    @property
    def pinned(self) -> str:
        """The agent's settings file, in ASCII; what is not pinned is left out, since every byte counts."""
        policy = {name: value for name, value in msgspec.structs.asdict(self.policy).items() if value is not None}
        said = {"origin": self.config_origin, "region": self.region, "public_key": self.public_key, "policy": policy}
        return json.dumps({name: value for name, value in said.items() if value}, separators=(",", ":"))


def _expect_origin(text: str) -> None:
    """Of the agent's form, and made of the characters that may stand in a script."""
    _expect("configuration origin", text, f"file:|{_ORIGIN}", "file:, s3://, ssm:/// or appconfig:// without odd characters")
    try:
        parse(text)
    except Permanent as error:
        raise SettingError(f"the configuration origin: {error.problem.observed}") from None


def _expect(what: str, value: str, pattern: str, form: str) -> None:
    if re.fullmatch(pattern, value, re.ASCII) is None:
        raise SettingError(f"the {what} is {value!r}: give {form}")


def _seconds(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,6}", text, re.ASCII):
        raise SettingError(f"the wait is {text!r}: give seconds, 0 to {MAX_WAIT_S}")
    return int(text)


def render(hook: str, settings: Settings, lifecycle: Path = LIFECYCLE) -> str:
    """Return the self-contained script `hook` ("on-create" or "on-start")."""
    common = (lifecycle / "common.sh").read_text(encoding="ascii")
    source = (lifecycle / (hook + ".sh")).read_text(encoding="ascii")
    found = _INCLUDE.search(source)
    if found is None:
        raise SettingError(f"{hook}.sh does not include common.sh as expected: keep the two lines as they were")
    values = {
        "BUNDLE_URL": settings.bundle_url,
        "BUNDLE_SHA256": settings.bundle_sha256,
        "CONFIG_ORIGIN": settings.config_origin,
        "SETTINGS": settings.pinned,
        "WAIT_S": str(settings.wait_s),
        "REGION": settings.region,
    }
    script = source[: found.start()] + _COMMENT.sub("", common + source[found.end() :])
    script = _SETTING.sub(lambda line: f"{line[1]}={shlex.quote(values[line[1]])}", script)
    if len(script) > MAX_BYTES:
        took = f"the pinned settings take {len(settings.pinned)} of them, the origin and the URL {len(settings.config_origin)}"
        took += f" and {len(settings.bundle_url)}"
        raise SettingError(f"{hook} is {len(script)} bytes, over {MAX_BYTES}: shorten the policy or the URLs ({took})")
    return script


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Render the two lifecycle scripts.")
    parser.add_argument("--bundle-url", required=True, metavar="URL", help="s3://bucket/key or https://host/path")
    parser.add_argument("--bundle-sha256", required=True, metavar="HEX", help="as build_bundle.py prints it")
    parser.add_argument(
        "--config-origin", default="file:", metavar="ORIGIN", help="file: (default), s3://, ssm:///, appconfig://"
    )
    parser.add_argument(
        "--public-key", default="", metavar="KEY", help="believe only what its private half signed (a file, or base64)"
    )
    parser.add_argument("--policy", type=Path, metavar="FILE", help="what any configuration may ask for: YAML or JSON")
    parser.add_argument("--wait", default="0", metavar="SECONDS", help="wait for the mounts (default 0)")
    parser.add_argument("--aws-region", default="", metavar="R", help="default: the notebook instance's own")
    parser.add_argument("--output", default="dist", type=Path, metavar="DIR", help="where to put them (%(default)s)")
    return parser.parse_args(argv)


def main(argv: Sequence[str]) -> int:
    """Write on-create.sh and on-start.sh and name them on stdout."""
    arguments = _arguments(argv)
    try:
        settings = Settings(
            bundle_url=arguments.bundle_url,
            bundle_sha256=arguments.bundle_sha256,
            config_origin=arguments.config_origin,
            wait_s=_seconds(arguments.wait),
            region=arguments.aws_region,
            public_key=read_public_key(arguments.public_key),
            policy=read_policy(arguments.policy) if arguments.policy else _UNBOUND,
        )
        _warn(settings)
        scripts = {hook: render(hook, settings) for hook in HOOKS}  # both or none: an old one beside a new one misleads
        arguments.output.mkdir(parents=True, exist_ok=True)
        for hook, script in scripts.items():
            path = arguments.output / (hook + ".sh")
            path.write_bytes(script.encode("ascii"))
            path.chmod(0o755)
            print(f"{path}  {len(script)} of {MAX_BYTES} bytes")
        _say_what_is_pinned(settings)
    except (SettingError, OSError) as error:
        print(f"render_hooks: {error}", file=sys.stderr)
        return 2
    return 0


def _say_what_is_pinned(settings: Settings) -> None:
    """All of it: a variable of make's that was misspelt is one that nobody asked for."""
    unset = Policy() == settings.policy
    bounds = [name for name, value in msgspec.structs.asdict(settings.policy).items() if value is not None]
    print(
        f"configuration from: {settings.config_origin}"
        + (" (the notebook's volume)" if settings.config_origin == "file:" else "")
    )
    print(f"region:             {settings.region or 'that of the notebook instance'}")
    print(f"signature by:       {settings.public_key or 'none asked for (PUBLIC_KEY=)'}")
    print(f"policy bounds:      {'nothing (POLICY=)' if unset else ', '.join(bounds)}")
    print(f"a start waits:      {settings.wait_s} s for the mounts")


def _warn(settings: Settings) -> None:
    for address in (settings.bundle_url, settings.config_origin):
        if address.startswith("s3://") and "sagemaker" in address.split("/")[2]:
            risk = "whoever has the usual notebook role may write there, and so decide what root mounts"
            print(f"render_hooks: warning: the bucket of {address} has 'sagemaker' in its name: {risk}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

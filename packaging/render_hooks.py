"""Render lifecycle/*.sh into the two scripts that a lifecycle configuration holds.

    render_hooks.py --bundle-url s3://bucket/fsmount.tar.gz --bundle-sha256 HEX --config-origin s3://bucket/mounts.yaml

The rendered scripts run as root. So a setting is accepted by what it may be made of, never cleaned, and then quoted
all the same; and a script over the platform's limit is refused here rather than there.
"""

from __future__ import annotations

import argparse
import re
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

LIFECYCLE = Path(__file__).resolve().parent.parent / "lifecycle"
HOOKS = ("on-create", "on-start")

# Content holds 16,384 characters of base64, so this many bytes.
MAX_BYTES = 12_288
# The platform gives a script 300 s: the hook's own work is bounded to 60 s, with 40 s to spare for slow ends.
MAX_WAIT_S = 180

_S3 = r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[A-Za-z0-9_.=+@:,/-]{1,900}"
_HTTPS = r"https://[A-Za-z0-9][A-Za-z0-9.-]{0,252}(:[0-9]{1,5})?/[A-Za-z0-9_.=+@:,/%?&~-]{1,1500}"
_REGION = r"[a-z]{2,4}(-[a-z]{2,12}){1,3}-[0-9]{1,2}"
_SETTING = re.compile(r"^([A-Z0-9_]+)=@\1@$", re.MULTILINE)
# Comments are for who reads lifecycle/; in the script they would take a tenth of the limit.
_COMMENT = re.compile(r"^ *#.*\n", re.MULTILINE)
_INCLUDE = re.compile(r'^# shellcheck source-path=SCRIPTDIR source=common\.sh\n\. "\$\{0%/\*\}/common\.sh"\n', re.MULTILINE)


class SettingError(ValueError):
    """A setting that must not get into a script; the text says which, what it is, and what it should be."""


@dataclass(frozen=True)
class Settings:
    """What the scripts need to know, checked when made."""

    bundle_url: str
    bundle_sha256: str
    config_origin: str = "file:"
    wait_s: int = 0
    region: str = ""

    def __post_init__(self) -> None:
        """Refuse what is not of the expected form."""
        _expect("bundle URL", self.bundle_url, f"{_S3}|{_HTTPS}", "s3://bucket/key or https://host/path")
        _expect("bundle SHA-256", self.bundle_sha256, r"[0-9a-f]{64}", "64 hexadecimal digits, in lower case")
        _expect("configuration origin", self.config_origin, "file:|" + _S3, "file: or s3://bucket/key")
        _expect("region", self.region, "|" + _REGION, "a region's name like eu-west-1, or nothing")
        if not 0 <= self.wait_s <= MAX_WAIT_S:
            raise SettingError(f"the wait is {self.wait_s} s: give 0 to {MAX_WAIT_S}, a script has 5 minutes")


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
        "WAIT_S": str(settings.wait_s),
        "REGION": settings.region,
    }
    script = source[: found.start()] + _COMMENT.sub("", common + source[found.end() :])
    script = _SETTING.sub(lambda line: f"{line[1]}={shlex.quote(values[line[1]])}", script)
    if len(script) > MAX_BYTES:
        raise SettingError(f"{hook} is {len(script)} bytes, over {MAX_BYTES}: shorten the URLs")
    return script


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Render the two lifecycle scripts.")
    parser.add_argument("--bundle-url", required=True, metavar="URL", help="s3://bucket/key or https://host/path")
    parser.add_argument("--bundle-sha256", required=True, metavar="HEX", help="as build_bundle.py prints it")
    parser.add_argument("--config-origin", default="file:", metavar="ORIGIN", help="file: (default) or s3://bucket/key")
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
        )
        for address in (arguments.bundle_url, arguments.config_origin):
            if "sagemaker" in address.removeprefix("s3://").partition("/")[0]:
                risk = "whoever has the usual notebook role may write there, and so decide what root mounts"
                print(f"render_hooks: warning: the bucket of {address} has 'sagemaker' in its name: {risk}", file=sys.stderr)
        arguments.output.mkdir(parents=True, exist_ok=True)
        for hook in HOOKS:
            script = render(hook, settings)
            path = arguments.output / (hook + ".sh")
            path.write_bytes(script.encode("ascii"))
            path.chmod(0o755)
            print(f"{path}  {len(script)} of {MAX_BYTES} bytes")
    except (SettingError, OSError) as error:
        print(f"render_hooks: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The pinned wheels: which there are, where they come from, what is in them.

A wheel is believed by its SHA-256 in requirements-bundle.txt and by nothing else, whether pip has just fetched it
or it lay in the cache.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

PIP_TIMEOUT_S = 300
# An older tag of the same line is what some wheels are still named after; pip tries them in this order.
_PIP_PLATFORMS = {
    "linux_x86_64": ("manylinux2014_x86_64", "manylinux_2_17_x86_64"),
    "linux_aarch64": ("manylinux2014_aarch64", "manylinux_2_17_aarch64"),
}
PLATFORMS = tuple(_PIP_PLATFORMS)


class BuildError(Exception):
    """The bundle cannot be built; the text says what is wrong, with which thing, and what to do."""


@dataclass(frozen=True)
class Target:
    """The interpreter and platform a bundle is for."""

    python: str
    platform: str

    @property
    def tag(self) -> str:
        return "cp{}-{}".format(self.python.replace(".", ""), self.platform)


@dataclass(frozen=True)
class Pin:
    """One line of requirements-bundle.txt."""

    name: str
    version: str
    digests: frozenset[str]


@dataclass(frozen=True)
class Wheel:
    """One verified wheel file."""

    pin: Pin
    path: Path
    digest: str

    def files(self) -> dict[str, bytes]:
        """Return name -> content of every file in the wheel."""
        with zipfile.ZipFile(self.path) as archive:
            return {info.filename: archive.read(info) for info in archive.infolist() if not info.is_dir()}


def read_pins(requirements: Path) -> list[Pin]:
    """Read the pins, sorted by name. Anything but `name==version --hash=sha256:...` is refused."""
    text = re.sub(r"\\\n", " ", requirements.read_text(encoding="utf-8"))
    lines = [line for line in (raw.strip() for raw in text.splitlines()) if line and not line.startswith("#")]
    return sorted((_pin(line, requirements) for line in lines), key=lambda pin: pin.name)


def _pin(line: str, requirements: Path) -> Pin:
    found = re.fullmatch(r"([A-Za-z0-9._-]+)==([A-Za-z0-9.]+)((?:\s+--hash=sha256:[0-9a-f]{64})+)", line)
    if found is None:
        raise BuildError(f"{requirements}: {line!r} is not `name==version --hash=sha256:...`: pin it with its digests")
    name = re.sub(r"[-_.]+", "_", found.group(1)).lower()
    return Pin(name, found.group(2), frozenset(re.findall(r"sha256:([0-9a-f]{64})", found.group(3))))


def obtain(requirements: Path, target: Target, cache: Path) -> list[Wheel]:
    """Return the wheel of every pin for `target`, fetching into `cache` only if one is not there yet."""
    pins = read_pins(requirements)
    directory = cache / target.tag
    directory.mkdir(parents=True, exist_ok=True)
    if any(_in_cache(pin, directory) is None for pin in pins):
        _download(requirements, target, directory)
    return [_in_cache(pin, directory) or _missing(pin, target, directory) for pin in pins]


def _missing(pin: Pin, target: Target, directory: Path) -> Wheel:
    raise BuildError(
        f"{pin.name} {pin.version}: no wheel for {target.tag} with a pinned digest in {directory}: "
        "add its digest to requirements-bundle.txt"
    )


def _in_cache(pin: Pin, directory: Path) -> Wheel | None:
    for path in sorted(directory.glob("*.whl")):
        name, version = path.name.split("-")[:2]
        if (name.lower(), version) == (pin.name, pin.version):
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            if digest in pin.digests:
                return Wheel(pin, path, digest)
    return None


def _download(requirements: Path, target: Target, directory: Path) -> None:
    abi = "cp" + target.python.replace(".", "")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    command += ["--only-binary", ":all:", "--implementation", "cp", "--python-version", target.python]
    for tag in (abi, "abi3", "none"):
        command += ["--abi", tag]
    for platform in _PIP_PLATFORMS[target.platform]:
        command += ["--platform", platform]
    command += ["--requirement", str(requirements), "--dest", str(directory)]
    try:
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=PIP_TIMEOUT_S)
    except subprocess.CalledProcessError as error:
        raise BuildError(f"pip could not fetch the wheels (exit {error.returncode}): see its message above") from error
    except subprocess.TimeoutExpired as error:
        raise BuildError(f"pip did not fetch the wheels in {PIP_TIMEOUT_S} s: try again") from error

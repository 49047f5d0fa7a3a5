"""Build the bundle: one .tar.gz with fsmount and all it imports, for one Python and one platform.

    build_bundle.py --python 3.9 --output dist/

The same input gives the same SHA-256 (archive.py), the third-party part comes from pinned wheels only (wheels.py),
less what the agent never reads (prune.py). No byte code travels: it belongs to the Python that will run it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import archive
import prune
from wheels import PLATFORMS, BuildError, Target, Wheel, obtain

HERE = Path(__file__).resolve().parent
AGENT = HERE.parent / "agent" / "fsmount"
MAX_PACKED = 6_000_000
MAX_UNPACKED = 30_000_000

LAUNCHER = b"""\
#!/usr/bin/python3 -IS
import sys
from os.path import dirname, realpath

sys.path.insert(0, dirname(dirname(realpath(__file__))) + "/lib")
from fsmount.cli import main

sys.exit(main(sys.argv[1:]))
"""

SHARED = {
    "share/fsmount.service": "fsmount.service",
    "share/completions/fsmount": "completions/fsmount",
    "share/man/man1/fsmount.1": "fsmount.1",
}


@dataclass(frozen=True)
class Component:
    """One thing in the bundle: its files by their names there, and where they came from."""

    name: str
    version: str
    files: Mapping[str, bytes]
    wheel: str | None = None

    @property
    def size(self) -> int:
        return sum(map(len, self.files.values()))

    @property
    def digest(self) -> str:
        """SHA-256 over names and contents as bundled, so that a component can be compared across bundles."""
        total = hashlib.sha256()
        for name in sorted(self.files):
            total.update(b"%s %s\n" % (hashlib.sha256(self.files[name]).hexdigest().encode(), name.encode()))
        return total.hexdigest()


@dataclass(frozen=True)
class Bundle:
    """A built bundle in memory."""

    name: str
    data: bytes
    components: Sequence[Component]

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


def build(target: Target, wheels: Sequence[Wheel], agent: Path = AGENT, mtime_s: int = 0) -> Bundle:
    """Put the bundle together; a bundle over the limits is a BuildError that names the biggest components."""
    version = agent_version(agent)
    components = [_agent(agent, version), _shared(version)] + [_dependency(wheel) for wheel in wheels]
    files: dict[str, bytes] = {"bundle.json": _manifest(version, target, components)}
    for component in components:
        twice = files.keys() & component.files.keys()
        if twice:
            raise BuildError(f"{component.name}: {min(twice)} is in another component already")
        files.update(component.files)
    bundle = Bundle(f"fsmount-{version}-{target.tag}.tar.gz", archive.pack(files, mtime_s), components)
    _check_sizes(bundle)
    return bundle


def agent_version(agent: Path) -> str:
    """Read `__version__` without importing: the building Python need not be able to run the agent."""
    path = agent / "__init__.py"
    found = re.search(r'^__version__(?:: str)? = "([0-9A-Za-z.+]+)"$', path.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise BuildError(f'{path}: no line `__version__ = "..."`: the bundle takes its version from it')
    return found.group(1)


def _agent(agent: Path, version: str) -> Component:
    files = {"bin/fsmount": LAUNCHER}
    for path in sorted(agent.rglob("*")):
        inside = path.relative_to(agent)
        if path.is_file() and path.suffix != ".pyc" and not any(part.startswith(".") for part in inside.parts):
            files["lib/fsmount/" + inside.as_posix()] = path.read_bytes()
    return Component("fsmount", version, files)


def _shared(version: str) -> Component:
    present = {name: HERE / source for name, source in SHARED.items() if (HERE / source).is_file()}
    return Component("share", version, {name: path.read_bytes() for name, path in present.items()})


def _dependency(wheel: Wheel) -> Component:
    kept = {"lib/" + name: data for name, data in wheel.files().items() if prune.keeps(name)}
    return Component(wheel.pin.name, wheel.pin.version, kept, wheel.digest)


def _manifest(version: str, target: Target, components: Sequence[Component]) -> bytes:
    described = [
        {"name": c.name, "version": c.version, "sha256": c.digest, **({"wheel_sha256": c.wheel} if c.wheel else {})}
        for c in components
    ]
    document = {
        "name": "fsmount",
        "version": version,
        "python": target.python,
        "platform": target.platform,
        "components": described,
    }
    return (json.dumps(document, indent=1) + "\n").encode()


def _check_sizes(bundle: Bundle) -> None:
    unpacked = sum(component.size for component in bundle.components)
    biggest = sorted(bundle.components, key=lambda component: -component.size)[:3]
    blame = ", ".join(f"{component.name} {component.size / 1e6:.1f} MB" for component in biggest)
    for what, size, limit in (("packed", len(bundle.data), MAX_PACKED), ("unpacked", unpacked, MAX_UNPACKED)):
        if size > limit:
            raise BuildError(f"the bundle is {size} bytes {what}, over {limit}: prune more ({blame})")


def sizes(bundle: Bundle) -> str:
    """Return the table of sizes: each component as it lies unpacked and as it compresses by itself."""
    rows = [_row("component", "version", "files", "unpacked", "packed")]
    for c in sorted(bundle.components, key=lambda component: -component.size):
        rows.append(_row(c.name, c.version, len(c.files), c.size, len(archive.pack(c.files))))
    count = sum(len(c.files) for c in bundle.components)
    unpacked = sum(c.size for c in bundle.components)
    rows.append(_row("bundle", "", count, unpacked, len(bundle.data)))
    return "\n".join(rows)


def _row(name: str, version: str, files: object, unpacked: object, packed: object) -> str:
    return f"{name:16} {version:14} {files!s:>6} {unpacked!s:>12} {packed!s:>12}"


def write(bundle: Bundle, directory: Path) -> Path:
    """Write the bundle and its `.sha256` (as sha256sum -c reads it); neither is ever there in part."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / bundle.name
    line = f"{bundle.digest}  {bundle.name}\n"
    for target, data in ((path, bundle.data), (directory / (bundle.name + ".sha256"), line.encode())):
        temporary = target.with_name(f".{target.name}.{os.getpid()}")
        temporary.write_bytes(data)
        temporary.chmod(0o644)
        temporary.replace(target)
    return path


def _source_date_epoch() -> int:
    text = os.environ.get("SOURCE_DATE_EPOCH", "0")
    if not re.fullmatch(r"[0-9]{1,10}", text):
        raise BuildError(f"SOURCE_DATE_EPOCH is {text!r}, not a number of seconds: correct or unset it")
    return int(text)


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Build the fsmount bundle.")
    parser.add_argument("--python", default="3.9", metavar="X.Y", help="the target's /usr/bin/python3 (%(default)s)")
    parser.add_argument("--platform", default=PLATFORMS[0], choices=PLATFORMS, help="the target's (%(default)s)")
    parser.add_argument("--output", default="dist", type=Path, metavar="DIR", help="where to put it (%(default)s)")
    parser.add_argument("--wheels", type=Path, metavar="DIR", help="cache of wheels (default: OUTPUT/wheels)")
    parser.add_argument("--agent", default=AGENT, type=Path, metavar="DIR", help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if not re.fullmatch(r"3\.(9|[1-9][0-9])", arguments.python):
        parser.error(f"--python {arguments.python}: the agent runs on Python 3.9 and newer; give it as 3.9")
    return arguments


def main(argv: Sequence[str]) -> int:
    """Build as the arguments say: digest and file on stdout (as sha256sum does), the table on stderr."""
    arguments = _arguments(argv)
    target = Target(arguments.python, arguments.platform)
    try:
        found = obtain(HERE / "requirements-bundle.txt", target, arguments.wheels or arguments.output / "wheels")
        bundle = build(target, found, arguments.agent, _source_date_epoch())
        path = write(bundle, arguments.output)
    except (BuildError, OSError) as error:
        print(f"build_bundle: {error}", file=sys.stderr)
        return 1
    print(sizes(bundle), file=sys.stderr)
    if not archive.compresses_like_zlib():
        print("build_bundle: this Python's zlib is a rewrite: the digest is not the one others get", file=sys.stderr)
    print(f"{bundle.digest}  {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

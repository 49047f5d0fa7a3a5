"""The unit ring on Python 3.9, the target's: in the root file system of the Debian 11 image, entered with chroot.

`python -m tests.unit39 [PYTEST ARGUMENT...]`. Where that suite can no longer be had it says so, and ends with 0.
"""

from __future__ import annotations

import platform
import subprocess
import sys
import tempfile
from pathlib import Path

from .vm.cache import step
from .vm.image import ImageUnavailable, root_file_system

ROOT = Path(__file__).parents[1]
NEEDS: tuple[str, ...] = ("pytest==8.4.2", "msgspec==0.20.0", "psutil==7.2.2", "PyYAML==6.0.3", "PyNaCl==1.6.2")
NEEDS += ("botocore==1.42.97",)  # the newest for this Python: what tags and policies are held against
# What pytest needs only on an older Python: pip looks at the one that it runs on, not at the one it installs for.
NEEDS += ("exceptiongroup==1.3.0", "tomli==2.2.1", "typing_extensions==4.14.1")
# These build and upload bundles, which is an administrator's work on a Python of his own.
ELSEWHERE = ("tests/unit/test_bundle.py", "tests/unit/test_hooks.py")


def main(arguments: list[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="fsmount-unit39-") as name:
        folder, tree = Path(name), Path(name) / "tree"
        tree.mkdir()
        try:
            root_file_system("bullseye", tree)
        except ImageUnavailable as error:
            print(f"NOT TRIED on Python 3.9, since Debian 11 cannot be had here: {error}", file=sys.stderr)
            return 0
        with step("Python 3.9: packages"):
            _packages(folder)
        return _chroot(tree, folder, arguments)


def _packages(folder: Path) -> None:
    # As the bundle's: this computer's C library may be newer than the tree's.
    machine = platform.machine()
    platforms = ["--platform", f"manylinux2014_{machine}", "--platform", f"manylinux_2_17_{machine}"]
    wheels = ["--target", str(folder / "lib"), "--python-version", "3.9", *platforms, "--only-binary", ":all:"]
    argv = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-warn-conflicts", *wheels, *NEEDS]
    subprocess.run(argv, check=True, timeout=300)


def _chroot(tree: Path, folder: Path, arguments: list[str]) -> int:
    """pytest in the tree, with the checkout and the packages bound into it, in namespaces that end with it."""
    ignored = [f"--ignore={path}" for path in ELSEWHERE]
    script = """
        set -eu
        mount -t tmpfs tmpfs "$1/mnt"; mkdir "$1/mnt/checkout" "$1/mnt/lib"
        mount --bind "$2" "$1/mnt/checkout"; mount --bind "$3" "$1/mnt/lib"
        mount -t proc proc "$1/proc"; mount -t tmpfs tmpfs "$1/tmp"
        root=$1; shift 3
        exec chroot "$root" /usr/bin/env -i PATH=/usr/bin:/bin HOME=/root PYTHONDONTWRITEBYTECODE=1 \\
            PYTHONPATH=/mnt/checkout/agent:/mnt/lib sh -c 'cd /mnt/checkout; exec /usr/bin/python3 "$@"' sh "$@"
    """
    inside = ["-m", "pytest", "-p", "no:cacheprovider", "tests/unit", *ignored, *arguments]
    enter = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--net", "sh", "-c", script, "sh"]
    return subprocess.run([*enter, str(tree), str(ROOT), str(folder / "lib"), *inside], timeout=900).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The disk that a notebook instance boots from: Debian's user land, the AWS CLI and the driver's helpers.

Two layers, each cached under the digest of what it is made of: the packages (slow, rarely changes) and the helpers of
`guest/` on top (seconds).
"""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from .cache import ToolFailed, cached, digest, step, tool

GUEST = Path(__file__).parent / "guest"
DISK_SIZE = "6G"
COMMON = (
    *("systemd", "systemd-sysv", "udev", "dbus", "kmod", "nfs-common", "nfs-kernel-server", "iproute2", "nftables"),
    *("python3", "python3-venv", "sudo", "procps", "psmisc", "ca-certificates", "e2fsprogs", "xz-utils", "less"),
    *("man-db", "bash-completion", "nano"),
)
# Nothing of Debian's own may compete with the servers that we start, or slow the boot.
MASKED = (
    *("nfs-server.service", "nfs-kernel-server.service", "nfs-mountd.service", "nfs-idmapd.service", "nfs-blkmap.service"),
    *("nfsdcld.service", "rpcbind.service", "rpcbind.socket", "nftables.service", "systemd-networkd-wait-online.service"),
    *("e2scrub_reap.service", "e2scrub_all.timer", "apt-daily.timer", "apt-daily-upgrade.timer"),
)
KERNEL = "linux-image-cloud-amd64"


@dataclass(frozen=True)
class Suite:
    name: str
    python: str
    packages: tuple[str, ...]
    aws_cli: tuple[str, ...] = ("awscli>=1.40",)


SUITES = {
    "bookworm": Suite("bookworm", "3.11", (*COMMON, "python3-systemd", KERNEL)),
    # Without python3-systemd and on bookworm's kernel: the oldest Python and systemd that the agent supports.
    # pip reads `python_version < "3.10"` in what a package needs as if this host's Python was meant: hence urllib3 by hand.
    "bullseye": Suite("bullseye", "3.9", COMMON, ("awscli>=1.40,<1.45", "urllib3<1.27")),
}


@dataclass(frozen=True)
class Image:
    """What a machine boots: a raw root disk that nobody writes to, the kernel, and the digest of it all."""

    suite: str
    digest: str
    disk: Path
    kernel: Path
    initrd: Path


class ImageUnavailable(Exception):
    """The image cannot be made on this host now: no packages to be had, or a tool is missing."""


def get_image(name: str | None = None) -> Image:
    """The image of that suite ($IMAGE, else bookworm), built if the cache does not have it."""
    name = name or os.environ.get("IMAGE") or "bookworm"
    if name not in SUITES:
        raise ImageUnavailable(f"there is no image {name!r}; IMAGE is one of {', '.join(SUITES)}")
    suite, kernel_suite = SUITES[name], SUITES["bookworm"]
    try:
        base = _packages(suite)
        kernel = base if suite is kernel_suite else _packages(kernel_suite)
        helpers = b"".join(path.name.encode() + path.read_bytes() for path in sorted(GUEST.iterdir()) if path.is_file())
        key = digest(base.name, kernel.name, helpers, DISK_SIZE, Path(__file__).read_bytes())
        folder = cached(f"image-{suite.name}-{key}", lambda work: _make_disk(work, base, kernel))
    except ToolFailed as error:
        raise ImageUnavailable(f"the {name} image could not be built: {error}") from error
    return Image(suite.name, key, folder / "root.img", kernel / "vmlinuz", kernel / "initrd")


def root_file_system(name: str, into: Path) -> None:
    """Unpack the suite's root file system, for programs that only need its user land (chroot)."""
    try:
        packed = _packages(SUITES[name]) / "rootfs.tar"
    except ToolFailed as error:
        raise ImageUnavailable(f"the {name} image could not be built: {error}") from error
    tool("tar", "-C", str(into), "--numeric-owner", "-xpf", str(packed))


def _packages(suite: Suite) -> Path:
    """A folder with the suite's root file system (rootfs.tar) and, where it has a kernel, vmlinuz and initrd."""
    key = digest("packages-5", suite.name, *suite.packages, *suite.aws_cli)

    def build(work: Path) -> None:
        tree = work / "tree"
        with step(f"{suite.name}: packages"):
            include = "--include=" + ",".join(suite.packages)
            tool("mmdebstrap", "--variant=apt", "--format=directory", include, suite.name, str(tree))
        with step(f"{suite.name}: AWS CLI"):
            _add_aws_cli(suite, tree)
        for name, pattern in (("vmlinuz", "vmlinuz-*"), ("initrd", "initrd.img-*")):
            for path in (tree / "boot").glob(pattern):
                shutil.copy(path, work / name)
        with step(f"{suite.name}: pack"):
            tool("tar", "-C", str(tree), "--numeric-owner", "-cf", str(work / "rootfs.tar"), ".")
            shutil.rmtree(tree)

    return cached(f"packages-{suite.name}-{key}", build)


def _add_aws_cli(suite: Suite, tree: Path) -> None:
    wheels = ["--only-binary=:all:", "--python-version", suite.python, "--implementation", "cp"]
    for platform in ("manylinux2014_x86_64", "manylinux_2_28_x86_64"):
        wheels += ["--platform", platform]
    target = tree / "opt" / "awscli"
    tool(*_pip(), "install", "-q", "--no-compile", "--target", str(target), *wheels, *suite.aws_cli)
    shutil.rmtree(target / "awscli" / "examples", ignore_errors=True)
    tool("chroot", str(tree), "/usr/bin/python3", "-m", "compileall", "-q", "/opt/awscli")


def _pip() -> list[str]:
    return [sys.executable, "-m", "pip", "--disable-pip-version-check"]


def _make_disk(work: Path, base: Path, kernel: Path) -> None:
    tree = work / "tree"
    with step("root disk"):
        tree.mkdir()
        tool("tar", "-C", str(tree), "--numeric-owner", "-xpf", str(base / "rootfs.tar"))
        if kernel != base:
            _add_modules(kernel / "rootfs.tar", tree)
        _configure(tree)
        tool("mke2fs", "-q", "-F", "-t", "ext4", "-L", "root", "-d", str(tree), str(work / "root.img"), DISK_SIZE)
        shutil.rmtree(tree)


def _add_modules(kernel: Path, tree: Path) -> None:
    """The kernel's modules, to where this tree has /lib: bullseye's is not yet a link into /usr."""
    names = tool("tar", "-tf", str(kernel)).splitlines()
    modules = next(name for name in names if name in ("./usr/lib/modules/", "./lib/modules/"))
    above = len(Path(modules).parts)  # tar counts the leading dot, Path does not
    tool("tar", "-C", str(tree / "lib"), f"--strip-components={above}", "--numeric-owner", "-xpf", str(kernel), modules)


def _configure(tree: Path) -> None:
    helpers = tree / "usr" / "lib" / "fsmount-vm"
    helpers.mkdir(parents=True)
    for name in ("execd.py", "servers.sh", "instance.sh"):
        _install(GUEST / name, helpers / name, 0o755)
    _install(GUEST / "aws", tree / "usr" / "bin" / "aws", 0o755)
    units = tree / "etc" / "systemd" / "system"
    for unit, target in (("vm-exec.service", "sysinit.target"), ("vm-servers.service", "multi-user.target")):
        _install(GUEST / unit, units / unit, 0o644)
        wants = units / f"{target}.wants"
        wants.mkdir(exist_ok=True)
        (wants / unit).symlink_to(f"../{unit}")
    for unit in MASKED:
        (units / unit).unlink(missing_ok=True)
        (units / unit).symlink_to("/dev/null")
    hosts = ["127.0.0.1 localhost notebook", *(f"10.9.{i}.2 fs{i}.test" for i in range(1, 9))]
    (tree / "etc" / "hosts").write_text("\n".join(hosts) + "\n")
    (tree / "etc" / "hostname").write_text("notebook\n")
    (tree / "etc" / "fstab").write_text("")
    (tree / "etc" / "resolv.conf").unlink(missing_ok=True)
    (tree / "etc" / "resolv.conf").write_text("")
    tool("useradd", "--root", str(tree), "-m", "-u", "1000", "-U", "-s", "/bin/bash", "ec2-user")
    for home, owner in ((tree / "root", 0), (tree / "home" / "ec2-user", 1000)):
        (home / ".aws").mkdir(exist_ok=True)
        _install(GUEST / "aws-config", home / ".aws" / "config", 0o600)
        for path in (home / ".aws", home / ".aws" / "config"):
            os.chown(path, owner, owner)
    volume = tree / "home" / "ec2-user" / "SageMaker"
    volume.mkdir()
    os.chown(volume, 1000, 1000)


def _install(source: Path, target: Path, mode: int) -> None:
    shutil.copyfile(source, target)
    target.chmod(mode)

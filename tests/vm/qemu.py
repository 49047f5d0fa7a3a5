"""The emulator: which acceleration works here, its command line, its monitor, and the process with its end.

QEMU dies with the thread of the test process that started it (PDEATHSIG), so no machine outlives its tests.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .cache import cached, digest, tool
from .image import Image

BINARY = "qemu-system-x86_64"
MEMORY = "1024"
CPUS = "2"
KVM_PROBE_S = 10.0
AWS_IN_GUEST = "10.0.2.100:5000"


class MachineFailed(Exception):
    """QEMU or the machine in it does not do what it must for any test to run."""


@dataclass(frozen=True)
class Accelerator:
    name: str
    arguments: tuple[str, ...]


TCG = Accelerator("tcg", ("-accel", "tcg,thread=multi", "-cpu", "max"))
KVM = Accelerator("kvm", ("-accel", "kvm", "-cpu", "host"))


@functools.cache
def binary() -> str:
    found = shutil.which(BINARY)
    if found is None:
        raise MachineFailed(f"{BINARY} is not installed: the VM tests need it; `make deps` installs it")
    return found


@functools.cache
def accelerator(image: Image) -> Accelerator:
    """KVM where a kernel really gets to user space under it: on some machines only the firmware does.

    The answer is kept until the host boots again, since finding out that it does not work takes a while.
    """
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return TCG
    boot = Path("/proc/sys/kernel/random/boot_id").read_text()
    found = cached(f"kvm-{digest(boot, image.kernel.parent.name, binary())}", lambda work: _probe_kvm(image, work))
    return KVM if (found / "works").exists() else TCG


def _probe_kvm(image: Image, work: Path) -> None:
    spoken = work / "console"
    spoken.touch()
    argv = [binary(), *KVM.arguments, "-M", "q35", "-m", "512", "-nodefaults", "-display", "none", "-no-reboot"]
    argv += ["-chardev", f"file,id=console,path={spoken}", "-serial", "chardev:console"]
    argv += ["-kernel", str(image.kernel), "-initrd", str(image.initrd), "-append", "console=ttyS0 panic=-1"]
    process = subprocess.Popen(_dying_with_us(argv), stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + KVM_PROBE_S
        while process.poll() is None and time.monotonic() < deadline:
            if b"Run /init" in spoken.read_bytes():
                (work / "works").touch()
                return
            time.sleep(0.05)
    finally:
        process.kill()
        process.wait(timeout=10)


@functools.cache
def fingerprint(image: Image) -> str:
    """What a snapshot of a running machine depends on besides the image: the emulator and the machine it makes."""
    host_cpu = ""
    if accelerator(image) is KVM:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        host_cpu = next((line for line in lines if line.startswith("model name")), "")
    own = Path(__file__).read_bytes()
    return digest(tool(binary(), "--version"), accelerator(image).name, host_cpu, own)


def _dying_with_us(argv: list[str]) -> list[str]:
    return ["setpriv", "--pdeathsig", "KILL", "--", *argv]


@dataclass(frozen=True)
class Hardware:
    """One machine's parts: the folder for its sockets and logs, its disks (qcow2), the host's port that is AWS."""

    folder: Path
    image: Image
    root: Path
    ebs: Path | None = None
    servers: Path | None = None
    aws_port: int | None = None

    def argv(self) -> list[str]:
        argv = [binary(), "-name", "fsmount-test", "-M", "q35", *accelerator(self.image).arguments, "-smp", CPUS, "-m", MEMORY]
        argv += ["-nodefaults", "-no-user-config", "-display", "none", "-rtc", "base=utc"]
        argv += ["-kernel", str(self.image.kernel), "-initrd", str(self.image.initrd), "-append", self.kernel_line()]
        argv += ["-chardev", f"file,id=console,path={self.folder}/console.log,append=on", "-serial", "chardev:console"]
        argv += ["-chardev", f"socket,id=qmp,path={self.folder}/qmp,server=on,wait=off"]
        argv += ["-mon", "chardev=qmp,mode=control"]
        argv += ["-device", "virtio-serial-pci", "-chardev", f"socket,id=exec,path={self.folder}/exec,server=on,wait=off"]
        argv += ["-device", "virtserialport,chardev=exec,name=fsmount.exec", "-device", "virtio-rng-pci"]
        argv += ["-drive", f"file={self.root},format=qcow2,if=none,id=root,cache=unsafe"]
        argv += ["-device", "virtio-blk-pci,drive=root,serial=root", "-device", "virtio-scsi-pci,id=scsi"]
        for number, name, path in ((1, "ebs", self.ebs), (2, "servers", self.servers)):
            if path is not None:
                argv += ["-drive", f"file={path},format=qcow2,if=none,id={name},cache=unsafe"]
                argv += ["-device", f"scsi-hd,drive={name},bus=scsi.0,scsi-id={number},serial={name}"]
        argv += ["-netdev", "user,id=net,restrict=on" + self.aws_forward()]
        return [*argv, "-device", "virtio-net-pci,netdev=net,romfile="]

    def kernel_line(self) -> str:
        return "console=ttyS0 root=/dev/vda rw quiet net.ifnames=0 scsi_mod.scan=manual systemd.mask=serial-getty@ttyS0.service"

    def aws_forward(self) -> str:
        """The only way out: QEMU starts our connector for each connection to that address."""
        if self.aws_port is None:
            return ""
        connector = Path(__file__).parent / "connector.py"
        return f",guestfwd=tcp:{AWS_IN_GUEST}-cmd:{sys.executable} -I -S '{connector}' {self.aws_port}"


class Qemu:
    """The running emulator. `incoming` is an open saved state to continue instead of booting."""

    def __init__(self, hardware: Hardware, incoming: int | None = None) -> None:
        self.folder = hardware.folder
        argv = hardware.argv()
        if incoming is not None:
            argv += ["-incoming", f"fd:{incoming}"]
        inherited: Sequence[int] = () if incoming is None else (incoming,)
        self._log = (self.folder / "qemu.log").open("ab")
        self.process = subprocess.Popen(
            _dying_with_us(argv),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            pass_fds=inherited,
            start_new_session=True,
        )
        self._monitor: socket.socket | None = None
        self._buffer = b""

    def connect(self, name: str, timeout: float = 15) -> socket.socket:
        """A connection to one of the machine's sockets, as soon as QEMU listens."""
        deadline = time.monotonic() + timeout
        while True:
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.connect(str(self.folder / name))
                return connection
            except OSError as error:
                connection.close()
                if self.process.poll() is not None or time.monotonic() > deadline:
                    said = (self.folder / "qemu.log").read_text(errors="replace")[-1500:]
                    raise MachineFailed(f"QEMU did not come up ({error}); it said: {said}") from None
                time.sleep(0.02)

    def monitor(self, command: str, arguments: dict[str, Any] | None = None, timeout: float = 60) -> Any:
        """One QMP command; its return value."""
        if self._monitor is None:
            self._monitor = self.connect("qmp")
            self._monitor.settimeout(timeout)
            self._read()
            self.monitor("qmp_capabilities")
        self._monitor.settimeout(timeout)
        self._monitor.sendall(json.dumps({"execute": command, "arguments": arguments or {}}).encode())
        while True:
            answer = self._read()
            if "error" in answer:
                raise MachineFailed(f"QEMU refused {command}: {answer['error'].get('desc')}")
            if "return" in answer:
                return answer["return"]

    def human_monitor(self, line: str, timeout: float = 60) -> None:
        """One command of the human monitor; those that matter here say nothing when they succeed."""
        said = self.monitor("human-monitor-command", {"command-line": line}, timeout)
        if str(said).strip():
            raise MachineFailed(f"QEMU: {line}: {str(said).strip()}")

    def wait_status(self, wanted: Sequence[str], timeout: float = 60) -> None:
        deadline = time.monotonic() + timeout
        while (status := self.monitor("query-status")["status"]) not in wanted:
            if time.monotonic() > deadline:
                raise MachineFailed(f"the machine is {status}, not {wanted}, after {timeout:.0f} s")
            time.sleep(0.02)

    def save_state(self, path: Path, timeout: float = 120) -> None:
        """Stop the machine for good and write its memory and devices to a file that `incoming` continues."""
        self.monitor("stop")
        self.monitor("migrate-set-parameters", {"max-bandwidth": 1 << 40})
        self.monitor("migrate", {"uri": f"exec:cat >'{path}'"})
        deadline = time.monotonic() + timeout
        while (status := self.monitor("query-migrate").get("status")) != "completed":
            if status in ("failed", "cancelled") or time.monotonic() > deadline:
                raise MachineFailed(f"the machine's state could not be saved: {status}")
            time.sleep(0.05)

    def quit(self) -> None:
        self.monitor("quit")
        self.process.wait(timeout=30)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(timeout=30)
        self.close()

    def close(self) -> None:
        if self._monitor is not None:
            self._monitor.close()
        self._log.close()

    def _read(self) -> dict[str, Any]:
        assert self._monitor is not None
        while True:
            line, separator, rest = self._buffer.partition(b"\n")
            if separator:
                self._buffer = rest
                message: dict[str, Any] = json.loads(line)
                if "event" not in message:
                    return message
                continue
            data = self._monitor.recv(65536)
            if not data:
                raise MachineFailed("QEMU ended")
            self._buffer += data

"""A machine under test, in the vocabulary of the NixOS test driver: start, succeed, fail, wait_until_succeeds, crash.

Every verb has a deadline. A command that hangs (on a dead file system, say) does not keep the next one from running.
"""

from __future__ import annotations

import os
import shlex
import time
from pathlib import Path

from . import channel as wire
from .cache import cached, digest, step, tool
from .channel import Channel, CommandTimeout, Completed
from .image import Image
from .qemu import Hardware, MachineFailed, Qemu, fingerprint

BOOT_TIMEOUT = 180.0


class CommandFailed(AssertionError):
    """A command that had to succeed did not, or one that had to fail did not."""


def new_root(image: Image, path: Path) -> None:
    """A root disk that starts as the image and can be thrown away."""
    _overlay(image.disk, "raw", path)


def _overlay(backing: Path, backing_format: str, path: Path) -> None:
    path.unlink(missing_ok=True)
    tool("qemu-img", "create", "-q", "-f", "qcow2", "-b", str(backing), "-F", backing_format, str(path))


class Machine:
    """One virtual machine; `start` makes it run, `shutdown` and `crash` end it."""

    def __init__(self, hardware: Hardware) -> None:
        self.hardware = hardware
        self._qemu: Qemu | None = None
        self._channel: Channel | None = None

    @property
    def running(self) -> bool:
        return self._qemu is not None and self._qemu.process.poll() is None

    def start(self, *, booted: bool = False, timeout: float = BOOT_TIMEOUT) -> None:
        """Boot with a fresh root disk; with `booted`, continue the image's cached snapshot of a booted machine."""
        if self.running:
            raise MachineFailed("the machine is already running")
        if not booted:
            new_root(self.hardware.image, self.hardware.root)
            self._begin(Qemu(self.hardware), timeout)
            return
        snapshot = booted_snapshot(self.hardware.image)
        _overlay(snapshot / "root.qcow2", "qcow2", self.hardware.root)
        state = os.open(snapshot / "state", os.O_RDONLY)
        try:
            qemu = Qemu(self.hardware, incoming=state)
        finally:
            os.close(state)
        self._begin(qemu, timeout, incoming=True)

    def _begin(self, qemu: Qemu, timeout: float, incoming: bool = False) -> None:
        self._qemu = qemu
        try:
            self._channel = Channel(qemu.connect("exec"))
            if incoming:
                qemu.wait_status(("paused", "running"))
                qemu.monitor("cont")
            self._channel.hello(timeout)
        except MachineFailed as failure:
            self.crash()
            raise MachineFailed(f"{failure}; {self.console_tail()}") from failure
        except BaseException:
            self.crash()
            raise

    @property
    def channel(self) -> Channel:
        if self._channel is None or not self.running:
            raise MachineFailed("the machine is not running")
        return self._channel

    @property
    def qemu(self) -> Qemu:
        if self._qemu is None:
            raise MachineFailed("the machine is not running")
        return self._qemu

    # Commands

    def run(self, command: str, *, user: str | None = None, timeout: float = 60) -> Completed:
        """Run a command line with bash; as root in /, or as `user` with the login shell's environment."""
        flags = ["-euo", "pipefail", "-c", command]
        argv = ["/bin/bash", *flags] if user is None else ["/bin/bash", "-l", *flags]
        return wire.run(self.channel, argv, timeout=timeout, what=f"`{command}`", user=user)

    def execute(self, command: str, timeout: float = 60, user: str | None = None) -> tuple[int, str]:
        """Status and output (both streams); CommandTimeout if it does not end in time."""
        done = self.run(command, user=user, timeout=timeout)
        return done.status, done.output

    def succeed(self, command: str, timeout: float = 60, user: str | None = None) -> str:
        """Standard output of a command that must succeed."""
        done = self.run(command, user=user, timeout=timeout)
        if done.status != 0:
            raise CommandFailed(f"`{command}` ended with status {done.status}:\n{done.output}")
        return done.stdout

    def fail(self, command: str, timeout: float = 60, user: str | None = None) -> str:
        """Output of a command that must fail."""
        done = self.run(command, user=user, timeout=timeout)
        if done.status == 0:
            raise CommandFailed(f"`{command}` succeeded, and should not have:\n{done.output}")
        return done.output

    def wait_until_succeeds(self, command: str, timeout: float = 60, user: str | None = None) -> str:
        """Run it again and again, every run with 10 s at most, until it succeeds; its standard output."""
        deadline = time.monotonic() + timeout
        last = ""
        while (left := deadline - time.monotonic()) > 0:
            try:
                done = self.run(command, user=user, timeout=min(10, left))
                if done.status == 0:
                    return done.stdout
                last = f"status {done.status}:\n{done.output}"
            except CommandTimeout as late:
                last = str(late)
            time.sleep(0.2)
        raise CommandFailed(f"`{command}` did not succeed within {timeout:.0f} s; the last time: {last}")

    def wait_for_unit(self, unit: str, timeout: float = 60) -> None:
        """Wait until the unit is active; at once an error if it failed."""
        deadline = time.monotonic() + timeout
        while (state := self.succeed(f"systemctl show -P ActiveState {shlex.quote(unit)}").strip()) != "active":
            if state == "failed" or time.monotonic() > deadline:
                journal = self.execute(f"journalctl -u {shlex.quote(unit)} -n 40 --no-pager")[1]
                raise CommandFailed(f"unit {unit} is {state}, not active; its journal:\n{journal}")
            time.sleep(0.2)

    def copy_to(self, content: bytes | Path, path: str, mode: int = 0o644, timeout: float = 60) -> None:
        data = content if isinstance(content, bytes) else content.read_bytes()
        wire.write_file(self.channel, data, path, mode, timeout)

    def read_file(self, path: str, timeout: float = 30) -> bytes:
        return wire.read_file(self.channel, path, timeout)

    # The end, and snapshots

    def shutdown(self, timeout: float = 180) -> float:
        """Power off the way systemd does; how many seconds that took. A machine that does not end in time is killed."""
        begun = time.monotonic()
        self.channel.request("run", argv=["/bin/systemctl", "poweroff", "--no-wall", "--no-block"]).forget()
        try:
            self.qemu.process.wait(timeout=timeout)
        except Exception:
            self.crash()
            raise MachineFailed(f"the machine did not power off within {timeout:.0f} s; {self.console_tail()}") from None
        self._forget()
        return time.monotonic() - begun

    def crash(self) -> None:
        """The power goes: nothing is flushed, nothing is unmounted."""
        if self._qemu is not None:
            self._qemu.kill()
        self._forget()

    def _forget(self) -> None:
        if self._channel is not None:
            self._channel.close()
        if self._qemu is not None:
            self._qemu.close()
        self._channel = self._qemu = None

    def save(self, name: str) -> None:
        """Keep memory and disks of this moment under a name, inside the machine's own disks; the machine goes on."""
        self.qemu.human_monitor(f"savevm {name}")

    def load(self, name: str) -> None:
        """Go back to a saved moment, disks included. What runs in the machine now is gone; its clock is set to ours."""
        self.qemu.human_monitor(f"loadvm {name}")
        self.channel.hello(30)

    def console_tail(self, lines: int = 30) -> str:
        path = self.hardware.folder / "console.log"
        text = path.read_text(errors="replace") if path.exists() else ""
        return "the end of its console:\n" + "\n".join(text.splitlines()[-lines:])


def booted_snapshot(image: Image) -> Path:
    """A folder with root.qcow2 and state: a machine that has booted, its file servers up, no volume attached yet."""

    def build(work: Path) -> None:
        with step(f"{image.suite}: boot once for the snapshot"):
            machine = Machine(Hardware(work, image, work / "root.qcow2"))
            machine.start()
            try:
                machine.wait_for_unit("vm-servers.service", timeout=BOOT_TIMEOUT)
                machine.wait_for_unit("multi-user.target", timeout=BOOT_TIMEOUT)
                # What is loaded now need not be loaded again by each test, and a server's grace period of 10 s, in which
                # nothing can be opened, is over.
                machine.succeed("modprobe -a virtio_scsi sd_mod nft_reject_inet fuse overlay; nft list ruleset")
                machine.succeed("sleep 11; sync")
                machine.qemu.save_state(work / "state")
                machine.qemu.quit()
            finally:
                machine.crash()
        for name in ("qmp", "exec"):
            (work / name).unlink(missing_ok=True)

    name = f"booted-{image.suite}-{digest(image.digest, fingerprint(image))}"
    return cached(name, build)

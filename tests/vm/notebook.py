"""A simulated SageMaker notebook instance: its two disks, its lifecycle hooks, and the verbs of its API.

The root disk is new at every start and thrown away at every stop; the volume at /home/ec2-user/SageMaker stays. Hooks
run as AWS documents it: as root, with PATH and PWD and nothing else, five minutes at most, and a hook that fails or is
late fails the start.
"""

from __future__ import annotations

import base64
import contextlib
import enum
import re
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from . import channel as wire
from . import terminal
from .aws import ACCOUNT, REGION, ROLE, Aws
from .channel import CommandTimeout
from .fileservers import FileServer, file_servers, restore_all
from .image import Image
from .machine import Machine
from .qemu import AWS_IN_GUEST, Hardware
from .volumes import new_servers_disk, new_volume

CONTENT_LIMIT = 16384
HOOK_ENV = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/bin:/usr/sbin:/sbin:/bin", "PWD": "/"}
HOOK_TIMEOUT = 300.0


class Status(enum.Enum):
    PENDING = "Pending"
    IN_SERVICE = "InService"
    STOPPED = "Stopped"
    FAILED = "Failed"


class Hook(enum.Enum):
    ON_CREATE = "OnCreate"
    ON_START = "OnStart"


class ValidationException(Exception):
    """The request itself is refused, in AWS's words."""


class StartFailed(Exception):
    """A hook failed or was late, so the instance did not start. `reason` is what FailureReason would say."""

    def __init__(self, hook: Hook, reason: str, status: int | None, output: str) -> None:
        self.hook, self.reason, self.status, self.output = hook, reason, status, output
        seen = "it was still running at the limit" if status is None else f"it ended with status {status}"
        super().__init__(f"{reason}\n[{hook.value}: {seen}; its output:]\n{output[-6000:]}")


@dataclass(frozen=True)
class Lifecycle:
    """A lifecycle configuration: base64 contents, as the API takes them."""

    on_create: str | None = None
    on_start: str | None = None

    def __post_init__(self) -> None:
        for member, content in (("onCreate", self.on_create), ("onStart", self.on_start)):
            if content is not None and not 1 <= len(content) <= CONTENT_LIMIT:
                raise ValidationException(
                    f"1 validation error detected: Value at '{member}.1.member.content' failed to satisfy constraint: "
                    f"Member must have length less than or equal to {CONTENT_LIMIT} (it has {len(content)})"
                )

    def content(self, hook: Hook) -> str | None:
        return self.on_create if hook is Hook.ON_CREATE else self.on_start


def content(script: str | bytes) -> str:
    """A script as the API's Content."""
    return base64.b64encode(script if isinstance(script, bytes) else script.encode()).decode()


@dataclass(frozen=True)
class Settings:
    """What a test may want otherwise than AWS has it."""

    root_access: bool = True
    volume_mb: int = 5120
    servers: int = 3
    hook_timeout_s: float = HOOK_TIMEOUT
    snapshot: bool = True  # start from the snapshot of a booted machine instead of booting


class NotebookInstance:
    """One instance. `machine` runs commands in it; `servers` are its file servers; `aws` cuts it off from AWS."""

    def __init__(self, name: str, image: Image, aws: Aws, lifecycle: Lifecycle, settings: Settings) -> None:
        if not re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9])*", name) or len(name) > 63:
            raise ValidationException(f"1 validation error detected: Value '{name}' at 'notebookInstanceName' is invalid")
        self.name, self.lifecycle, self.settings = name, lifecycle, settings
        self.arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:notebook-instance/{name.lower()}"
        self.status, self.failure_reason = Status.PENDING, ""
        self.start_seconds = self.stop_seconds = 0.0
        self.folder = Path(tempfile.mkdtemp(prefix="fsmount-vm-"))
        self._logs: dict[str, str] = {}
        self._creating = True
        hardware = Hardware(
            self.folder,
            image,
            root=self.folder / "root.qcow2",
            ebs=self.folder / "ebs.qcow2",
            servers=self.folder / "servers.qcow2",
            aws_port=aws.port,
        )
        new_volume(self.folder / "ebs.qcow2", settings.volume_mb)
        new_servers_disk(self.folder / "servers.qcow2")
        self.machine = Machine(hardware)
        self.servers: tuple[FileServer, ...] = file_servers(self.machine, settings.servers)
        self.aws = AwsLink(aws, self.machine)

    @classmethod
    def create(
        cls,
        name: str,
        image: Image,
        aws: Aws,
        *,
        on_create: str | None = None,
        on_start: str | None = None,
        settings: Settings | None = None,
    ) -> NotebookInstance:
        """Make the instance and its disks; the first `start` runs on-create, then on-start."""
        instance = cls(name, image, aws, Lifecycle(on_create, on_start), settings or Settings())
        aws.client("sagemaker").create_notebook_instance(
            NotebookInstanceName=name,
            InstanceType="ml.t3.medium",
            RoleArn=ROLE,
            RootAccess="Enabled" if instance.settings.root_access else "Disabled",
        )
        return instance

    def attach(self, *, on_start: str | None = None, on_create: str | None = None) -> None:
        """Another lifecycle configuration for a stopped instance; its on-create never runs, as with AWS."""
        if self.machine.running:
            raise ValidationException(f"Status ({self.status.value}) not in ([Stopped, Failed]). Unable to transition")
        self.lifecycle = Lifecycle(on_create, on_start)
        self._creating = False

    def start(self, *, cut_off: bool = False) -> None:
        """Start and run the hooks; StartFailed if one fails, and the instance is then Failed.

        With `cut_off` the way to AWS is cut before the hooks run, until `aws.restore()`.
        """
        begun = time.monotonic()
        self.status, self.failure_reason = Status.PENDING, ""
        self.machine.start(booted=self.settings.snapshot)
        try:
            if not self.settings.snapshot:
                self.machine.wait_for_unit("vm-servers.service", timeout=180)
            access = "yes" if self.settings.root_access else "no"
            self.machine.succeed(f"/usr/lib/fsmount-vm/instance.sh {self.name} {self.arn} {access}", timeout=120)
            if cut_off:
                self.aws.cut()
            hooks = (Hook.ON_CREATE, Hook.ON_START) if self._creating else (Hook.ON_START,)
            self._creating = False
            for hook in hooks:
                self._run(hook)
        except StartFailed as failure:
            self.status, self.failure_reason = Status.FAILED, failure.reason[:1024]
            self._end()
            raise
        except BaseException:
            self.crash()
            raise
        self.status = Status.IN_SERVICE
        self.start_seconds = time.monotonic() - begun

    def stop(self, timeout: float = 180) -> float:
        """Power off and throw the root disk away; how many seconds the machine took to power off."""
        self._forget_faults()
        try:
            self.stop_seconds = self.machine.shutdown(timeout)
        finally:
            self.status = Status.STOPPED
            self._drop_root()
        return self.stop_seconds

    def crash(self) -> None:
        """The machine is gone from one moment to the next; the volume is as the machine last wrote it."""
        self._forget_faults()
        self.machine.crash()
        self.status = Status.STOPPED
        self._drop_root()

    def close(self) -> None:
        """The end of the instance and all that it had on this host."""
        self.machine.crash()
        shutil.rmtree(self.folder, ignore_errors=True)

    def shell(self, user: str = "ec2-user") -> int:
        """A login shell on this terminal, ended by `exit` or Ctrl-]; its exit status."""
        return terminal.shell(self.machine.channel, user)

    def restore(self) -> None:
        """Undo every fault of its servers and of its way to AWS."""
        if self.machine.running:
            restore_all(self.servers)
            self.aws.restore()

    def log(self, stream: str) -> str:
        """What went to the log stream `<name>/<stream>`: LifecycleConfigOnCreate or LifecycleConfigOnStart."""
        return self._logs.get(stream, "")

    def _run(self, hook: Hook) -> None:
        given = self.lifecycle.content(hook)
        if given is None:
            return
        path = f"/tmp/{hook.value}_{time.strftime('%Y-%m-%d-%H-%M')}{tempfile.mktemp(prefix='', dir='')[-8:]}"
        self.machine.copy_to(base64.b64decode(given), path, mode=0o755)
        limit, stream = self.settings.hook_timeout_s, f"LifecycleConfig{hook.value}"
        begun = self._logs.get(stream, "")

        def keep(data: bytes) -> None:
            self._logs[stream] = self._logs.get(stream, "") + data.decode(errors="replace")

        status: int | None = None
        with contextlib.suppress(CommandTimeout):
            # The pipe's end is awaited too: a process that the hook left behind and that still holds it is the hook.
            status = wire.run(
                self.machine.channel,
                [path],
                timeout=limit,
                what=hook.value,
                wait_for_output=limit,
                listener=keep,
                env=HOOK_ENV,
                cwd="/",
                merge=True,
            ).status
        if status != 0:
            # AWS says this of every hook that fails, also of one that failed at once.
            reason = (
                f"Notebook Instance Lifecycle Config 'arn:aws:sagemaker:{REGION}:{ACCOUNT}:"
                f"notebook-instance-lifecycle-config/{self.name.lower()}' for Notebook Instance '{self.arn}' took longer "
                "than 5 minutes. Please check your CloudWatch logs for more details if your Notebook Instance has "
                "Internet access."
            )
            raise StartFailed(hook, reason, status, self._logs.get(stream, "")[len(begun) :])

    def _end(self) -> None:
        """After a failed start: SageMaker takes the machine away, in order if it can."""
        try:
            self.machine.shutdown(30)
        except Exception:
            self.machine.crash()
        self._forget_faults()
        self._drop_root()

    def _drop_root(self) -> None:
        (self.folder / "root.qcow2").unlink(missing_ok=True)

    def _forget_faults(self) -> None:
        """The servers start anew with the machine, without what ailed them."""
        for server in self.servers:
            server.faulty = False
        self.aws.cut_off = False


class AwsLink:
    """The instance's way to the stand-in for AWS."""

    def __init__(self, aws: Aws, machine: Machine) -> None:
        self.server, self._machine = aws, machine
        self.client, self.put_object, self.tags = aws.client, aws.put_object, aws.tags
        self.cut_off = False

    def cut(self) -> None:
        """From now on packets to AWS vanish."""
        self.cut_off = True
        address = AWS_IN_GUEST.partition(":")[0]
        rules = f"table inet cut {{ chain leaving {{ type filter hook output priority 0; ip daddr {address} drop; }}; }}"
        self._machine.succeed(f"nft 'add table inet cut; delete table inet cut; {rules}'")

    def restore(self) -> None:
        if self.cut_off:
            self._machine.succeed("nft 'add table inet cut; delete table inet cut'")
            self.cut_off = False

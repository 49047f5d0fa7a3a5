"""The simulated notebook instance keeps the promises that the other tests rely on."""

from __future__ import annotations

import time

import pytest

from .channel import CommandTimeout
from .conftest import NotebookFactory
from .notebook import CONTENT_LIMIT, Hook, Lifecycle, NotebookInstance, StartFailed, Status, ValidationException, content

MOUNT = "nfsvers=4.1,hard,timeo=600,retrans=2,noresvport"


def test_on_create_runs_once_on_start_each_time_and_only_the_volume_stays(notebook: NotebookFactory) -> None:
    mark = "#!/bin/bash\necho {0} says hi\necho {0} >>/home/ec2-user/SageMaker/hooks\n"
    nb = notebook("first", on_create=content(mark.format("create")), on_start=content(mark.format("start")))
    assert nb.machine.read_file("/home/ec2-user/SageMaker/hooks") == b"create\nstart\n"
    nb.machine.succeed("touch /etc/on-the-root-disk")
    nb.machine.succeed("touch SageMaker/mine", user="ec2-user")
    assert nb.stop() < 60
    nb.start()
    assert nb.machine.read_file("/home/ec2-user/SageMaker/hooks") == b"create\nstart\nstart\n"
    nb.machine.succeed("test ! -e /etc/on-the-root-disk && test -e /home/ec2-user/SageMaker/mine")
    assert nb.log("LifecycleConfigOnCreate") == "create says hi\n"
    assert nb.log("LifecycleConfigOnStart") == "start says hi\n" * 2


def test_a_failing_hook_fails_the_start(notebook: NotebookFactory) -> None:
    nb = notebook(on_start=content("#!/bin/sh\necho broken >&2\nexit 3\n"), start=False)
    with pytest.raises(StartFailed, match="took longer than 5 minutes") as failure:
        nb.start()
    assert (failure.value.hook, failure.value.status, failure.value.output) == (Hook.ON_START, 3, "broken\n")
    assert nb.status is Status.FAILED and not nb.machine.running


@pytest.mark.parametrize("script", ["sleep 600", "sleep 600 & exit 0"], ids=["still running", "left holding its output"])
def test_a_late_hook_is_killed_and_fails_the_start(notebook: NotebookFactory, script: str) -> None:
    nb = notebook(on_start=content(f"#!/bin/sh\necho begun\n{script}\n"), hook_timeout_s=3, start=False)
    with pytest.raises(StartFailed) as failure:
        nb.start()
    assert failure.value.status is None and failure.value.output == "begun\n"


def test_a_hook_has_path_and_pwd_and_nothing_else_and_reaches_aws_alone(notebook: NotebookFactory) -> None:
    script = """#!/usr/bin/python3
import os, socket, subprocess, sys
print(sorted(open("/proc/self/environ").read().split("\\0")[:-1]), os.getcwd(), os.getuid(), sys.stdin.read() == "", flush=True)
for address in ("1.1.1.1", "10.0.2.2", "10.0.2.3", "169.254.169.254"):
    try:
        socket.create_connection((address, 80), timeout=2).close()
        print("reached", address)
    except OSError:
        pass
sys.exit(subprocess.call(["aws", "s3", "cp", "s3://files/given", "/home/ec2-user/SageMaker/given", "--no-progress"]))
"""
    nb = notebook(on_start=content(script), start=False)
    nb.aws.put_object("files", "given", b"from S3")
    nb.start()
    said, *rest = nb.log("LifecycleConfigOnStart").splitlines()
    path = "/usr/local/sbin:/usr/local/bin:/usr/bin:/usr/sbin:/sbin:/bin"
    assert said == f"['PATH={path}', 'PWD=/'] / 0 True"
    assert len(rest) == 1 and rest[0].startswith("download:")
    assert nb.machine.read_file("/home/ec2-user/SageMaker/given") == b"from S3"


def test_content_over_the_limit_is_refused() -> None:
    Lifecycle(on_start="A" * CONTENT_LIMIT)
    with pytest.raises(ValidationException, match="less than or equal to 16384"):
        Lifecycle(on_start="A" * (CONTENT_LIMIT + 1))


def test_an_attached_configuration_never_runs_its_on_create(notebook: NotebookFactory) -> None:
    nb = notebook()
    nb.stop()
    nb.attach(on_create=content("#!/bin/sh\nexit 1\n"), on_start=content("#!/bin/sh\necho started\n"))
    nb.start()
    assert nb.log("LifecycleConfigOnStart") == "started\n" and nb.log("LifecycleConfigOnCreate") == ""


def test_ec2_user_without_root_access_has_no_sudo(notebook: NotebookFactory, shared_notebook: NotebookInstance) -> None:
    assert shared_notebook.machine.succeed("sudo -n id -u", user="ec2-user") == "0\n"
    nb = notebook(root_access=False)
    nb.machine.fail("sudo -n id", user="ec2-user")
    assert nb.machine.succeed("id -un; echo $HOME; pwd", user="ec2-user") == "ec2-user\n/home/ec2-user\n/home/ec2-user\n"


def test_each_server_can_be_black_holed_alone_and_comes_back(shared_notebook: NotebookInstance) -> None:
    machine, servers = shared_notebook.machine, shared_notebook.servers
    for server in servers[:3]:
        machine.succeed(f"mkdir -p /mnt/{server.name}; mount -t nfs4 -o {MOUNT} {server.address}:/d0 /mnt/{server.name}")
    servers[1].black_hole()
    servers[1].black_hole()
    machine.succeed("echo more >/mnt/fs1.test/more && cat /mnt/fs1.test/hello /mnt/fs3.test/hello", timeout=10)
    with pytest.raises(CommandTimeout):
        machine.succeed("touch /mnt/fs2.test/new", timeout=2)
    machine.succeed("true", timeout=5)  # a command that hangs does not keep the next one from running
    shared_notebook.restore()
    machine.wait_until_succeeds("ss -K dst 10.9.2.2 dport = 2049; touch /mnt/fs2.test/new", timeout=60)
    machine.succeed("umount /mnt/fs?.test")


@pytest.mark.parametrize("fault", ["refuse", "stop", "link_down", "deny", "reboot"])
def test_a_fault_is_undone(shared_notebook: NotebookInstance, fault: str) -> None:
    machine, server = shared_notebook.machine, shared_notebook.servers[4]
    getattr(server, fault)()
    mount = f"mkdir -p /mnt/five; mount -t nfs4 -o {MOUNT},retry=0 {server.name}:/d0 /mnt/five"
    if fault != "reboot":
        machine.fail(mount, timeout=30)
    server.restore()
    machine.wait_until_succeeds(mount, timeout=30)
    machine.succeed("ls -l /mnt/five/hello && umount /mnt/five", timeout=30)


def test_servers_can_be_slow_and_withdraw_a_directory(shared_notebook: NotebookInstance) -> None:
    machine, server = shared_notebook.machine, shared_notebook.servers[5]
    server.slow(300)
    begun = time.monotonic()
    machine.succeed(f"mkdir -p /mnt/six; mount -t nfs4 -o {MOUNT} {server.address}:/ /mnt/six; ls /mnt/six/d1", timeout=60)
    assert time.monotonic() - begun > 1
    server.restore()
    server.withdraw("d7")
    machine.succeed("umount /mnt/six")
    machine.fail(f"mount -t nfs4 -o {MOUNT},retry=0 {server.address}:/d7 /mnt/six", timeout=30)
    server.restore()
    machine.succeed(f"mount -t nfs4 -o {MOUNT} {server.address}:/d7 /mnt/six; cat /mnt/six/hello; umount /mnt/six")


def test_aws_can_be_cut_off_and_restored(shared_notebook: NotebookInstance) -> None:
    address = shared_notebook.aws.put_object("cut", "key", b"content")
    shared_notebook.aws.cut()
    shared_notebook.machine.fail(f"AWS_MAX_ATTEMPTS=1 aws --cli-connect-timeout 1 s3 ls {address}", timeout=60)
    shared_notebook.aws.restore()
    assert "key" in shared_notebook.machine.succeed(f"aws s3 ls {address}", user="ec2-user")


def test_a_saved_moment_comes_back_with_its_disks_and_the_right_time(shared_notebook: NotebookInstance) -> None:
    machine = shared_notebook.machine
    machine.succeed("echo before >/root/moment")
    machine.save("moment")
    machine.succeed("echo after >/root/moment")
    machine.load("moment")
    assert machine.read_file("/root/moment") == b"before\n"
    assert abs(float(machine.succeed("date +%s.%N")) - time.time()) < 5


def test_an_instance_can_start_cut_off_from_aws(notebook: NotebookFactory) -> None:
    ask = """#!/usr/bin/python3
import socket
try:
    socket.create_connection(("10.0.2.100", 5000), timeout=2)
    print("reached")
except OSError:
    print("cut off")
"""
    nb = notebook(on_start=content(ask))
    nb.stop()
    nb.start(cut_off=True)
    assert nb.log("LifecycleConfigOnStart") == "reached\ncut off\n"

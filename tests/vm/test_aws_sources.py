"""Where mounts come from: EFS by its id, FSx by the API, a home of each notebook's own, and what mount helpers mount."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .aws import Aws
from .frame import wait_until
from .image import Image
from .notebook import NotebookInstance
from .product import SAGEMAKER, a_mount, mounted, mounts_yaml, put_config, status
from .standard import a_running_notebook, ids, wait_problem, wait_word

STAND_INS = Path(__file__).parents[1] / "programs"
BOOK = f"{SAGEMAKER}/.fsmount/addresses.json"


@pytest.fixture(scope="module")
def notebook(image: Image, aws: Aws) -> Iterator[NotebookInstance]:
    yield from a_running_notebook("aws-sources", image, aws)


@pytest.fixture(scope="module")
def efs(aws: Aws) -> str:
    """The id of a file system with one mount target, which is the machine's first file server."""
    ec2, client = aws.client("ec2"), aws.client("efs")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    found = client.create_file_system(CreationToken=f"t{time.time()}")["FileSystemId"]
    client.create_mount_target(FileSystemId=found, SubnetId=subnet, IpAddress="10.9.1.2")
    return str(found)


def mount(name: str, **more: object) -> dict[str, object]:
    return {"name": name, "mountpoint": f"{SAGEMAKER}/{name}", **more}


def test_efs_by_its_id_is_found_by_its_mount_target_where_the_name_does_not_resolve(notebook: NotebookInstance, efs: str) -> None:
    machine = notebook.machine
    put_config(notebook, mounts_yaml(mount("shared", type="efs", source=efs, path="/d0")))
    wait_word(notebook, "shared", "ok", 60)
    assert mounted(notebook)[f"{SAGEMAKER}/shared"] == f"{efs}.efs.us-east-1.amazonaws.com:/d0"
    row = next(line for line in machine.read_file("/proc/self/mountinfo").decode().splitlines() if "SageMaker/shared" in line)
    assert "noresvport" in row
    ahead = f"/sys/class/bdi/{row.split()[2]}/read_ahead_kb"
    rsize = int(row.partition("rsize=")[2].partition(",")[0])
    # Debian's udev rule sets 128 a moment after the mount; a look at the mount sets it again.
    assert wait_until(lambda: machine.read_file(ahead).decode().strip() == str(15 * rsize // 1024), 40), machine.read_file(ahead)
    assert machine.succeed(f"stat -c '%U %a' {BOOK}").split() == ["root", "644"]


def test_without_dns_and_aws_the_last_good_address_is_used_and_said(notebook: NotebookInstance) -> None:
    machine = notebook.machine
    notebook.aws.cut()
    machine.succeed(f"systemctl stop fsmount; umount {SAGEMAKER}/shared; systemctl start fsmount", timeout=120)
    wait_word(notebook, "shared", "ok", 60)
    assert "neither DNS nor AWS" in machine.succeed("journalctl -u fsmount -o cat")
    notebook.restore()


def test_openzfs_is_found_by_the_name_that_the_api_gives(notebook: NotebookInstance, aws: Aws) -> None:
    created = aws.client("fsx").create_file_system(
        FileSystemType="OPENZFS", StorageCapacity=64, SubnetIds=["subnet-0123456789abcdef0"],
        OpenZFSConfiguration={"DeploymentType": "SINGLE_AZ_1", "ThroughputCapacity": 64},
    )["FileSystem"]  # fmt: skip
    notebook.machine.succeed(f"echo 10.9.2.2 {created['DNSName']} >>/etc/hosts")
    put_config(notebook, mounts_yaml(mount("zfs", type="openzfs", source=created["FileSystemId"], path="/d0")))
    wait_word(notebook, "zfs", "ok", 60)
    assert notebook.machine.succeed(f"cat {SAGEMAKER}/zfs/hello")


def test_each_notebook_has_a_home_of_its_own_that_is_made_once_and_never_touched_again(notebook: NotebookInstance) -> None:
    machine = notebook.machine
    home = mount("home", type="nfs", source="fs3.test", path="/homes/{instance}")
    home["create_path"] = {"owner": 1000, "group": 1000, "mode": "0750"}
    put_config(notebook, mounts_yaml(home))
    wait_word(notebook, "home", "ok", 60)
    place = f"{SAGEMAKER}/home"
    assert machine.succeed(f"stat -c '%u %g %a' {place}").split() == ["1000", "1000", "750"]
    assert machine.succeed("stat -c '%u %a' /srv/servers/fs3/homes").split() == ["0", "755"]
    machine.succeed(f"echo mine >{place}/notes", user="ec2-user")
    machine.succeed(f"chmod 700 {place}; systemctl stop fsmount; umount {place}; systemctl start fsmount", timeout=120)
    wait_word(notebook, "home", "ok", 60)
    assert machine.succeed(f"cat {place}/notes; stat -c %a {place}", user="ec2-user").split() == ["mine", "700"]
    assert machine.succeed("ls /srv/servers/fs3/homes").split() == ["aws-sources"]


def test_efs_with_tls_comes_through_its_helper_and_a_restart_of_the_agent_leaves_its_proxy_alone(
    notebook: NotebookInstance, efs: str
) -> None:
    machine = notebook.machine
    put_config(notebook, mounts_yaml(mount("safe", type="efs", source=efs, path="/d1", tls=True, iam=True)))
    wait_problem(notebook, "safe", "efs-utils-missing", 60)
    machine.copy_to(STAND_INS / "mount.efs", "/usr/sbin/mount.efs", mode=0o755)
    machine.succeed(f"mkdir -p /run/efs-standin; echo 10.9.1.2 >/run/efs-standin/{efs}; fsmount retry safe")
    wait_word(notebook, "safe", "ok", 60)
    assert mounted(notebook)[f"{SAGEMAKER}/safe"] == "127.0.0.1:/d1"
    before = ids(notebook, "safe")
    machine.succeed("systemctl restart fsmount; systemctl kill -s KILL fsmount; sleep 3; systemctl restart fsmount", timeout=120)
    wait_word(notebook, "safe", "ok", 60)
    assert ids(notebook, "safe") == before
    assert machine.succeed(f"cat {SAGEMAKER}/safe/hello", timeout=10)
    put_config(notebook, mounts_yaml(mount("safe", type="efs", source=efs, path="/d1", tls=True, iam=True, access="ro")))
    row = f"grep ' {SAGEMAKER}/safe ' /proc/mounts"
    assert wait_until(lambda: " ro," in machine.execute(row)[1], 60), status(notebook)
    wait_word(notebook, "safe", "ok", 60)
    put_config(notebook, mounts_yaml())
    assert wait_until(lambda: ids(notebook, "safe") == ["not mounted"], 60)


def test_without_root_access_a_helper_mounts_only_where_root_alone_can_change_the_way(
    notebook: NotebookInstance, efs: str
) -> None:
    machine = notebook.machine
    machine.succeed("mv /etc/sudoers.d/ec2-user /run/sudoers")
    try:
        below_root_s = mount("safe2", type="efs", source=efs, path="/d2", tls=True, mountpoint="/mnt/fsmount/safe2")
        put_config(notebook, mounts_yaml(mount("safe", type="efs", source=efs, path="/d1", tls=True), below_root_s))
        wait_problem(notebook, "safe", "mountpoint-unsafe", 60)
        wait_word(notebook, "safe2", "ok", 60)
    finally:
        machine.succeed("mv /run/sudoers /etc/sudoers.d/ec2-user")
        put_config(notebook, mounts_yaml())


def test_lustre_is_mounted_by_its_helper_at_a_private_place_and_a_dead_server_is_never_left_to_it(
    notebook: NotebookInstance,
) -> None:
    machine = notebook.machine
    lustre = mount("fast", type="lustre", source="fs4.test@tcp:/fsx0abcd")
    put_config(notebook, mounts_yaml(lustre, a_mount("near", 1)))
    wait_word(notebook, "near", "ok", 60)
    wait_problem(notebook, "fast", "lustre-missing", 60)
    machine.copy_to(STAND_INS / "mount.lustre", "/usr/sbin/mount.lustre", mode=0o755)
    machine.succeed("fsmount retry fast")
    wait_problem(notebook, "fast", "server-refused", 60)
    listening = 'import socket; s = socket.create_server(("", 988)); [s.accept() for _ in range(1000)]'
    machine.succeed(f"setsid ip netns exec fs4 python3 -c '{listening}' </dev/null >/dev/null 2>&1 & sleep 1; fsmount retry fast")
    wait_word(notebook, "fast", "ok", 60)
    rows = machine.read_file("/proc/self/mountinfo").decode()
    assert rows.count("fsx0abcd") == 1, rows
    put_config(notebook, mounts_yaml(a_mount("near", 1)))
    assert wait_until(lambda: ids(notebook, "fast") == ["not mounted"], 60)

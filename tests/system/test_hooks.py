"""The lifecycle scripts on a whole system of their own: an overlay of this one in a private mount namespace.

`aws`, `systemctl` and the agent are small programs on that system's disk. Everything a script writes lands in the
overlay's upper layer, where a test can look for what should not be there. ec2-user is uid 1000.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec
import pytest
from fsmount import settings as agent
from fsmount.settings import Policy

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "packaging"))

import build_bundle  # noqa: E402
from render_hooks import Settings, render  # noqa: E402
from wheels import Target, obtain  # noqa: E402

VOLUME = "/home/ec2-user/SageMaker"
KEEP = VOLUME + "/.fsmount"
USER = 1000
BUNDLE_URL = "s3://team/fsmount.tar.gz"
CONFIG_URL = "s3://team/mounts.yaml"
PINNED = "/etc/fsmount/settings.json"

AWS = """\
#!/bin/bash
printf '%s\\n' "$*" >>/srv/aws.log
url=${*: -2:1} file=${*: -1}
[ ! -e /srv/hang ] || sleep 60
if [ ! -f "/srv/s3/${url#s3://}" ]; then
    echo "fatal error: An error occurred (404) when calling the HeadObject operation: Key does not exist" >&2
    exit 1
fi
cat "/srv/s3/${url#s3://}" >"$file"
"""

SYSTEMCTL = """\
#!/bin/bash
printf '%s\\n' "$*" >>/srv/systemctl.log
"""

# Stands in for the agent: says what it was asked, reports what a file tells it to.
AGENT_CLI = """\
def main(argv):
    with open("/srv/fsmount.log", "a") as log:
        log.write(" ".join(argv) + "\\n")
    if argv[0] == "status":
        try:
            word, table = open("/srv/report").read().split("\\n", 1)
        except OSError:
            print("no agent")
            return 3
        print(table, end="")
        return int(word)
    return 2
"""


def system_python() -> str:
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    command = ["/usr/bin/python3", "-IS", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip()


@dataclass
class Ran:
    """What a script said and did."""

    code: int
    log: str
    seconds: float

    def has(self, text: str) -> bool:
        return any(text in line for line in self.log.splitlines())

    def problems(self) -> list[str]:
        return [line for line in self.log.splitlines() if line.startswith("fsmount: problem: ")]


@dataclass
class Host:
    """A system of its own. Paths are as seen inside; everything goes with it."""

    holder: int
    base: Path
    settings: Settings
    lifecycle: Path = ROOT / "lifecycle"
    swaps: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def shell(self, script: str, user: int = 0, timeout_s: float = 20, check: bool = True) -> str:
        """Run a shell script inside; return its output."""
        command = self._inside(user, "/bin/bash", "-c", "cd /; " + script)
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)
        assert not check or done.returncode == 0, done.stderr
        return done.stdout

    def spawn(self, script: str, user: int) -> None:
        """Leave a shell script running inside until the test ends."""
        self.swaps.append(subprocess.Popen(self._inside(user, "/bin/bash", "-c", "cd /; " + script)))

    def write(self, path: str, data: bytes | str, mode: int = 0o644) -> None:
        content = data.encode() if isinstance(data, str) else data
        script = f"mkdir -p {path.rsplit('/', 1)[0]} && cat >{path} && chmod {mode:o} {path}"
        subprocess.run(self._inside(0, "/bin/bash", "-c", script), input=content, timeout=10, check=True)

    def run(self, hook: str, timeout_s: float = 40) -> Ran:
        """Run a script as the platform does: a copy in /tmp, root, nothing but PATH and PWD, both outputs the log."""
        self.write("/tmp/OnHook", render(hook, self.settings, self.lifecycle), 0o755)
        started = time.monotonic()
        done = subprocess.run(
            self._inside(0, "/usr/bin/env", "-i", "PATH=/sbin:bin", "PWD=/", "/bin/bash", "-c", "cd /; exec /tmp/OnHook"),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout_s, check=False,
        )  # fmt: skip
        return Ran(done.returncode, done.stdout.decode(), time.monotonic() - started)

    def changed(self) -> list[str]:
        """Return the files that are not as on the system below, outside the directories that started empty."""
        command = ["find", f"{self.base}/upper", "(", "-type", "f", "-o", "-type", "l", ")", "-printf", "/%P\n"]
        enter = ["nsenter", "--target", str(self.holder), "--mount", "--", *command]
        return sorted(subprocess.run(enter, capture_output=True, text=True, timeout=20, check=True).stdout.split())

    def _inside(self, user: int, *command: str) -> list[str]:
        drop = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--"] if user else []
        enter = ["nsenter", "--target", str(self.holder), "--mount"]
        return [*enter, "--", "chroot", str(self.base / "root"), *drop, *command]


SETUP = f"""\
set -e
mount -t tmpfs -o size=200m host "$1"
cd "$1"
mkdir upper work root
mount -t overlay -o lowerdir=/,upperdir=upper,workdir=work overlay root
mount --rbind /proc root/proc
mount --rbind /dev root/dev
for empty in usr/local opt srv run home tmp; do mount -t tmpfs -o size=100m,mode=755 empty root/$empty; done
chmod 1777 root/tmp
rm -f root/usr/bin/aws
mkdir -p root/usr/local/bin root/etc/systemd/system root{VOLUME}
mount -t tmpfs -o size=$2,mode=755 volume root{VOLUME}
chown {USER}:{USER} root/home/ec2-user root{VOLUME}
echo ready
exec sleep 300
"""


@contextlib.contextmanager
def system(base: Path, settings: Settings, volume_size: str) -> Iterator[Host]:
    """Set up a system; it is gone with the process that holds its namespace."""
    command = ["unshare", "--mount", "--propagation", "private", "/bin/bash", "-c", SETUP, "setup", str(base), volume_size]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert holder.stdout is not None
    host = Host(holder.pid, base, settings)
    try:
        said = holder.stdout.readline()
        assert said == b"ready\n", said
        host.write("/usr/local/bin/aws", AWS, 0o755)
        host.write("/usr/local/bin/systemctl", SYSTEMCTL, 0o755)
        yield host
    finally:
        for swap in host.swaps:
            swap.kill()
            swap.wait(10)
        holder.kill()
        holder.wait(10)
        holder.stdout.close()


@pytest.fixture(scope="session", autouse=True)
def needs_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, for a mount namespace")


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Three bundles with a small stand-in for the agent, for this system's Python."""
    agent = tmp_path_factory.mktemp("agent")
    made = []
    for version in ("1.0", "2.0", "3.0"):
        (agent / "cli").mkdir(exist_ok=True)
        (agent / "__init__.py").write_text(f'__version__ = "{version}"\n')
        (agent / "cli" / "__init__.py").write_text(AGENT_CLI)
        made.append(build_bundle.build(Target(system_python(), "linux_x86_64"), [], agent).data)
    return made


def pinned(bundle: bytes, wait_s: int = 1) -> Settings:
    return Settings(BUNDLE_URL, hashlib.sha256(bundle).hexdigest(), CONFIG_URL, wait_s)


@pytest.fixture()
def host(tmp_path: Path, bundles: list[bytes]) -> Iterator[Host]:
    with system(tmp_path, pinned(bundles[0]), "20m") as made:
        made.write("/srv/s3/team/fsmount.tar.gz", bundles[0])
        made.write("/srv/report", "0\nNAME      STATE\ndatasets  healthy\n")
        yield made


def code_of(host: Host) -> str:
    return "/opt/fsmount/" + host.settings.bundle_sha256[:16]


def assert_running(host: Host, ran: Ran) -> None:
    """The agent of the pinned bundle is installed and was started, and the notebook starts."""
    assert ran.code == 0
    assert host.shell("readlink /usr/local/bin/fsmount").strip() == code_of(host) + "/bin/fsmount"
    assert "fsmount.service" in host.shell("tail -n 1 /srv/systemctl.log")
    assert ran.has("fsmount: agent started")


def assert_not_started(host: Host, ran: Ran) -> None:
    """There is no agent, nothing half there, and the notebook starts."""
    assert ran.code == 0
    assert ran.has("the notebook starts without its file systems")
    assert host.shell("ls -A /opt/fsmount 2>/dev/null", check=False) == ""
    assert host.shell("ls -d /run/fsmount-hook.* 2>/dev/null", check=False) == ""
    assert host.shell("test -e /srv/systemctl.log && echo yes", check=False) == ""


def test_on_create_keeps_the_bundle_and_on_start_brings_the_agent_up_from_it(host: Host) -> None:
    created = host.run("on-create")
    assert (created.code, created.problems()) == (0, [])
    host.shell("rm /srv/s3/team/fsmount.tar.gz")
    started = host.run("on-start")
    assert_running(host, started)
    assert started.problems() == []
    assert started.has("fsmount: the kept bundle is the pinned one")
    assert started.has("fsmount:   datasets  healthy")
    assert started.has("fsmount: every mount is up")
    assert host.shell("cat /srv/systemctl.log") == "daemon-reload\nrestart --no-block fsmount.service\n"
    assert host.shell("cat /etc/systemd/system/fsmount.service") == (ROOT / "packaging/fsmount.service").read_text()
    assert host.shell(f"ls {code_of(host)}/lib/fsmount/__pycache__") != ""


def test_on_start_alone_is_enough(host: Host) -> None:
    ran = host.run("on-start")
    assert_running(host, ran)
    assert ran.problems() == []
    listing = host.shell(f"stat -c '%U:%G %a %F %n' {KEEP} {KEEP}/*").splitlines()
    kept = f"bundle-{host.settings.bundle_sha256[:16]}.tar.gz"
    assert listing == [
        f"root:root 755 directory {KEEP}",
        f"root:root 644 regular file {KEEP}/{kept}",
    ]
    assert ran.seconds < 10


def test_nothing_but_the_agents_own_files_is_written(host: Host) -> None:
    host.run("on-create")
    host.run("on-start")
    assert host.changed() == [
        PINNED,
        "/etc/systemd/system/fsmount.service",
        "/usr/share/bash-completion/completions/fsmount",
    ]
    places = "find /opt /usr/local /run /tmp /home -type f ! -path '/opt/fsmount/*' -o -type l"
    kept = f"{KEEP}/bundle-{host.settings.bundle_sha256[:16]}.tar.gz"
    expected = {"/opt/fsmount/current", "/usr/local/bin/fsmount", kept}
    own = {"/usr/local/bin/aws", "/usr/local/bin/systemctl", "/tmp/OnHook", "/usr/local/share/man/man1/fsmount.1"}
    assert set(host.shell(places).split()) - own == expected


def test_a_second_on_start_changes_nothing(host: Host) -> None:
    host.run("on-start")
    files = f"find /opt {KEEP} /etc/systemd/system /etc/fsmount /usr/local/bin -type f -printf '%p %T@\\n' | sort"
    before = host.shell(files)
    ran = host.run("on-start")
    assert_running(host, ran)
    assert ran.problems() == []
    assert ran.has(f"already unpacked at {code_of(host)}")
    assert host.shell("tail -n 1 /srv/systemctl.log") == "start --no-block fsmount.service\n"
    assert host.shell(files) == before


def test_a_newly_pinned_bundle_replaces_the_old_and_the_last_two_stay(host: Host, bundles: list[bytes]) -> None:
    codes = []
    for bundle in bundles:
        host.settings = pinned(bundle)
        host.write("/srv/s3/team/fsmount.tar.gz", bundle)
        ran = host.run("on-start")
        assert_running(host, ran)
        assert ran.problems() == []
        assert host.shell("tail -n 1 /srv/systemctl.log") == "restart --no-block fsmount.service\n"
        codes.append(code_of(host).rsplit("/", 1)[1])
    assert sorted(host.shell("ls /opt/fsmount").split()) == sorted([*codes[1:], "current"])
    assert host.shell(f"cd {KEEP}; echo bundle-*").strip() == f"bundle-{codes[2]}.tar.gz"


def test_a_pinned_bundle_that_is_not_there_is_named_and_the_running_agent_is_left_alone(host: Host) -> None:
    host.run("on-start")
    installed = host.shell("readlink /usr/local/bin/fsmount")
    host.settings = replace(host.settings, bundle_sha256="f" * 64)
    ran = host.run("on-start")
    assert ran.code == 0
    assert ran.has(f"problem: what came from {BUNDLE_URL} has SHA-256 ")
    assert host.shell("readlink /usr/local/bin/fsmount") == installed


def test_a_broken_download_is_named(host: Host) -> None:
    host.shell("rm /srv/s3/team/fsmount.tar.gz")
    created = host.run("on-create")
    assert created.code == 0
    assert created.has("on-start tries again")
    started = host.run("on-start")
    assert_not_started(host, started)
    line = f"fsmount: problem: the bundle did not come from {BUNDLE_URL}: fatal error: An error occurred (404)"
    assert started.has(line)
    assert created.has(line)


def test_half_a_download_is_a_wrong_digest_and_never_kept(host: Host, bundles: list[bytes]) -> None:
    host.write("/srv/s3/team/fsmount.tar.gz", bundles[0][: len(bundles[0]) // 2])
    host.run("on-create")
    ran = host.run("on-start")
    assert_not_started(host, ran)
    assert ran.has("pinned is " + host.settings.bundle_sha256)
    assert ran.has("upload the right bundle or render the scripts for this one")
    assert host.shell(f"ls -A {KEEP}") == ""


def test_a_download_without_end_is_cut_off(host: Host) -> None:
    host.shell("truncate -s 100M /srv/s3/team/fsmount.tar.gz")
    ran = host.run("on-start")
    assert_not_started(host, ran)
    assert ran.has("problem: the bundle did not come from")


def test_an_aws_that_hangs_is_ended_in_time(host: Host, tmp_path_factory: pytest.TempPathFactory) -> None:
    host.lifecycle = tmp_path_factory.mktemp("impatient") / "lifecycle"
    shutil.copytree(ROOT / "lifecycle", host.lifecycle)
    common = host.lifecycle / "common.sh"
    common.write_text(common.read_text().replace("OWN_LIMIT_S=60", "OWN_LIMIT_S=3"))
    host.write("/srv/hang", "")
    ran = host.run("on-start")
    assert_not_started(host, ran)
    assert ran.has("no answer in time")
    assert ran.seconds < 8


def test_a_script_that_hangs_anywhere_else_is_ended_too(host: Host, tmp_path_factory: pytest.TempPathFactory) -> None:
    host.lifecycle = tmp_path_factory.mktemp("impatient") / "lifecycle"
    shutil.copytree(ROOT / "lifecycle", host.lifecycle)
    hook = host.lifecycle / "on-create.sh"
    hook.write_text(hook.read_text().replace("run $((OWN_LIMIT_S + 10))", "run 2"))
    host.write("/usr/local/bin/stat", "#!/bin/bash\nsleep 300\n", 0o755)
    ran = host.run("on-create")
    assert ran.code == 0
    assert ran.has("problem: not done after 2 s - left as it is; the notebook starts all the same")
    assert ran.seconds < 6


def test_a_script_that_breaks_off_says_so(host: Host, tmp_path_factory: pytest.TempPathFactory) -> None:
    host.lifecycle = tmp_path_factory.mktemp("broken") / "lifecycle"
    shutil.copytree(ROOT / "lifecycle", host.lifecycle)
    hook = host.lifecycle / "on-create.sh"
    hook.write_text(hook.read_text().replace("    obtain_bundle", '    echo "$no_such_thing"\n    obtain_bundle'))
    ran = host.run("on-create")
    assert ran.code == 0
    assert ran.has("problem: the script ended early")


def test_without_an_aws_cli_the_kept_bundle_serves(host: Host) -> None:
    host.run("on-create")
    host.shell("rm /usr/local/bin/aws")
    ran = host.run("on-start")
    assert_running(host, ran)
    assert ran.problems() == []


def test_without_an_aws_cli_and_without_a_kept_bundle_it_says_what_is_missing(host: Host) -> None:
    host.shell("rm /usr/local/bin/aws")
    ran = host.run("on-start")
    assert_not_started(host, ran)
    assert ran.has("problem: there is no AWS CLI, so the bundle cannot be fetched")


def test_a_full_volume_costs_only_the_copy(host: Host) -> None:
    host.shell(f"head -c 30M /dev/zero >{VOLUME}/data", user=USER, check=False)
    created = host.run("on-create")
    assert created.code == 0
    ran = host.run("on-start")
    assert_running(host, ran)
    assert ran.has("tar.gz could not be kept on the volume (")
    assert ran.has("No space left on device")
    assert host.shell(f"ls -A {KEEP}") == ""


@pytest.mark.parametrize("where", ["/etc", "/opt", VOLUME, "/nowhere", f"{VOLUME}/mine"])
def test_a_link_in_place_of_the_kept_directory_is_moved_aside(host: Host, where: str) -> None:
    host.shell(f"mkdir -p {VOLUME}/mine; ln -s {where} {KEEP}", user=USER)
    host.shell("mkdir /etc/fsmount")
    before = host.shell(f"ls -A /etc {VOLUME}/mine")
    ran = host.run("on-start")
    assert_running(host, ran)
    assert ran.has(f"problem: {KEEP} was not a directory of root's alone - not used; it is .fsmount.refused.")
    assert host.shell(f"ls -A /etc {VOLUME}/mine") == before
    assert host.shell(f"stat -c '%U %a %F' {KEEP}") == "root 755 directory\n"
    assert host.shell(f"readlink {VOLUME}/.fsmount.refused.*").strip() == where


def test_a_link_to_a_directory_of_roots_own_on_the_same_volume_is_moved_aside(host: Host) -> None:
    host.shell(f"mkdir {VOLUME}/roots")
    host.shell(f"ln -s roots {KEEP}", user=USER)
    ran = host.run("on-start")
    assert_running(host, ran)
    assert ran.has("was not a directory of root's alone")
    assert host.shell(f"ls -A {VOLUME}/roots") == ""


@pytest.mark.parametrize("kind", ["echo hello >", "mkfifo ", "mkdir -m 700 "])
def test_a_thing_of_ec2_users_in_its_place_is_moved_aside(host: Host, kind: str) -> None:
    host.shell(kind + KEEP, user=USER)
    ran = host.run("on-start")
    assert_running(host, ran)
    assert ran.has("was not a directory of root's alone")
    assert host.shell(f"stat -c '%U %a %F' {KEEP}") == "root 755 directory\n"


def test_what_ec2_user_put_into_his_own_directory_is_never_believed(host: Host, bundles: list[bytes]) -> None:
    kept = f"{KEEP}/bundle-{host.settings.bundle_sha256[:16]}.tar.gz"
    host.write("/tmp/hostile", bundles[1])
    host.shell(f"mkdir {KEEP}; cp /tmp/hostile {kept}; echo hostile >{KEEP}/mounts.yaml", user=USER)
    ran = host.run("on-start")
    assert_running(host, ran)
    assert ran.has(f"bundle fetched from {BUNDLE_URL}")
    assert "mounts.yaml" not in host.shell(f"ls {KEEP}")
    assert "1.0" in host.shell("cat /opt/fsmount/current/bundle.json")


def test_a_kept_directory_that_others_may_write_to_is_moved_aside(host: Host) -> None:
    host.shell(f"mkdir {KEEP}; chmod 777 {KEEP}")
    ran = host.run("on-start")
    assert_running(host, ran)
    assert ran.has("was not a directory of root's alone")


@pytest.mark.parametrize(
    ("plant", "says"),
    [
        ("mkfifo $kept", "is not a regular file"),
        ("ln -s /dev/zero $kept", "is not a regular file"),
        ("ln -s /srv/s3/team/fsmount.tar.gz $kept", "is not a regular file"),
        ("mkdir $kept", "is not a regular file"),
        ("echo other >$kept.other; ln $kept.other $kept", "the kept bundle is not the pinned one"),
        ("truncate -s 60M $kept", "the kept bundle is not the pinned one"),
        ("head -c 100 /srv/s3/team/fsmount.tar.gz >$kept", "the kept bundle is not the pinned one"),
        (": >$kept", "the kept bundle is not the pinned one"),
    ],
    ids=["fifo", "link-to-device", "link", "directory", "hard-link", "endless", "cut", "empty"],
)
def test_a_kept_bundle_that_is_something_else_is_fetched_anew(host: Host, plant: str, says: str) -> None:
    host.run("on-create")
    host.shell(f"kept=$(echo {KEEP}/bundle-*); rm $kept; {plant}")
    ran = host.run("on-start")
    assert_running(host, ran)
    assert ran.has(says)
    assert ran.has(f"bundle fetched from {BUNDLE_URL}")
    assert ran.seconds < 10


def test_ec2_user_swapping_the_directory_all_the_time_gains_nothing(host: Host) -> None:
    swap = f"""
        cd {VOLUME}
        while :; do
            ln -s /etc .fsmount; mv -T .fsmount .a; mkdir .fsmount; mv -T .fsmount .b; ln -s /opt .fsmount
            rm -rf .a .b .fsmount; mv -T .fsmount .c$RANDOM
        done 2>/dev/null"""
    before = host.shell("ls -A /etc")
    host.spawn(swap, USER)
    deadline = time.monotonic() + 12
    runs = 0
    while runs < 12 and time.monotonic() < deadline:
        ran = host.run("on-create")
        assert ran.code == 0
        runs += 1
    assert runs > 2
    assert host.shell("ls -A /etc") == before
    assert host.shell("ls -A /opt") == ""
    mine = host.shell(f"find {VOLUME} -type f -user root -printf '%h\\n'").split()
    owners = {host.shell(f"stat -c %U {directory}", check=False).strip() for directory in mine}
    assert owners <= {"root", ""}


def test_a_volume_that_is_a_link_is_not_entered(host: Host) -> None:
    host.shell(f"umount {VOLUME}; rmdir {VOLUME}; ln -s /etc {VOLUME}")
    ran = host.run("on-start")
    assert_running(host, ran)
    assert ran.has(f"problem: {VOLUME} is not a directory")
    assert host.shell("ls -A /etc | grep -c '^.fsmount' || :").strip() == "0"


POLICY = Policy(("fs-0123*",), ("/home/ec2-user/SageMaker/it's $(touch /srv/x) \\ here",), ())


def test_what_is_pinned_is_written_where_the_agent_reads_it_before_it_starts(host: Host) -> None:
    host.settings = replace(host.settings, region="eu-west-1", public_key="A" * 43 + "=", policy=POLICY)
    host.write("/usr/local/bin/systemctl", f"#!/bin/bash\n[ $1 != restart ] || cat {PINNED} >/srv/seen\n", 0o755)
    ran = host.run("on-start")
    assert (ran.code, ran.problems()) == (0, [])
    assert ran.has(f"settings written to {PINNED}")
    expected = agent.Settings(CONFIG_URL, "eu-west-1", "A" * 43 + "=", POLICY)
    assert msgspec.json.decode(host.shell("cat /srv/seen"), type=agent.Settings) == expected
    assert host.shell(f"cat {PINNED}") == host.shell("cat /srv/seen")
    assert host.shell(f"stat -c '%U:%G %a %F' /etc/fsmount {PINNED}").splitlines() == [
        "root:root 755 directory",
        "root:root 644 regular file",
    ]
    assert host.shell("ls -A /etc/fsmount") == "settings.json\n"
    assert host.shell("ls -A /srv/x 2>/dev/null", check=False) == ""


def test_the_agent_fetches_its_configuration_by_itself(host: Host) -> None:
    host.run("on-create")
    host.run("on-start")
    assert "mounts.yaml" not in host.shell("cat /srv/aws.log")
    assert host.shell("cat /srv/fsmount.log") == "status --wait 1\n"


def test_new_pins_restart_the_agent_and_the_same_ones_do_not(host: Host) -> None:
    host.run("on-start")
    host.settings = replace(host.settings, config_origin="ssm:///team/mounts")
    changed = host.run("on-start")
    assert_running(host, changed)
    assert host.shell("tail -n 1 /srv/systemctl.log") == "restart --no-block fsmount.service\n"
    assert host.shell(f"cat {PINNED}") == '{"origin":"ssm:///team/mounts"}\n'
    again = host.run("on-start")
    assert host.shell("tail -n 1 /srv/systemctl.log") == "start --no-block fsmount.service\n"
    assert not again.has("settings written")


@pytest.mark.parametrize(
    "plant",
    [
        f"mkdir -p /etc/fsmount; ln -s /srv/elsewhere {PINNED}",
        "mkdir /srv/dir; ln -s /srv/dir /etc/fsmount",
        f"mkdir -p /etc/fsmount; mkfifo {PINNED}",
        f"mkdir -m 777 -p /etc/fsmount; echo '{{}}' >{PINNED}",
        f'mkdir -p /etc/fsmount; echo \'{{"origin":"{CONFIG_URL}"}}\' >{PINNED}; chmod 666 {PINNED}',
        f'mkdir -p /etc/fsmount; echo \'{{"origin":"{CONFIG_URL}"}}\' >{PINNED}; chown {USER} {PINNED}',
        f"mkdir -p /etc/fsmount; echo half >/etc/fsmount/.new.12345678; printf '{{\"orig' >{PINNED}",
    ],
    ids=["link", "link-for-directory", "fifo", "other", "writable", "of-another", "half"],
)
def test_whatever_lies_there_is_replaced_and_no_link_followed(plant: str, host: Host) -> None:
    host.write("/srv/elsewhere", "untouched")
    host.shell(plant)
    ran = host.run("on-start")
    assert_running(host, ran)
    assert ran.problems() == []
    assert host.shell(f"stat -c '%U %a %F' /etc/fsmount {PINNED}") == "root 755 directory\nroot 644 regular file\n"
    assert host.shell(f"cat {PINNED}") == f'{{"origin":"{CONFIG_URL}"}}\n'
    assert host.shell("cat /srv/elsewhere; ls -A /srv/dir 2>/dev/null || :") == "untouched"
    assert host.shell("ls -A /etc/fsmount") == "settings.json\n"
    assert host.shell("tail -n 1 /srv/systemctl.log") == "restart --no-block fsmount.service\n"


def test_without_its_pins_the_agent_is_not_started(host: Host) -> None:
    """It would believe anybody, where the script wants a signature."""
    host.shell(f"mkdir -p {PINNED}/in/the/way")
    ran = host.run("on-start")
    assert ran.code == 0
    assert ran.has(f"problem: {PINNED} could not be written (")
    assert ran.has("without what is pinned the agent is not started")
    assert not ran.has("agent started")
    assert host.shell("cat /srv/systemctl.log") == "daemon-reload\n"
    assert host.shell("ls -A /etc/fsmount") == "settings.json\n"


@pytest.mark.parametrize(
    ("report", "says"),
    [
        ("1\ndatasets  waiting\n", "problem: not every mount is up after 1 s - the agent goes on trying"),
        (None, "problem: the agent gave no report in 1 s - see: journalctl -u fsmount"),
    ],
    ids=["degraded", "no-agent"],
)
def test_mounts_that_are_not_up_do_not_fail_the_start(host: Host, report: str | None, says: str) -> None:
    if report is None:
        host.shell("rm /srv/report")
    else:
        host.write("/srv/report", report)
    ran = host.run("on-start")
    assert_running(host, ran)
    assert ran.has(says)
    assert host.shell("tail -n 1 /srv/fsmount.log") == "status --wait 1\n"


def test_without_a_wait_it_does_not_ask(host: Host) -> None:
    host.settings = replace(host.settings, wait_s=0)
    ran = host.run("on-start")
    assert_running(host, ran)
    assert ran.has("the mounts come up in the background")
    assert host.shell("cat /srv/fsmount.log 2>/dev/null || :") == ""


def test_a_bundle_for_another_python_is_refused_by_name(host: Host, tmp_path_factory: pytest.TempPathFactory) -> None:
    agent = tmp_path_factory.mktemp("other")
    (agent / "__init__.py").write_text('__version__ = "1"\n')
    other = build_bundle.build(Target("3.4", "linux_x86_64"), [], agent).data
    host.settings = pinned(other)
    host.write("/srv/s3/team/fsmount.tar.gz", other)
    ran = host.run("on-start")
    assert ran.code == 0
    assert ran.has(f"it is for Python 3.4 on linux_x86_64, this is {system_python()} on linux_")
    assert host.shell("ls -A /opt/fsmount") == ""


def test_a_disk_without_room_for_the_code_is_named(host: Host) -> None:
    host.shell("mount -t tmpfs -o size=16k small /opt")
    ran = host.run("on-start")
    assert_not_started(host, ran)
    assert ran.has(f"problem: the bundle could not be unpacked to {code_of(host)}: ")
    assert ran.has("needs space in /opt")


def test_a_systemd_that_refuses_is_named(host: Host) -> None:
    host.write("/usr/local/bin/systemctl", "#!/bin/sh\necho 'Failed to connect to bus' >&2\nexit 1\n", 0o755)
    ran = host.run("on-start")
    assert ran.code == 0
    assert ran.has("problem: the agent could not be started (Failed to connect to bus) - see: systemctl status fsmount")


def test_the_region_is_the_instances_own_unless_told(host: Host) -> None:
    arn = '{"ResourceArn": "arn:aws-cn:sagemaker:cn-north-1:123456789012:notebook-instance/nb", "ResourceName": "nb"}'
    host.write("/opt/ml/metadata/resource-metadata.json", arn)
    host.run("on-create")
    assert f"--region cn-north-1 {BUNDLE_URL}" in host.shell("cat /srv/aws.log")
    host.settings = replace(host.settings, region="eu-west-1", bundle_sha256="0" * 64)
    host.run("on-create")
    assert f"--region eu-west-1 {BUNDLE_URL}" in host.shell("tail -n 1 /srv/aws.log")


@pytest.mark.skipif(
    not (build_bundle.AGENT / "cli").is_dir() or not list((build_bundle.AGENT / "cli").glob("*.py")),
    reason="agent/fsmount has no command yet",
)
def test_the_real_bundle_unpacks_compiles_checks_and_signs(tmp_path: Path) -> None:
    target = Target(system_python(), "linux_x86_64")
    wheels = obtain(ROOT / "packaging" / "requirements-bundle.txt", target, ROOT / "dist" / "wheels")
    bundle = build_bundle.build(target, wheels).data
    with system(tmp_path, pinned(bundle), "40m") as host:
        host.write("/srv/s3/team/fsmount.tar.gz", bundle)
        ran = host.run("on-start")
        assert_running(host, ran)
        assert ran.has("the agent gave no report in 1 s")
        assert ran.seconds < 15
        user = host.shell("/usr/local/bin/fsmount --version", user=USER)
        assert build_bundle.agent_version(build_bundle.AGENT) in user
        host.write("/srv/bad.yaml", "version: 1\nmounts: 7\n")
        assert "bad.yaml:2" in host.shell("/usr/local/bin/fsmount check /srv/bad.yaml", user=USER, check=False)
        host.write("/srv/good.yaml", "version: 1\nmounts: []\n")
        host.shell("openssl genpkey -algorithm ed25519 -out /srv/key && chmod 600 /srv/key")
        said = host.shell("/usr/local/bin/fsmount push /srv/good.yaml file:/srv/pushed.yaml --sign /srv/key")
        assert ", signed" in said
        assert "# fsmount-signature: ed25519 " in host.shell("tail -n 1 /srv/pushed.yaml")

"""The layers, by the syntax tree: who may import what, and which calls no module of the daemon makes.

The calls are those of the first table of measured hangs: each of them blocks on a dead mount. Jobs (jobs/ except
running.py, linux/) may make them, since a Job has a deadline; the daemon's process may not.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "agent/fsmount"
MODULES = sorted(str(file.relative_to(PACKAGE)) for file in PACKAGE.rglob("*.py"))

PURE = {
    "model",
    "plan",
    "judge",
    "entry",
    "backoff",
    "timeouts",
    "problems.entry",
    "problems.mounting",
    "problems.mounted",
    "problems.agent",
    "problems.aws",
    "problems.configuration",
    "config.mountpoints",
    "config.nfs_options",
    "config.lustre_options",
    "config.helper_options",
    "config.partitions",
    "config.templates",
    "config.sources",
    "config.nesting",
    "config.policy",
    "cli.table",
    "cli.detail",
    "lustre_versions",
    "jobs.deadlines",
    "health",
    "capacity",
    "origin",
    "settle",
    "tags",
    "metrics",
    "cli.chronicle",
    "cli.since",
    "history.event",
    "history.changes",
    "history.lines",
    "doctor.steps",
    "doctor.types",
    "doctor.rpc",
    "doctor.subjects",
    "doctor.chain",
    "doctor.advice",
    "doctor.document",
    "doctor.page",
}
IMPURE = {"os", "socket", "subprocess", "select", "signal", "time", "random", "ctypes", "boto3", "psutil"}
HANGS = {
    "os.stat", "os.lstat", "os.statvfs", "os.fstatvfs", "os.access", "os.walk", "os.scandir", "os.listdir",
    "os.path.exists", "os.path.lexists", "os.path.isdir", "os.path.isfile", "os.path.islink", "os.path.ismount",
    "os.path.realpath",
    "os.path.samefile", "os.path.getsize", "psutil.disk_usage", "shutil.disk_usage", "shutil.rmtree",
    "subprocess.run", "subprocess.Popen", "subprocess.call", "subprocess.check_output", "os.system", "os.popen",
    "os.waitpid", "os.wait", "time.sleep",
}  # fmt: skip
ALLOWED = {
    ("jobs/child.py", "os.listdir"),  # of /proc/self/fd, after the fork
    ("jobs/running.py", "os.waitpid"),  # WNOHANG, after the pidfd said that it has ended
    ("observe/efs_state.py", "os.listdir"),  # of /run/efs, which is root's and in memory
    ("daemon/service.py", "os.path.isdir"),  # the distribution's own folders, never a managed path
}


def imports(tree: ast.AST, module: str) -> Iterator[str]:
    """The names of the modules that it imports, our own as `fsmount.x.y`."""
    package = ("fsmount." + module.removesuffix(".py").replace("/", ".")).removesuffix(".__init__").split(".")
    if not module.endswith("__init__.py"):
        package = package[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            whole = ".".join([*base, *([node.module] if node.module else [])])
            yield whole
            yield from (f"{whole}.{alias.name}" for alias in node.names)


def exists(name: str) -> str | None:
    """The file of a module of ours, if the name is one."""
    if not name.startswith("fsmount"):
        return None
    path = name.split(".")[1:]
    for candidate in ("/".join(path) + ".py", "/".join([*path, "__init__.py"])):
        if candidate in MODULES:
            return candidate
    return None


def reachable(start: str) -> set[str]:
    """Every module of ours that importing `start` brings into the process."""
    found, waiting = set(), [start]
    while waiting:
        module = waiting.pop()
        if module in found:
            continue
        found.add(module)
        names = imports(ast.parse((PACKAGE / module).read_text()), module)
        waiting += [file for file in map(exists, names) if file]
    return found


def calls(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


def test_the_daemon_s_process_reaches_no_call_that_hangs() -> None:
    daemon = reachable("cli/run.py")
    assert {"daemon/loop.py", "daemon/agent.py", "jobs/running.py", "jobs/child.py"} <= daemon
    assert "history/ring.py" not in daemon
    kinds = (
        "fetch",
        "resolve",
        "mount",
        "unmount",
        "probe",
        "knock",
        "record",
        "recall",
        "keep",
        "publish",
        "install",
        "examine",
    )
    assert not daemon & {"jobs/mount_helper.py", "jobs/mount_lustre.py", "linux/process.py"}
    assert not daemon & {f"jobs/{kind}.py" for kind in kinds}
    assert not [module for module in daemon if module.startswith("doctor/")], "the doctor is the command's"
    found = {
        (module, call)
        for module in daemon
        for call in calls(ast.parse((PACKAGE / module).read_text()))
        if call in HANGS or call.endswith((".wait", ".communicate", ".join()"))
    }
    assert found <= ALLOWED, found - ALLOWED


def test_the_daemon_carries_neither_yaml_nor_boto3_nor_subprocess() -> None:
    for module in reachable("cli/run.py"):
        heavy = set(imports(ast.parse((PACKAGE / module).read_text()), module)) & {
            "yaml",
            "boto3",
            "nacl",
            "subprocess",
            "asyncio",
            "threading",
        }
        assert not heavy, (module, heavy)


def test_the_doctor_s_own_process_reaches_no_call_that_hangs() -> None:
    """What may hang is reached through jobs/examine.py alone, which the children's code imports by its name."""
    doctor = reachable("cli/doctor.py")
    assert {"doctor/rounds.py", "doctor/asking.py", "doctor/chain.py", "jobs/running.py", "jobs/child.py"} <= doctor
    children = {"jobs/examine.py", "doctor/network.py", "doctor/client.py", "doctor/directory.py", "doctor/user.py"}
    assert not doctor & (children | {"jobs/fetch.py", "jobs/resolve.py", "linux/pin.py"})
    found = {
        (module, call)
        for module in doctor
        for call in calls(ast.parse((PACKAGE / module).read_text()))
        if call in HANGS or call.endswith((".wait", ".communicate", ".join()", ".connect"))
    }
    assert found <= ALLOWED, found - ALLOWED
    for module in doctor:
        assert not set(imports(ast.parse((PACKAGE / module).read_text()), module)) & {"threading", "socket", "yaml"}, module


def test_status_reads_one_file_and_knows_neither_the_daemon_nor_yaml() -> None:
    modules = reachable("cli/status.py")
    assert not [m for m in modules if m.startswith(("daemon/", "jobs/", "linux/", "config/", "observe/"))], modules


@pytest.mark.parametrize("module", [m for m in MODULES if m.removesuffix(".py").replace("/", ".") in PURE])
def test_the_pure_modules_have_no_effects(module: str) -> None:
    names = {name.split(".")[0] for name in imports(ast.parse((PACKAGE / module).read_text()), module)}
    assert not names & IMPURE


def test_one_module_starts_programs_and_one_forks() -> None:
    starters = {m for m in MODULES if "subprocess" in set(imports(ast.parse((PACKAGE / m).read_text()), m))}
    assert starters == {"linux/process.py"}
    forkers = {m for m in MODULES if "os.fork" in set(calls(ast.parse((PACKAGE / m).read_text())))}
    assert forkers == {"jobs/running.py"}


def test_threads_are_the_jobs_own() -> None:
    """A process with a thread that hangs cannot end but by os._exit or SIGKILL, which is how Jobs end."""
    users = {m for m in MODULES if set(imports(ast.parse((PACKAGE / m).read_text()), m)) & {"threading", "concurrent.futures"}}
    assert users == {"jobs/abreast.py", "jobs/limit.py"}


def test_one_package_knows_boto3_and_one_module_knows_nacl() -> None:
    for module in MODULES:
        heavy = {name.split(".")[0] for name in imports(ast.parse((PACKAGE / module).read_text()), module)}
        assert module.startswith("aws/") or not heavy & {"boto3", "botocore"}, module
        assert module == "signature.py" or "nacl" not in heavy, module


def test_there_are_at_most_two_blanket_excepts() -> None:
    blanket = [
        module
        for module in MODULES
        for node in ast.walk(ast.parse((PACKAGE / module).read_text()))
        if isinstance(node, ast.ExceptHandler) and (node.type is None or ast.unparse(node.type) in ("Exception", "BaseException"))
    ]
    assert len(blanket) <= 2, blanket


@pytest.mark.parametrize("module", MODULES)
def test_rooms_are_small(module: str) -> None:
    text = (PACKAGE / module).read_text()
    assert text.count("\n") <= 330
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert (node.end_lineno or 0) - node.lineno < 60, f"{module}: {node.name}"


def test_the_time_limits_form_one_chain() -> None:
    from fsmount import timeouts as t

    unit = (PACKAGE.parents[1] / "packaging/fsmount.service").read_text()
    watchdog = float(unit.split("WatchdogSec=")[1].split()[0])
    assert max(t.LOOK_UP_KEPT_S, t.AWS_KEPT_S, t.NEAREST_S) < t.RESOLVE_S < t.LOCATING_S < t.LOCATE_S
    assert t.REACHABLE_S < t.EXAMINE_S < t.RESOLVE_S < t.EXAMINATION_S
    assert t.EXAMINE_S + t.EXAMINATION_S < 30, "what `man fsmount` says of the doctor"
    assert t.MOUNT_S < t.HELPER_S
    assert t.REACHABLE_S < t.PROBE_S < t.MOUNT_S < t.PROBE_INTERVAL_S <= t.HEARTBEAT_S < watchdog < t.OLD_NEWS_S

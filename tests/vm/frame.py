"""What must hold around every fault: nobody else is touched, and nothing is left behind.

Two neighbour mounts are written to while the fault lasts. Afterwards they are the same mounts and well, no line is
missing or late, the agent has no more descriptors and processes than before, and the same things are mounted.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .notebook import NotebookInstance
from .product import SAGEMAKER, a_mount, mounts_yaml, put_config, status

NEIGHBOURS = ("near", "beside")
NEIGHBOUR_MOUNTS = (a_mount("near", 1), a_mount("beside", 2))
GAP_S = 2.0  # between two lines of a writer that writes ten a second, in an emulated machine with two processors
STALL_MS = 100
BARE_START_S = 0.015  # `python3 -IS -c pass` on a real processor
_BACKGROUND = "</dev/null >/dev/null 2>&1 &"


@dataclass(frozen=True)
class Gauge:
    """programs/gauge.py, at one moment."""

    pid: int
    descriptors: int
    helpers: int
    resident_kib: int
    cpu_s: float
    stall_ms: int
    uptime: float
    mounts: list[list[str]]  # id, mount point, source

    @property
    def places(self) -> list[tuple[str, str]]:
        return sorted((place, source) for _, place, source in self.mounts)

    def ids(self, *names: str) -> list[list[str]]:
        return [[ident for ident, place, _ in self.mounts if place == f"{SAGEMAKER}/{name}"] for name in names]


def gauge(notebook: NotebookInstance) -> Gauge:
    return Gauge(**json.loads(notebook.machine.succeed("python3 -IS /usr/local/share/gauge.py", timeout=20)))


def at_rest(notebook: NotebookInstance, descriptors: int | None = None, seconds: float = 60) -> Gauge:
    """The gauge at a moment at which no Job runs, and no more than so many descriptors are open."""
    deadline = time.monotonic() + seconds
    while True:
        found = gauge(notebook)
        if found.pid and found.helpers == 0 and (descriptors is None or found.descriptors <= descriptors):
            return found
        if time.monotonic() > deadline:
            told = notebook.machine.execute(f"systemctl status fsmount --no-pager; ls -l /proc/{found.pid}/fd")[1]
            raise AssertionError(
                f"not at rest after {seconds:.0f} s: {found.descriptors} descriptors (it had {descriptors}), {found.helpers} "
                f"helpers:\n{told}"
            )
        time.sleep(0.2)


class Writing:
    """A writer that appends ten lines a second to a file in each of these mounts."""

    def __init__(self, notebook: NotebookInstance, names: tuple[str, ...]) -> None:
        self._machine = notebook.machine
        self._files = [f"{SAGEMAKER}/{name}/lines-{time.time_ns()}" for name in names]
        self._machine.succeed("rm -f /run/stop-lines /run/lines-ended")
        writer = f"python3 -IS /usr/local/share/writer.py /run/stop-lines {' '.join(self._files)} 2>/run/lines-said"
        self._machine.succeed(
            f"setsid bash -c '{writer}; echo $? >/run/lines-status; mv /run/lines-status /run/lines-ended' {_BACKGROUND}"
        )

    def end(self) -> float:
        """Stop it; no line may be missing. The longest time between two lines, in seconds."""
        self._machine.succeed("touch /run/stop-lines")
        ended = self._machine.wait_until_succeeds("cat /run/lines-ended", timeout=30).strip()
        assert ended == "0", f"a write failed: {self._machine.read_file('/run/lines-said').decode()}"
        gaps = []
        for path in self._files:
            lines = [line.split() for line in self._machine.read_file(path).decode().splitlines()]
            assert [int(number) for number, _ in lines] == list(range(len(lines))), f"a line is missing in {path}"
            times = [float(moment) for _, moment in lines]
            gaps += [later - sooner for sooner, later in zip(times, times[1:])]
        self._machine.succeed(f"rm -f {' '.join(self._files)}")
        return max(gaps, default=0.0)


@contextmanager
def undisturbed(
    notebook: NotebookInstance,
    *,
    neighbours: tuple[str, ...] = NEIGHBOURS,
    gap_s: float = GAP_S,
    stall_ms: int | None = STALL_MS,
    same_agent: bool = True,
    comes: tuple[str, ...] = (),
) -> Iterator[None]:
    """Around a fault and its end.

    `comes`: the mounts that are there only afterwards. `stall_ms` None: the fault stops the agent or its clock, so its
    stall says nothing. Otherwise it is the longest stall on a processor that starts a bare Python in 15 ms; emulated ones
    are ten to thirty times slower, and the bound is as much longer. Both are printed.
    """
    bare = float(notebook.machine.succeed("python3 -IS /usr/local/share/timed.py python3 -IS -c pass", timeout=20))
    slowness = max(1.0, bare / BARE_START_S)
    before = at_rest(notebook)
    writing = Writing(notebook, neighbours)
    try:
        yield
    finally:
        gap = writing.end()
    after = at_rest(notebook, before.descriptors)
    # An emulated machine that is busy answers slowly now and then, which is no disturbance; the next look says so.
    are_well = wait_until(lambda: all(words(notebook)[name] == "ok" for name in neighbours), 60)
    figures = (
        f"longest gap of a writer {gap:.2f} s, longest stall {before.stall_ms} -> {after.stall_ms} ms ({slowness:.0f} times as "
        f"slow as a real processor), descriptors {before.descriptors} -> {after.descriptors}, resident "
        f"{before.resident_kib} -> {after.resident_kib} KiB"
    )
    print(f"\n{figures}")
    assert are_well, words(notebook)
    assert after.ids(*neighbours) == before.ids(*neighbours), "a neighbour was mounted anew"
    expected = {f"{SAGEMAKER}/{name}" for name in comes}
    assert [row for row in after.places if row[0] not in expected] == before.places, "something else is mounted now"
    assert sorted(place for place, _ in after.places if place in expected) == sorted(expected)
    assert (after.pid == before.pid) is same_agent, "the agent was restarted" if same_agent else "the agent was not restarted"
    assert gap < gap_s, figures
    assert stall_ms is None or after.stall_ms < stall_ms * slowness, figures


def with_neighbours(notebook: NotebookInstance, *mounts: dict[str, Any]) -> None:
    """Put a configuration of the two neighbours and these in force, and wait until all is well."""
    in_force(notebook, *NEIGHBOUR_MOUNTS, *mounts)


def in_force(notebook: NotebookInstance, *mounts: dict[str, Any]) -> None:
    notebook.machine.succeed("systemctl start fsmount")  # until it is ready
    put_config(notebook, mounts_yaml(*mounts))
    notebook.machine.succeed("fsmount retry")
    notebook.machine.wait_until_succeeds("fsmount status --wait 60", timeout=120)


Seen = tuple[str, str, str, str, float]  # word, health, problem, phase, age of the latest look


@dataclass(frozen=True)
class Timeline:
    """All that the status file said, with the machine's time since boot."""

    rows: list[tuple[float, dict[str, Seen]]]

    def first(self, name: str, since: float, wanted: Callable[[Seen], bool]) -> float:
        """How many seconds after `since` it was first said of that mount; fails if it never was."""
        said = [(at, mounts[name]) for at, mounts in self.rows if at >= since and name in mounts]
        for at, seen in said:
            if wanted(seen):
                return at - since
        told = list(dict.fromkeys(seen[:4] for _, seen in said))
        raise AssertionError(f"of {name} it was never said; this was: {told}")

    def ages(self, name: str, since: float) -> list[float]:
        return [mounts[name][4] for at, mounts in self.rows if at >= since and name in mounts and mounts[name][4] is not None]

    def words(self, name: str, since: float) -> set[str]:
        return {mounts[name][0] for at, mounts in self.rows if at >= since and name in mounts}


class Recording:
    """programs/timeline.py at work in the machine."""

    def __init__(self, notebook: NotebookInstance) -> None:
        self._machine = notebook.machine
        self._machine.succeed(
            f"rm -f /run/stop-timeline /run/timeline; setsid python3 -IS /usr/local/share/timeline.py \
            /run/stop-timeline /run/timeline {_BACKGROUND}"
        )

    def now(self) -> float:
        return float(self._machine.succeed("cut -d ' ' -f 1 /proc/uptime"))

    def timeline(self) -> Timeline:
        """So far; a line that is being written is left out."""
        text = self._machine.read_file("/run/timeline").decode()
        rows = [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]
        return Timeline([(at, {name: tuple(seen) for name, seen in mounts.items()}) for at, mounts in rows])

    def end(self) -> Timeline:
        self._machine.succeed("touch /run/stop-timeline")
        return self.timeline()


def wait_until(condition: Callable[[], bool], seconds: float, pause: float = 0.5) -> bool:
    """Whether it came true within that time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True


def words(notebook: NotebookInstance) -> dict[str, str]:
    return {mount["name"]: mount["word"] for mount in status(notebook)["mounts"]}


def all_ok(notebook: NotebookInstance) -> bool:
    return set(words(notebook).values()) <= {"ok"}

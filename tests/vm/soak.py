"""`make soak`: random faults of the list for MINUTES=30, from a SEED that is printed first.

Every fault is undone after a random while; several last at the same time. In the end everything that can be healthy is,
no line of the neighbours' writers is missing, and the agent has no more memory and descriptors than after the first minutes.
"""

from __future__ import annotations

import os
import random
import shlex
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from .aws import Aws
from .fileservers import FileServer
from .frame import (
    NEIGHBOUR_MOUNTS,
    NEIGHBOURS,
    Writing,
    all_ok,
    at_rest,
    wait_until,
    with_neighbours,
    words,
)
from .image import get_image
from .notebook import NotebookInstance
from .product import SAGEMAKER, a_mount, mounts_yaml, put_config
from .standard import a_running_notebook

MOUNTS = [a_mount(f"m{server}", server, "fresh") for server in range(3, 9)]
GROWTH_KIB = 2048
GAP_S = 5.0  # a machine of two emulated processors in which six servers fail at once
AGENT = "systemctl show -P MainPID fsmount"


@dataclass(frozen=True)
class Fault:
    name: str
    make: Callable[[], object]
    undo: Callable[[], object]
    about: str  # what it happens to: one fault at a time


class Soak:
    def __init__(self, notebook: NotebookInstance, dice: random.Random) -> None:
        self._notebook, self._machine, self._dice = notebook, notebook.machine, dice
        self._lasting: dict[str, tuple[Fault, float]] = {}
        self._began = time.monotonic()
        self.made: dict[str, int] = {}

    def go_on(self, minutes: float) -> None:
        end = time.monotonic() + minutes * 60
        while time.monotonic() < end:
            self._undo_what_is_over()
            if len(self._lasting) < 4:
                self._make(self._dice.choice(self._faults()))
            time.sleep(self._dice.uniform(0.5, 4))
        for about in list(self._lasting):
            self._undo(about)

    def _faults(self) -> list[Fault]:
        """Of one server and its mount, by the dice, and of the agent and what it stands on."""
        server = self._notebook.servers[self._dice.randrange(2, 8)]
        return [*self._of_server(server), *self._of_machine(f"m{server.number}")]

    def _of_server(self, server: FileServer) -> Iterator[Fault]:
        verbs = (
            server.black_hole, server.refuse, server.stop, server.reboot, server.forget, server.link_down, server.deny,
            server.exclude, partial(server.squash, "fresh"), partial(server.slow, 2000), partial(server.replace, "fresh"),
        )  # fmt: skip
        for verb in verbs:
            name = (verb.func if isinstance(verb, partial) else verb).__name__
            yield Fault(f"server {server.number}: {name}", verb, server.restore, f"server {server.number}")

    def _of_machine(self, name: str) -> Iterator[Fault]:
        place, limit = f"{SAGEMAKER}/{name}", "systemctl set-property --runtime fsmount"
        back, forward = "date -s @$(($(date +%s) - 3600))", "date -s @$(($(date +%s) + 3600))"
        uncover = "for p in $(grep ^theirs /proc/mounts | cut -d ' ' -f 2); do umount -c $p; done"
        for what, about, make, undo in (
            ("the agent is killed", "agent", "systemctl kill --kill-who=main -s KILL fsmount", ":"),
            ("the agent is stopped for a while", "agent", f"kill -STOP $({AGENT})", f"kill -CONT $({AGENT})"),
            ("a second agent", "agent", "fsmount run", ":"),
            ("the clock is an hour late", "clock", back, forward),
            ("the clock is an hour early", "clock", forward, back),
            ("/run is full", "/run", "dd if=/dev/zero of=/run/filler bs=64k", "rm -f /run/filler"),
            ("no process can be started", "limits", f"{limit} TasksMax=1", f"{limit} TasksMax=infinity"),
            (f"{name} is unmounted", name, f"umount -l -c {place}", ":"),
            (f"{name} is covered", "cover", f"grep -q ' {place} ' /proc/mounts && mount -t tmpfs theirs {place}", uncover),
        ):
            yield Fault(what, partial(self._try, make), partial(self._try, undo), about)
        whole = mounts_yaml(*NEIGHBOUR_MOUNTS, *MOUNTS)
        fewer = mounts_yaml(*NEIGHBOUR_MOUNTS, *(mount for mount in MOUNTS if mount["name"] != name))
        for what, text in ((f"{name} leaves the configuration", fewer), ("the configuration is garbage", "\0garbage")):
            yield Fault(what, partial(self._configure, text), partial(self._configure, whole), "configuration")

    def _try(self, command: str) -> None:
        """Whatever it says: a fault may meet another one. It is bounded all the same."""
        self._machine.execute(f"timeout 20 bash -c {shlex.quote(command)}", timeout=30)

    def _configure(self, text: str) -> None:
        put_config(self._notebook, text, reload=False)
        self._try("fsmount reload")

    def _make(self, fault: Fault) -> None:
        if fault.about in self._lasting:
            return
        seconds = self._dice.uniform(2, 60)
        self._say(f"{fault.name}, for {seconds:.0f} s")
        self._lasting[fault.about] = fault, time.monotonic() + seconds
        self.made[fault.name] = self.made.get(fault.name, 0) + 1
        fault.make()

    def _undo_what_is_over(self) -> None:
        for about in [about for about, (_, end) in self._lasting.items() if end < time.monotonic()]:
            self._undo(about)

    def _undo(self, about: str) -> None:
        fault, _ = self._lasting.pop(about)
        fault.undo()
        self._say(f"{fault.name}: undone")

    def _say(self, text: str) -> None:
        print(f"{time.monotonic() - self._began:7.1f} s  {text}", flush=True)


def soak(notebook: NotebookInstance, seed: int, minutes: float) -> None:
    machine = notebook.machine
    for server in notebook.servers[2:]:
        machine.succeed(f"cp -a {server.folder}/d0 {server.folder}/fresh")
    with_neighbours(notebook, *MOUNTS)
    turns, writing = Soak(notebook, random.Random(seed)), Writing(notebook, NEIGHBOURS)
    before = at_rest(notebook)
    turns.go_on(minutes)
    put_config(notebook, mounts_yaml(*NEIGHBOUR_MOUNTS, *MOUNTS))
    # An agent that starts while a server denies everybody blocks that mount, until somebody says retry.
    machine.succeed("fsmount retry")
    undone = time.monotonic()
    well = wait_until(lambda: all_ok(notebook), 180)
    took = time.monotonic() - undone
    gap = writing.end()
    after = at_rest(notebook)
    print(f"seed {seed}: {sum(turns.made.values())} faults of {len(turns.made)} kinds in {minutes:.0f} minutes")
    print(f"all well {took:.0f} s after the last was undone; longest gap of a writer {gap:.2f} s")
    print(f"descriptors {before.descriptors} -> {after.descriptors}; resident {before.resident_kib} -> {after.resident_kib} KiB")
    print(f"longest stall {after.stall_ms} ms")
    assert well, words(notebook)
    assert after.ids(*NEIGHBOURS) == before.ids(*NEIGHBOURS), "a neighbour was mounted anew"
    assert after.places == before.places, "something else is mounted now"
    assert after.descriptors <= before.descriptors
    assert after.resident_kib <= before.resident_kib + GROWTH_KIB
    assert gap < GAP_S


def main() -> None:
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(10**6))
    minutes = float(os.environ.get("MINUTES") or 30)
    print(f"SEED={seed} MINUTES={minutes:g}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        aws = Aws(Path(folder) / "moto.log")
        aws.start()
        running = a_running_notebook("soak", get_image(), aws)
        try:
            notebook = next(running)
            try:
                soak(notebook, seed, minutes)
            except BaseException:
                print(notebook.machine.execute("journalctl -u fsmount -n 60 --no-pager; fsmount status")[1])
                print(notebook.machine.console_tail())
                raise
            finally:
                notebook.close()
        finally:
            running.close()  # type: ignore[attr-defined]
            aws.stop()


if __name__ == "__main__":
    main()

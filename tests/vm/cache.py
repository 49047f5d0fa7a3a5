"""Things that are slow to make and made once: a file or folder under the digest of what it is made of.

What is in the cache is complete: it is built under a temporary name, under a lock, and renamed when done.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def cache_folder() -> Path:
    path = Path(os.environ.get("FSMOUNT_CACHE") or Path.home() / ".cache" / "fsmount")
    path.mkdir(parents=True, exist_ok=True)
    return path


def digest(*parts: str | bytes) -> str:
    total = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        total.update(b"%d:" % len(data) + data)
    return total.hexdigest()[:16]


def say(text: str) -> None:
    print(f"vm: {text}", file=sys.stderr, flush=True)


@contextmanager
def step(text: str) -> Iterator[None]:
    """One progress line when it begins and one when it ends, with the time it took."""
    say(f"{text} ...")
    begun = time.monotonic()
    yield
    say(f"{text}: {time.monotonic() - begun:.1f} s")


def cached(name: str, build: Callable[[Path], None]) -> Path:
    """The finished folder `name` of the cache, made by `build(folder)` if it is not there."""
    final = cache_folder() / name
    if final.exists():
        return final
    with open(cache_folder() / f"{name}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if final.exists():
            return final
        work = final.with_name(f"{name}.building")
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        try:
            build(work)
        except BaseException:
            shutil.rmtree(work, ignore_errors=True)
            raise
        work.rename(final)
    return final


class ToolFailed(Exception):
    """A program of the host that the images are made with did not succeed."""

    def __init__(self, argv: list[str], observed: str) -> None:
        super().__init__(f"`{' '.join(argv)[:300]}` failed: {observed}")
        self.observed = observed


def tool(*argv: str, timeout: float = 600) -> str:
    """Run a program of the host to its end; its stdout."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL)
    except FileNotFoundError:
        raise ToolFailed(list(argv), "it is not installed; `make deps` installs what the tests need") from None
    except subprocess.TimeoutExpired:
        raise ToolFailed(list(argv), f"it did not end within {timeout:.0f} s") from None
    if done.returncode != 0:
        raise ToolFailed(list(argv), f"status {done.returncode}: {done.stderr.strip()[-1500:]}")
    return done.stdout

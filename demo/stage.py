"""The stage: a simulated notebook instance with three file servers, and fsmount delivered to it as on AWS."""

from __future__ import annotations

import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.vm.aws import Aws
from tests.vm.image import SUITES, get_image
from tests.vm.machine import booted_snapshot
from tests.vm.notebook import NotebookInstance, Settings
from tests.vm.product import BUCKET, build_bundle, hooks, upload

CONFIG = """\
version: 1
mounts:
  - name: datasets
    type: nfs
    source: fs1.test:/d0
    mountpoint: /home/ec2-user/SageMaker/datasets
    access: ro
  - name: scratch
    type: nfs
    source: fs2.test:/shared
    mountpoint: /home/ec2-user/SageMaker/scratch
  - name: team
    type: nfs
    source: fs3.test:/d2
    mountpoint: /home/ec2-user/SageMaker/team
"""
_COLOUR = sys.stdout.isatty()


def _paint(text: str, code: str) -> str:
    return f"\033[{code}m{text}\033[0m" if _COLOUR else text


def say(text: str) -> None:
    """What happens next and why, in a paragraph."""
    print("\n" + _paint(textwrap.fill(" ".join(text.split()), 78, break_on_hyphens=False), "1;36"), flush=True)


def show(text: str) -> None:
    """What the machine said, to the last column of a terminal."""
    print(textwrap.indent(text.rstrip(), "  "), flush=True)


@contextmanager
def taking(what: str) -> Iterator[None]:
    """A step that takes its time: what it is, a clock while it lasts, and how long it took."""
    print(f"  {what} ...", end="", flush=True)
    began, over = time.monotonic(), threading.Event()

    def clock() -> None:
        while not over.wait(1 if _COLOUR else 5):
            tick = f"\r  {what} ... {time.monotonic() - began:.0f} s" if _COLOUR else "."
            print(tick, end="", flush=True)

    ticking = threading.Thread(target=clock, daemon=True)
    ticking.start()
    try:
        yield
    finally:
        over.set()
        ticking.join()
    print(f"\r  {what} ... {time.monotonic() - began:.1f} s" if _COLOUR else f" {time.monotonic() - began:.1f} s", flush=True)


def run(notebook: NotebookInstance, command: str, user: str = "ec2-user") -> None:
    """Show a command as it is typed in the notebook's terminal, and what it prints."""
    prompt = "ec2-user@notebook:~$" if user == "ec2-user" else "root@notebook:~#"
    print("\n" + _paint(f"{prompt} {command}", "1"), flush=True)
    show(notebook.machine.execute(command, user=user if user != "root" else None, timeout=60)[1])


@contextmanager
def a_notebook() -> Iterator[NotebookInstance]:
    """Everything that there is before an instance's first start."""
    print("  the machine (the first time it is built, which takes about two minutes on two cores) ...", flush=True)
    image = get_image()
    booted_snapshot(image)
    with tempfile.TemporaryDirectory(prefix="fsmount-demo-") as folder:
        aws = Aws(Path(folder) / "aws.log")
        with taking("starting a stand-in for AWS (moto)"):
            aws.start()
        try:
            with taking("building the bundle"):
                bundle = build_bundle(SUITES[image.suite].python)
            url = upload(aws, bundle)
            origin = aws.put_object(BUCKET, "mounts.yaml", CONFIG.encode())
            rendered = hooks(url, bundle.digest, origin=origin, wait=60)
            notebook = NotebookInstance.create("demo", image, aws, settings=Settings(servers=3), **rendered)
            try:
                yield notebook
            finally:
                notebook.close()
        finally:
            aws.stop()

"""Fixtures of the VM tests. Nothing here skips: where the machine cannot run, its tests fail and say why."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .aws import Aws
from .image import Image, get_image
from .notebook import NotebookInstance, Settings

NotebookFactory = Callable[..., NotebookInstance]
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def image() -> Image:
    """The image of this run ($IMAGE), built if need be."""
    return get_image()


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    server = Aws(tmp_path_factory.mktemp("aws") / "moto.log")
    server.start()
    yield server
    server.stop()


class Instances:
    """The notebook instances of one scope; all of them end with it."""

    def __init__(self, image: Image, aws: Aws) -> None:
        self.image, self.aws = image, aws
        self.made: list[NotebookInstance] = []

    def __call__(
        self,
        name: str | None = None,
        *,
        on_create: str | None = None,
        on_start: str | None = None,
        start: bool = True,
        **settings: Any,
    ) -> NotebookInstance:
        """A notebook instance, started unless asked otherwise; `settings` are the fields of Settings."""
        name = name or f"nb-{next(_NUMBERS)}"  # no two of one run have the same: AWS refuses that
        lifecycle = {"on_create": on_create, "on_start": on_start}
        instance = NotebookInstance.create(name, self.image, self.aws, settings=Settings(**settings), **lifecycle)
        self.made.append(instance)
        if start:
            instance.start()
        return instance

    def close(self) -> None:
        for instance in self.made:
            instance.close()


@pytest.fixture
def notebook_factory(image: Image, aws: Aws) -> Iterator[NotebookFactory]:
    """Makes notebook instances for one test: `notebook(name, on_start=content(script), servers=8)`."""
    instances = Instances(image, aws)
    yield instances
    instances.close()


@pytest.fixture
def notebook(notebook_factory: NotebookFactory) -> NotebookFactory:
    """The same, for modules that share no notebook."""
    return notebook_factory


@pytest.fixture(scope="module")
def shared_notebook(image: Image, aws: Aws) -> Iterator[NotebookInstance]:
    """One running instance without hooks for a module's tests; its faults are undone after each of them."""
    instances = Instances(image, aws)
    yield instances(servers=8)
    instances.close()


@pytest.fixture(autouse=True)
def _faults_are_undone(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "shared_notebook" in request.fixturenames:
        instance: NotebookInstance = request.getfixturevalue("shared_notebook")
        instance.restore()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """A failed test shows the end of its machines' consoles."""
    outcome: Any = yield
    report = outcome.get_result()
    arguments = getattr(item, "funcargs", {})
    if not report.failed or not isinstance(arguments, dict):
        return
    found = [arguments[name] for name in ("shared_notebook", "notebook") if name in arguments]
    for made in found:
        for instance in made.made if isinstance(made, Instances) else [made]:
            report.sections.append((f"console of {instance.name}", instance.machine.console_tail()))
    sys.stderr.flush()

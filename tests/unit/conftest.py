"""Unit ring: no root, no network, milliseconds."""

from __future__ import annotations

import pytest

from .fakehost import Driver, FakeHost


@pytest.fixture
def host() -> FakeHost:
    return FakeHost()


@pytest.fixture
def driver(host: FakeHost) -> Driver:
    return Driver(host)

"""Several orders in one Job, a thread each."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from fsmount.jobs.abreast import abreast


@pytest.fixture
def no_threads() -> Iterator[None]:
    """No thread can be started: none has room for its stack."""
    usual = threading.stack_size(1 << 46)
    yield
    threading.stack_size(usual)


def test_each_order_is_answered_once() -> None:
    said: list[bytes] = []
    abreast(lambda number: b"%d" % number, 8, said.append)
    assert sorted(said) == [b"%d" % number for number in range(8)]


def test_without_threads_the_orders_take_turns(no_threads: None) -> None:
    with pytest.raises(RuntimeError):
        threading.Thread(target=print).start()
    test_each_order_is_answered_once()

"""Logs: what the journal is sent, and that nothing waits for it."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fsmount.daemon.service import Journal, PlainHandler


@pytest.fixture
def journald(tmp_path: Path) -> Iterator[socket.socket]:
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listening.bind(str(tmp_path / "socket"))
    listening.settimeout(5)
    yield listening
    listening.close()


@pytest.fixture
def log(tmp_path: Path) -> Iterator[logging.Logger]:
    log, handler = logging.Logger("test"), PlainHandler(Journal(str(tmp_path / "socket")))
    log.addHandler(handler)
    yield log
    handler.close()


def test_a_line_has_its_fields(journald: socket.socket, log: logging.Logger) -> None:
    log.warning("one: %s", "gone", extra={"MOUNT": "one", "PROBLEM": "stale"})
    lines = journald.recv(65536).split(b"\n")
    assert lines == [b"MESSAGE=one: gone", b"PRIORITY=4", b"SYSLOG_IDENTIFIER=fsmount", b"MOUNT=one", b"PROBLEM=stale", b""]


def test_a_handler_may_hand_over_the_whole_record(journald: socket.socket, tmp_path: Path) -> None:
    record = vars(logging.makeLogRecord({"msg": "gone", "message": "gone", "MOUNT": "one"}))
    journal = Journal(str(tmp_path / "socket"))
    journal.send("gone", PRIORITY="4", **record)
    journal.close()
    assert journald.recv(65536) == b"MESSAGE=gone\nPRIORITY=4\nMOUNT=one\n"


def test_text_of_several_lines_cannot_pass_for_a_field(journald: socket.socket, log: logging.Logger) -> None:
    log.info("a\nPRIORITY=0")
    assert journald.recv(65536).startswith(b"MESSAGE\n" + (12).to_bytes(8, "little") + b"a\nPRIORITY=0\nPRIORITY=6\n")


def test_a_journal_that_nobody_reads_holds_up_nobody(journald: socket.socket, log: logging.Logger) -> None:
    began = time.monotonic()
    for number in range(5000):
        log.info("line %d", number)
    assert time.monotonic() - began < 5


def test_no_journal_at_all_is_no_error(log: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    log.info("into the void")
    assert capsys.readouterr().err == "", "logging tells of its own failures there"

"""What systemd is told (sd_notify) and where logs go: the journal with fields where systemd-python can be imported,
stderr where it cannot."""

import logging
import os
import socket
import sys
from typing import ClassVar, Optional

# The agent's Python runs without site-packages (-S); systemd-python comes with the distribution, in one of these.
_DISTRIBUTION = (
    "/usr/lib/python3/dist-packages",
    f"/usr/lib64/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages",
    f"/usr/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages",
)


def _systemd_journal() -> Optional[logging.Handler]:
    places = [place for place in _DISTRIBUTION if os.path.isdir(f"{place}/systemd")]
    sys.path.extend(places)
    try:
        from systemd import journal

        handler: logging.Handler = journal.JournalHandler(SYSLOG_IDENTIFIER="fsmount")
        return handler
    except ImportError:
        return None
    finally:
        for place in places:
            sys.path.remove(place)


def start_logging() -> None:
    """Under systemd to the journal, with MOUNT= and PROBLEM= as fields; else to stderr."""
    handler = _systemd_journal() if "JOURNAL_STREAM" in os.environ else None
    if handler is None:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(
            _Priority("%(message)s") if "JOURNAL_STREAM" in os.environ else logging.Formatter("fsmount: %(message)s")
        )
    log = logging.getLogger("fsmount")
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False


class _Priority(logging.Formatter):
    """A line for the journal's stdout stream: `<4>text` is a warning (sd-daemon(3))."""

    _LEVELS: ClassVar[dict[int, int]] = {
        logging.DEBUG: 7,
        logging.INFO: 6,
        logging.WARNING: 4,
        logging.ERROR: 3,
        logging.CRITICAL: 2,
    }

    def format(self, record: logging.LogRecord) -> str:
        return f"<{self._LEVELS.get(record.levelno, 6)}>{super().format(record)}"


class Notifier:
    """sd_notify(3) by its datagram, since systemd-python may be missing; silent where no one listens."""

    def __init__(self) -> None:
        address = os.environ.pop("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        self._said = ""

    def tell(self, *lines: str) -> None:
        if not self._address:
            return
        try:
            self._socket.sendto("\n".join(lines).encode(), self._address)
        except OSError:
            pass  # systemd is not listening; there is nobody else to tell

    def status(self, sentence: str) -> None:
        if sentence != self._said:
            self._said = sentence
            self.tell(f"STATUS={sentence}")

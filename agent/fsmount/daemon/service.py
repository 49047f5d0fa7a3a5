"""What systemd is told (sd_notify) and where logs go: to the journal with fields, through systemd-python where it can be
imported, and to stderr where there is no journal."""

import logging
import os
import socket
import sys

JOURNAL = "/run/systemd/journal/socket"
_DATAGRAM_MOST = 64 * 1024
_PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}

# The agent's Python runs without site-packages (-S); systemd-python comes with the distribution, in one of these.
_DISTRIBUTION = (
    "/usr/lib/python3/dist-packages",
    f"/usr/lib64/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages",
    f"/usr/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages",
)


class Journal:
    """journald's own datagrams (systemd.io/JOURNAL_NATIVE_PROTOCOL), sent without ever waiting: with a journald that is
    stopped, systemd-python's own sender blocks as soon as the socket's queue is full, and a write to stderr as well. A
    line that finds no room is lost."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)

    def send(self, MESSAGE: str, **fields: object) -> None:
        """Called as systemd.journal.send is: systemd.journal.JournalHandler hands over the whole log record as well, in
        lower case (`message` among it), which journald would ignore."""
        lines = [_field("MESSAGE", MESSAGE), *(_field(name, value) for name, value in fields.items() if name.isupper())]
        try:
            self._socket.sendto(b"".join(lines)[:_DATAGRAM_MOST], self._path)
        except OSError:
            pass  # nobody listens, or nobody reads: there is nowhere else to say it

    def close(self) -> None:
        self._socket.close()


def _field(name: str, value: object) -> bytes:
    data = str(value).encode("utf-8", "backslashreplace")
    if b"\n" not in data:
        return name.encode() + b"=" + data + b"\n"
    return name.encode() + b"\n" + len(data).to_bytes(8, "little") + data + b"\n"


class PlainHandler(logging.Handler):
    """Where systemd-python cannot be imported: what its handler would send, less the place in the code."""

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self._journal = journal

    def emit(self, record: logging.LogRecord) -> None:
        extra = {name: value for name, value in vars(record).items() if name.isupper()}
        priority = _PRIORITIES.get(record.levelno, 6)
        self._journal.send(self.format(record), PRIORITY=priority, SYSLOG_IDENTIFIER="fsmount", **extra)

    def close(self) -> None:
        self._journal.close()
        super().close()


def _journal_handler(path: str = JOURNAL) -> logging.Handler:
    journal = Journal(path)
    places = [place for place in _DISTRIBUTION if os.path.isdir(f"{place}/systemd")]
    sys.path.extend(places)
    try:
        from systemd.journal import JournalHandler

        handler: logging.Handler = JournalHandler(sender_function=journal.send, SYSLOG_IDENTIFIER="fsmount")
        return handler
    except (ImportError, TypeError):  # not there, or older than the parameter
        return PlainHandler(journal)
    finally:
        for place in places:
            sys.path.remove(place)


def start_logging() -> None:
    """Under systemd to the journal, with MOUNT= and PROBLEM= as fields; else to stderr."""
    if "JOURNAL_STREAM" in os.environ:
        handler = _journal_handler()
    else:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("fsmount: %(message)s"))
    log = logging.getLogger("fsmount")
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False


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

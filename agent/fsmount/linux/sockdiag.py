"""TCP connections to a server, listed and destroyed through sock_diag(7), as `ss -K` does.

A connection to a server that was silent for a while sits in TCP's backoff, for up to two minutes after the server is
back. Destroyed, the kernel's RPC client connects again at once and sends again what had no answer; the session of NFSv4.1
makes that safe.
"""

import errno
import os
import socket
import struct
from collections.abc import Iterator
from typing import NamedTuple

_NETLINK_SOCK_DIAG = 4
_BY_FAMILY, _DESTROY, _ERROR, _DONE = 20, 21, 2, 3
_REQUEST, _ACK, _DUMP = 1, 4, 0x300
_ESTABLISHED, _SYN_SENT = 1, 2
_RETRANSMIT_TIMER = 1
_HEADER = struct.Struct("=IHHII")
_REQUEST_V2 = struct.Struct("=BBBBI48s")
_MESSAGE = struct.Struct("=BBBB48s")
DEAD = 2  # retransmits: one lost segment happens to everybody


class Connection(NamedTuple):
    identity: bytes  # struct inet_diag_sockid
    state: int
    retransmits: int  # of the segment that waits for an answer now


class Destroyed(NamedTuple):
    connections: int
    why: str  # none could be, where that is so


def destroy(address: str, port: int, *, retransmits: int) -> Destroyed:
    """Destroy this network namespace's connections to that port that have sent a segment so many times without an answer,
    and those that come about no better.

    Needs CAP_NET_ADMIN and a kernel with CONFIG_INET_DIAG_DESTROY; where it cannot be done, `why` says so.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    count = 0
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_SOCK_DIAG) as netlink:
            netlink.settimeout(2.0)
            for connection in _connections(netlink, family, address, port):
                if connection.retransmits >= retransmits:
                    count += _destroy(netlink, family, connection)
    except OSError as error:
        return Destroyed(count, _why(error) if not count else "")
    return Destroyed(count, "")


def _why(error: OSError) -> str:
    if error.errno == errno.EOPNOTSUPP:
        return "this kernel cannot destroy connections (CONFIG_INET_DIAG_DESTROY)"
    return f"connections cannot be destroyed: {error.strerror or error}"


def _connections(netlink: socket.socket, family: int, address: str, port: int) -> list[Connection]:
    states = 1 << _ESTABLISHED | 1 << _SYN_SENT
    netlink.send(_request(_BY_FAMILY, _DUMP, family, states, bytes(48)))
    host = socket.inet_pton(family, address.partition("%")[0])
    return [found for found in _dumped(netlink) if _goes_to(found.identity, host, port)]


def _goes_to(identity: bytes, host: bytes, port: int) -> bool:
    """The identity is source port, destination port, source address, destination address (16 bytes each), and more."""
    return identity[2:4] == port.to_bytes(2, "big") and identity[20 : 20 + len(host)] == host


def _dumped(netlink: socket.socket) -> Iterator[Connection]:
    for kind, body in _messages(netlink):
        if kind == _DONE:
            return
        if kind == _ERROR:
            _raise(body)
        elif kind == _BY_FAMILY:
            _, state, timer, retransmits, identity = _MESSAGE.unpack_from(body)
            yield Connection(identity, state, retransmits if timer == _RETRANSMIT_TIMER else 0)


def _destroy(netlink: socket.socket, family: int, connection: Connection) -> int:
    netlink.send(_request(_DESTROY, _ACK, family, 1 << connection.state, connection.identity))
    for kind, body in _messages(netlink):
        if kind == _ERROR:
            try:
                _raise(body)
            except FileNotFoundError:
                return 0  # it has ended by itself
            return 1
    return 0


def _messages(netlink: socket.socket) -> Iterator[tuple[int, bytes]]:
    while True:
        heard = netlink.recv(65536)
        while len(heard) >= _HEADER.size:
            length, kind, _, _, _ = _HEADER.unpack_from(heard)
            yield kind, heard[_HEADER.size : length]
            heard = heard[(length + 3) & ~3 :]


def _request(kind: int, flags: int, family: int, states: int, identity: bytes) -> bytes:
    body = _REQUEST_V2.pack(family, socket.IPPROTO_TCP, 0, 0, states, identity)
    return _HEADER.pack(_HEADER.size + len(body), kind, _REQUEST | flags, 1, 0) + body


def _raise(body: bytes) -> None:
    """A netlink error of 0 is the acknowledgement."""
    (number,) = struct.unpack_from("=i", body)
    if number:
        raise OSError(-number, os.strerror(-number))

"""The way to the server, in a child: the route, the port, and whether it speaks NFS."""

import os
import socket
import time

import psutil

from ..errors import Permanent, Temporary
from ..jobs import reach
from ..jobs.orders import Examine
from ..timeouts import REACHABLE_S
from . import rpc


def route(order: Examine) -> str:
    """The source address that the kernel would choose. Connecting a UDP socket looks the route up and sends nothing."""
    try:
        with socket.socket(_family(order.address), socket.SOCK_DGRAM) as connection:
            connection.connect((order.address, order.port))
            source: str = connection.getsockname()[0]
    except OSError as error:
        raise Temporary("server-unreachable", f"{order.address}: {error.strerror}") from None
    return f"from {source}{_interface(source)}"


def _interface(address: str) -> str:
    for name, facts in psutil.net_if_addrs().items():
        if any(fact.address.partition("%")[0] == address for fact in facts):
            return f" through {name}"
    return ""


def port(order: Examine) -> str:
    reach.demand(order.host, order.address, order.port)
    return f"TCP {order.port} accepts connections"


def export(order: Examine) -> str:
    """The NULL call. Every wait has the same end: a server that sends a byte now and then gains nothing."""
    end = time.monotonic() + REACHABLE_S
    try:
        with socket.socket(_family(order.address), socket.SOCK_STREAM) as connection:
            connection.settimeout(REACHABLE_S)
            connection.connect((order.address, order.port))
            xid = int.from_bytes(os.urandom(4), "big")
            connection.sendall(rpc.null_call(xid))
            return _judged(rpc.understood(_reply(connection, end), xid))
    except socket.timeout:
        raise Temporary("nfs-silent", f"connected, but no answer within {REACHABLE_S:.0f} s") from None
    except OSError as error:
        raise Temporary("server-lost", f"connected, then: {error.strerror}") from None
    except ValueError as error:
        raise Permanent("not-nfs", f"the answer is not RPC: {error}") from None


def _reply(connection: socket.socket, end: float) -> bytes:
    heard = b""
    while (whole := rpc.record(heard)) is None:
        left = end - time.monotonic()
        if left <= 0:
            raise socket.timeout
        connection.settimeout(left)
        more = connection.recv(rpc.RECORD_MOST)
        if not more:
            raise Temporary("server-lost", "the server closed the connection without an answer")
        heard += more
    return whole


def _judged(verdict: rpc.Verdict) -> str:
    if verdict.word is rpc.Word.ANSWERS:
        return verdict.detail
    if verdict.word is rpc.Word.MISMATCH:
        raise Permanent("version-unsupported", verdict.detail)
    if verdict.word is rpc.Word.DENIED:
        raise Permanent("access-denied", verdict.detail)
    if verdict.word is rpc.Word.BROKEN:
        raise Temporary("server-lost", verdict.detail)
    raise Permanent("not-nfs", verdict.detail)


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET

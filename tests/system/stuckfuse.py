"""A FUSE file system that reads every request and never answers one: `stuckfuse.py MOUNTPOINT SECONDS`.

Whoever touches it is in D state and survives SIGKILL, until this program ends (and the kernel aborts the connection).
It ends by itself after SECONDS. The worst file server that there is.
"""

from __future__ import annotations

import ctypes
import os
import signal
import struct
import sys

_INIT = 26


def main(place: str, seconds: int) -> None:
    signal.alarm(seconds)
    device = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other".encode()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"stuck.test:/", place.encode(), b"fuse.stuck", ctypes.c_ulong(6), options) != 0:
        sys.exit(f"mount: {os.strerror(ctypes.get_errno())}")
    while True:
        request = os.read(device, 1 << 20)
        _, opcode, unique = struct.unpack_from("IIQ", request)
        if opcode == _INIT:
            major, minor = struct.unpack_from("II", request, 40)
            body = struct.pack("IIIIHHII", major, min(minor, 31), 65536, 0, 16, 12, 65536, 1) + bytes(36)
            os.write(device, struct.pack("IiQ", 16 + len(body), 0, unique) + body)
            print("mounted", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

"""One connection of the guest, carried to a port of this host: QEMU starts this with it as stdin and stdout.

`python3 -I -S connector.py PORT`. Ends when either side ends, so it never outlives the machine.
"""

import os
import select
import socket
import sys


def carry(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as server:
        server.settimeout(None)
        guest_open = True
        while True:
            ready, _, _ = select.select([server] + ([0] if guest_open else []), [], [])
            if 0 in ready:
                data = os.read(0, 65536)
                if data:
                    server.sendall(data)
                else:
                    guest_open = False
                    server.shutdown(socket.SHUT_WR)
            if server in ready:
                data = server.recv(65536)
                if not data:
                    return
                view = memoryview(data)
                while view:
                    view = view[os.write(1, view) :]


if __name__ == "__main__":
    try:
        carry(int(sys.argv[1]))
    except OSError:
        sys.exit(1)

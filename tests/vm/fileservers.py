"""The file servers that the machine mounts from, and what can go wrong with each of them alone.

Eight real NFSv4.1 servers run inside the machine (guest/servers.sh), each in namespaces of its own; a fault is made on
the server's side of its link, so the client sees what it would see of a machine elsewhere.
"""

from __future__ import annotations

from .machine import Machine

COUNT = 8
DIRECTORIES = tuple(f"d{i}" for i in range(8))


class FileServer:
    """One server. Its faults add up, are idempotent, and `restore` undoes all of them."""

    def __init__(self, machine: Machine, number: int) -> None:
        self._machine, self.number = machine, number
        self.name = f"fs{number}.test"
        self.address = f"10.9.{number}.2"
        self.folder = f"/srv/servers/fs{number}"  # its root as the machine's root sees it, without NFS
        self.faulty = False

    def black_hole(self) -> None:
        """Packets vanish in both directions; nothing is refused and no link goes down."""
        self._fault("black_hole")

    def refuse(self) -> None:
        """Port 2049 answers with a reset, on connections that exist too."""
        self._fault("refuse")

    def stop(self) -> None:
        """The NFS service stops; the host answers on. For 10 s after `restore` the server lets nothing be opened."""
        self._fault("stop")

    def reboot(self) -> None:
        """The NFS service starts anew: connections and what clients had open are lost, files stay; 10 s as for `stop`."""
        self._fault("reboot")

    def forget(self) -> None:
        """It starts anew and knows none of its clients: nobody gets back what he had open."""
        self._fault("forget")

    def exclude(self) -> None:
        """Exported to another client alone: this one may not even look any more."""
        self._fault("exclude")

    def squash(self, directory: str) -> None:
        """Root on the notebook is nobody on the server, and a top-level directory is closed to nobody."""
        self._fault("squash", directory)

    def replace(self, directory: str) -> None:
        """Another top-level directory of that name and content stands there: the old one's handle is stale for ever.

        Only of one that was made in the machine: of those of the fresh disk the server takes any handle that names the
        same inode, since mke2fs gives all of them generation 0.
        """
        self._fault("replace", directory)

    def slow(self, milliseconds: int) -> None:
        """Every answer comes this much later."""
        self._fault("slow", str(milliseconds))

    def link_down(self) -> None:
        """The route is gone: new connections fail at once, and what is mounted hangs."""
        self._fault("link_down")

    def deny(self) -> None:
        """Nothing is exported any more."""
        self._fault("deny")

    def withdraw(self, directory: str) -> None:
        """A top-level directory is gone (moved away) until `restore`."""
        self._fault("withdraw", directory)

    def restore(self) -> None:
        self._machine.succeed(f"/usr/lib/fsmount-vm/servers.sh restore {self.number}")
        self.faulty = False

    def _fault(self, verb: str, *arguments: str) -> None:
        self.faulty = True
        self._machine.succeed(" ".join(("/usr/lib/fsmount-vm/servers.sh", verb, str(self.number), *arguments)))


def file_servers(machine: Machine, count: int) -> tuple[FileServer, ...]:
    if not 1 <= count <= COUNT:
        raise ValueError(f"the machine has {COUNT} file servers, not {count}")
    return tuple(FileServer(machine, number) for number in range(1, count + 1))


def restore_all(servers: tuple[FileServer, ...]) -> None:
    for server in servers:
        if server.faulty:
            server.restore()

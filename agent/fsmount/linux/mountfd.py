"""A mount in the hand: a descriptor of a mount's root, before and after it is attached."""

import os


def mount_id(descriptor: int) -> int:
    """The id under which mountinfo lists (or will list) the mount that the descriptor is on. Never touches the mount."""
    # As bytes, unbuffered: a text file would import its codec, in each Job anew.
    with open(f"/proc/self/fdinfo/{descriptor}", "rb", buffering=0) as facts:
        for line in facts.read().splitlines():
            if line.startswith(b"mnt_id:"):
                return int(line.split()[1])
    raise OSError(0, "the kernel gives no mount id")


def look(descriptor: int) -> None:
    """Read the start of the root directory, so that nobody sees a mount that does not answer. Raises OSError."""
    try:
        directory = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=descriptor)
    except PermissionError:
        return  # a squashed root may not read it; but the server did answer
    try:
        with os.scandir(directory) as entries:
            next(entries, None)
    finally:
        os.close(directory)

"""Files that are replaced whole or not at all. Only for directories that nobody but root can write to."""

import contextlib
import os


def replace(path: str, content: bytes, mode: int = 0o644) -> None:
    """Readers see the old content or the new, never a part. Raises OSError, the old content then stays."""
    temporary = f"{path}.{os.getpid()}.new"
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)
            file.write(content)
        os.rename(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise

"""Which Lustre options a configuration may add, and the defaults that they add to (AWS's own recommendation). Pure.

Only what is listed here is let through; what is left out is for servers, names files, or weakens what Lustre checks.
Source: mount.lustre(8), client options.
"""

from typing import Optional

from .findings import shown

DEFAULTS = ("relatime", "flock")
_LOCKS = ("flock", "localflock", "noflock")
_TIMES = ("noatime", "relatime", "strictatime")
_FLAGS = (
    *_LOCKS, *_TIMES, "nodiratime", "noexec", "nosuid", "nodev", "user_xattr", "nouser_xattr", "lazystatfs", "nolazystatfs",
    "lruresize", "nolruresize", "checksum", "statfs_project", "nostatfs_project",
)  # fmt: skip
_REFUSED = {
    "ro": "write `access: ro` instead",
    "rw": "write `access: rw` instead",
    "suid": "programs from a file server must not run as root",
    "dev": "device files from a file server must not work here",
    "nochecksum": "what the network damages would go unnoticed",
    "retry": "the agent itself tries again",
    "bg": "the agent itself tries again",
    "skpath": "it names files that root would read",
    "_netdev": "it is for fstab; leave it out",
    "nofail": "it is for fstab; leave it out",
    "noauto": "it is for fstab; leave it out",
    "defaults": "it is for fstab; leave it out",
}


def objection(option: str, read_only: bool) -> Optional[str]:
    """Why this option may not be given, or None."""
    key, equals, _ = option.partition("=")
    if key in _REFUSED:
        return f"the option {shown(key)} is refused: {_REFUSED[key]}"
    if key in _FLAGS:
        return f"the option {key} takes no value" if equals else None
    return f"the option {shown(option)} is not one that fsmount passes on to Lustre{_known(key)}"


def _known(key: str) -> str:
    import difflib

    close = difflib.get_close_matches(key, _FLAGS, n=1)
    return f"; did you mean '{close[0]}'?" if close else f"; it passes on {', '.join(sorted(_FLAGS))}"


def key_of(option: str) -> str:
    """What the option decides: two options with one key contradict each other or say the same twice."""
    if option in _LOCKS:
        return "flock"
    if option in _TIMES:
        return "atime"
    return option[2:] if option in ("nouser_xattr", "nolazystatfs", "nolruresize", "nostatfs_project") else option


def merged(options: tuple[str, ...], read_only: bool) -> tuple[str, ...]:
    """The words for mount.lustre's -o: the defaults with the user's over them, and what is always there."""
    chosen = {key_of(option): option for option in (*DEFAULTS, *options, "nosuid", "nodev")}
    return (*(["ro"] if read_only else []), *chosen.values())

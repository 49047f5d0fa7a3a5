"""Which NFS options a configuration may add, and the defaults that they add to (EFS's own recommendation).

Only what is listed here is let through: root hands these to the kernel, and some (soft on a writable mount, resvport,
suid) lose data, keep Lustre's port from Lustre, or give away root. Sources: nfs(5); AWS, "Recommended NFS mount settings".
"""

from typing import NamedTuple, Optional

from .findings import shown

DEFAULTS: tuple[tuple[str, Optional[str]], ...] = (
    ("vers", "4.1"),
    ("proto", "tcp"),
    ("rsize", "1048576"),
    ("wsize", "1048576"),
    ("hard", None),
    ("timeo", "600"),
    ("retrans", "2"),
    ("noresvport", None),
)
# Which of them another type has otherwise: FSx for OpenZFS serves 4.2, with copies and holes made on the server.
_OF_TYPE: dict[str, dict[str, str]] = {"openzfs": {"vers": "4.2"}}


class _Number(NamedTuple):
    least: int
    most: int


_NUMBERS: dict[str, _Number] = {
    "nconnect": _Number(1, 16),
    "rsize": _Number(4096, 1048576),
    "wsize": _Number(4096, 1048576),
    "timeo": _Number(10, 6000),
    "retrans": _Number(1, 30),
    "port": _Number(1, 65535),
    **{name: _Number(0, 86400) for name in ("actimeo", "acregmin", "acregmax", "acdirmin", "acdirmax")},
}
_WORDS = {
    "vers": ("4.1", "4.2"),
    "lookupcache": ("all", "none", "pos", "positive"),
    "local_lock": ("all", "flock", "posix", "none"),
    "sec": ("sys", "krb5", "krb5i", "krb5p"),
    "proto": ("tcp", "tcp6"),
}
_FLAGS = ("hard", "noresvport", "ac", "noac", "cto", "nocto", "sharecache", "nosharecache", "softreval", "fsc", "nofsc")
ATTRIBUTES = ("noatime", "nodiratime", "relatime", "strictatime", "noexec", "nosuid", "nodev")
_READ_ONLY_ALONE = ("soft", "softerr")
_SAME_AS = {"nfsvers": "vers"}
_REFUSED = {
    "ro": "write `access: ro` instead",
    "rw": "write `access: rw` instead",
    "bg": "the agent itself tries again",
    "fg": "the agent itself tries again",
    "retry": "the agent itself tries again",
    "resvport": "it can take port 988, which Lustre needs, and keeps mounts from coming back",
    "suid": "programs from a file server must not run as root",
    "dev": "device files from a file server must not work here",
    "addr": "the agent resolves the name itself",
    "tls": "write `type: efs` and `tls: true` instead",
    "iam": "write `type: efs`, `tls: true` and `iam: true` instead",
    "accesspoint": "write `type: efs`, `tls: true` and `access_point:` instead",
    "_netdev": "it is for fstab; leave it out",
    "nofail": "it is for fstab; leave it out",
    "defaults": "it is for fstab; leave it out",
}


def objection(option: str, read_only: bool) -> Optional[str]:
    """Why this option may not be given, or None."""
    key, value = name_of(option), option.partition("=")[2]
    if key in _REFUSED:
        return f"the option {shown(key)} is refused: {_REFUSED[key]}"
    if key in _READ_ONLY_ALONE:
        return (
            None
            if read_only and "=" not in option
            else f"the option {key} loses data on a writable mount: only with `access: ro`"
        )
    if key in _NUMBERS:
        least, most = _NUMBERS[key]
        fits = value.isascii() and value.isdecimal() and len(value) < 9 and least <= int(value) <= most
        return None if fits else f"{key}= must be a number from {least} to {most}; found {shown(value)}"
    if key in _WORDS:
        return None if value in _WORDS[key] else f"{key}= must be one of {', '.join(_WORDS[key])}; found {shown(value)}"
    if key in _FLAGS or key in ATTRIBUTES:
        return None if "=" not in option else f"the option {key} takes no value"
    return f"the option {shown(option)} is not one that fsmount passes on{_known(key)}"


def _known(key: str) -> str:
    import difflib

    known = [*_NUMBERS, *_WORDS, *_FLAGS, *ATTRIBUTES]
    close = difflib.get_close_matches(key, known, n=1)
    return f"; did you mean '{close[0]}'?" if close else f"; it passes on {', '.join(sorted(known))}"


def name_of(option: str) -> str:
    name = option.partition("=")[0]
    return _SAME_AS.get(name, name)


def key_of(option: str) -> str:
    """What the option decides: two options with one key contradict each other or say the same twice."""
    key = name_of(option)
    if key in ("hard", "soft", "softerr"):
        return "hard"
    return key[2:] if key in ("noac", "nocto", "nosharecache", "nofsc") else key


def merged(options: tuple[str, ...], type: str = "nfs") -> list[tuple[str, Optional[str]]]:
    """The type's defaults with the user's options over them, as the kernel takes them; mount attributes are left out."""
    own = _OF_TYPE.get(type, {})
    chosen: dict[str, tuple[str, Optional[str]]] = {key_of(name): (name, own.get(name, value)) for name, value in DEFAULTS}
    for option in options:
        name, (_, equals, value) = name_of(option), option.partition("=")
        if name not in ATTRIBUTES:
            chosen[key_of(name)] = (name, value if equals else None)
    return list(chosen.values())


def attributes(options: tuple[str, ...]) -> list[str]:
    return [option for option in options if option in ATTRIBUTES]

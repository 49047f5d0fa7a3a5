"""Malformed configurations: each by its name, with a word that its findings must hold; and generated ones."""

from __future__ import annotations

import random

GOOD = """\
version: 1
mounts:
  - name: datasets
    type: nfs
    source: fs1.test
    path: /d0
    mountpoint: /home/ec2-user/SageMaker/datasets
    access: ro
  - name: scratch
    type: nfs
    source: 10.9.2.2:/d1
    mountpoint: /mnt/scratch
    options: [nconnect=4, noatime]
"""
_ONE = "version: 1\nmounts:\n  - {name: a, type: nfs, source: fs1.test, mountpoint: /mnt/a%s}\n"


def _with(old: str, new: str) -> bytes:
    assert old in GOOD, old
    return GOOD.replace(old, new, 1).encode()


def _mount(**changes: str) -> bytes:
    fields = {"name": "a", "type": "nfs", "source": "fs1.test", "mountpoint": "/mnt/a", **changes}
    body = "".join(f"    {key}: {value}\n" for key, value in fields.items() if value != "LEAVE OUT")
    return f"version: 1\nmounts:\n  -\n{body}".encode()


CORPUS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "empty"),
    "only a comment": (b"# nothing\n", "empty"),
    "null": (b"~\n", "empty"),
    "a word": (b"hello\n", "mapping"),
    "a list": (b"- a\n- b\n", "mapping"),
    "a number": (b"42\n", "mapping"),
    "two documents": (GOOD.encode() + b"---\n" + GOOD.encode(), "second document"),
    "no version": (_with("version: 1\n", ""), "version"),
    "version 2": (_with("version: 1", "version: 2"), "must be 1"),
    "version as text": (_with("version: 1", 'version: "1"'), "must be 1"),
    "version true": (_with("version: 1", "version: true"), "must be 1"),
    "no mounts": (b"version: 1\n", "mounts"),
    "mounts is a mapping": (b"version: 1\nmounts: {}\n", "list"),
    "mounts is null": (b"version: 1\nmounts:\n", "list"),
    "a mount is a word": (b"version: 1\nmounts: [efs]\n", "mapping"),
    "unknown top key": (b"verison: 1\nmounts: []\n", "did you mean 'version'"),
    "unknown mount key": (_with("source: fs1.test", "sorce: fs1.test"), "did you mean 'source'"),
    "key in capitals": (_with("    path: /d0", "    Path: /d0"), "did you mean 'path'"),
    "duplicate key": (_with("    path: /d0", "    path: /d0\n    path: /d1"), "twice"),
    "duplicate top key": (GOOD.encode() + b"version: 1\n", "twice"),
    "a key that is a list": (b"version: 1\n[a]: b\nmounts: []\n", "key"),
    "a key that is a number": (b"version: 1\n1: b\nmounts: []\n", "key"),
    "no name": (_mount(name="LEAVE OUT"), "name"),
    "no type": (_mount(type="LEAVE OUT"), "type"),
    "no source": (_mount(source="LEAVE OUT"), "source"),
    "no mount point": (_mount(mountpoint="LEAVE OUT"), "mountpoint"),
    "name with a blank": (_mount(name="my data"), "letters, digits"),
    "name with a slash": (_mount(name="../a"), "letters, digits"),
    "name too long": (_mount(name="a" * 64), "letters, digits"),
    "name empty": (_mount(name='""'), "letters, digits"),
    "name a number": (_mount(name="7"), "letters, digits"),
    "name twice": (_with("name: scratch", "name: datasets"), "taken"),
    "type unknown": (_mount(type="nfz"), "did you mean 'nfs'"),
    "type a list": (_mount(type="[nfs]"), "must be nfs"),
    "source empty": (_mount(source='""'), "file server"),
    "source with a blank": (_mount(source='"fs 1"'), "neither a host name"),
    "source with a newline": (_mount(source='"fs1\\n/x"'), "neither a host name"),
    "source an option": (_mount(source='"-o suid"'), "neither a host name"),
    "source a bad address": (_mount(source="10.9.300.1"), "not an IPv4 address"),
    "source too short an address": (_mount(source="10.9.1"), "not an IPv4 address"),
    "source with a user": (_mount(source="root@fs1"), "neither a host name"),
    "source with a path that lacks its slash": (
        _mount(source='"fs-0123456789abcdef0.efs.us-east-1.amazonaws.com:data"'),
        "begins with /",
    ),
    "source with a NUL in its scope": (_mount(source='"fe80::1%\\0x"'), "not a network interface"),
    "name with a newline": (_mount(name='"abc\\n"'), "control characters"),
    "source an EFS id": (_mount(source="fs-0123456789abcdef0"), "an id and not a host"),
    "source a URL": (_mount(source="nfs://fs1/x"), "neither a host name"),
    "source with two dots": (_mount(source="fs1..test"), "neither a host name"),
    "source with dots in the path": (_mount(source="fs1.test:/a/../b"), "/../"),
    "source with a control character": (_mount(source='"fs1.test:/a\\x07"'), "control"),
    "path twice": (_mount(source="fs1.test:/a", path="/b"), "keep one"),
    "path relative": (_mount(path="data"), "beginning with /"),
    "path with dots": (_mount(path="/a/.."), "/../"),
    "path a number": (_mount(path="7"), "beginning with /"),
    "mount point relative": (_mount(mountpoint="mnt/a"), "absolute path"),
    "mount point home": (_mount(mountpoint="~/a"), "absolute path"),
    "mount point empty": (_mount(mountpoint='""'), "absolute path"),
    "mount point root": (_mount(mountpoint="/"), "cannot be a mount point"),
    "mount point /etc": (_mount(mountpoint="/etc"), "the system needs"),
    "mount point below /etc": (_mount(mountpoint="/etc/x/y"), "the system needs"),
    "mount point /usr/local": (_mount(mountpoint="/usr/local"), "the system needs"),
    "mount point /home": (_mount(mountpoint="/home"), "cannot be a mount point"),
    "mount point the volume": (_mount(mountpoint="/home/ec2-user/SageMaker"), "cannot be a mount point"),
    "mount point our own folder": (_mount(mountpoint="/home/ec2-user/SageMaker/.fsmount/x"), "the system needs"),
    "mount point with dots": (_mount(mountpoint="/mnt/../etc"), "without"),
    "mount point with two slashes": (_mount(mountpoint="/mnt//a"), "without"),
    "mount point with a slash at the end": (_mount(mountpoint="/mnt/a/"), "without"),
    "mount point with a newline": (_mount(mountpoint='"/mnt/a\\nb"'), "control"),
    "mount point with a long component": (_mount(mountpoint="/mnt/" + "a" * 256), "255"),
    "mount point too long": (_mount(mountpoint="/mnt" + "/abcdefg" * 200), "absolute path"),
    "mount point twice": (_with("/mnt/scratch", "/home/ec2-user/SageMaker/datasets"), "already"),
    "mount point inside another": (_with("/mnt/scratch", "/home/ec2-user/SageMaker/datasets/x"), "nested"),
    "mount point around another": (
        _with("/mnt/scratch", "/home/ec2-user/SageMaker/datasets").replace(b"SageMaker/datasets", b"SageMaker/datasets/x", 1),
        "nested",
    ),
    "access unknown": (_mount(access="rx"), "ro (read only) or rw"),
    "access a bool": (_mount(access="true"), "ro (read only) or rw"),
    "options a word": (_mount(options="nconnect=4"), "list of mount options"),
    "options a mapping": (_mount(options="{nconnect: 4}"), "list of mount options"),
    "options with a number": (_mount(options="[4]"), "mount option"),
    "options with nothing": (_mount(options='[""]'), "mount option"),
    "option unknown": (_mount(options="[nconect=4]"), "did you mean 'nconnect'"),
    "option with a comma": (_mount(options='["noatime,suid"]'), "not one that fsmount passes on"),
    "option soft on rw": (_mount(options="[soft]"), "loses data"),
    "option suid": (_mount(options="[suid]"), "must not run as root"),
    "option dev": (_mount(options="[dev]"), "device files"),
    "option resvport": (_mount(options="[resvport]"), "988"),
    "option ro": (_mount(options="[ro]"), "access: ro"),
    "option bg": (_mount(options="[bg]"), "tries again"),
    "option addr": (_mount(options="[addr=1.2.3.4]"), "resolves"),
    "option vers=3": (_mount(options="[vers=3]"), "4.1, 4.2"),
    "option nconnect=0": (_mount(options="[nconnect=0]"), "1 to 16"),
    "option nconnect=many": (_mount(options="[nconnect=99999999999999999999]"), "1 to 16"),
    "option nconnect without a value": (_mount(options="[nconnect]"), "1 to 16"),
    "option nconnect in another script": (_mount(options="[nconnect=४]"), "1 to 16"),
    "option noatime with a value": (_mount(options="[noatime=1]"), "no value"),
    "options that contradict": (_mount(options="[ac, noac]"), "contradict"),
    "options twice": (_mount(options="[rsize=4096, rsize=8192]"), "contradict"),
    "options too many": (_mount(options="[" + ", ".join(["noatime"] * 33) + "]"), "at most 32"),
    "an anchor": (b"version: 1\nmounts: &a []\n", "anchors"),
    "an alias": (b"a: &x 1\nversion: *x\n", "anchors"),
    "an alias bomb": (
        b"a: &a [x,x,x,x,x,x,x,x,x]\n"
        + b"".join(b"%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n" % ((c, c) + (c - 1,) * 7) for c in range(98, 122)),
        "anchors",
    ),
    "a merge key": (b"version: 1\nmounts: []\n<<: {a: b}\n", "unknown key"),
    "a tag": (b"version: !!int 1\nmounts: []\n", "tags"),
    "a Python tag": (b"version: 1\nmounts: !!python/object/apply:os.system [id]\n", "tags"),
    "deep lists": (b"version: 1\nmounts: " + b"[" * 50 + b"]" * 50 + b"\n", "nested"),
    "very deep lists": (b"[" * 100000, ""),
    "very deep mappings": (b"{a: " * 20000, ""),
    "an open bracket": (b"version: 1\nmounts: [\n", "not valid YAML"),
    "an open quote": (b'version: "1\nmounts: []\n', "not valid YAML"),
    "a tab": (b"version: 1\n\tmounts: []\n", "not valid YAML"),
    "bad indentation": (b"version: 1\n mounts:\n- a\n", "not valid YAML"),
    "colons only": (b":::\n", ""),
    "JSON garbage": (b'{"version": 1, "mounts": [{]}\n', "not valid YAML"),
    "a NUL byte": (b"version: 1\nmounts: []\n\0", "not allow"),
    "a control character": (b"version: 1\nmounts: []\n# \x07\n", "not allow"),
    "not UTF-8": (b"version: 1\nmounts: [] # \xff\xfe\n", "not UTF-8"),
    "UTF-16": (GOOD.encode("utf-16"), "not UTF-8"),
    "binary": (bytes(range(256)) * 10, "not UTF-8"),
    "gzip": (b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + b"x" * 100, "not UTF-8"),
    "a shell script": (b"#!/bin/bash\nset -e\nmount -a\n", ""),
    "HTML": (b"<html><body>403 Forbidden</body></html>\n", ""),
    "an XML error of S3": (b'<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code></Error>\n', ""),
    "more than 1 MiB": (b"# " + b"x" * (1024 * 1024) + b"\n", "larger than"),
    "too many mounts": (b"version: 1\nmounts:\n" + b"- {}\n" * 2001, "at most 2000"),
    "a directive": (b"%YAML 9.9\n---\nversion: 1\nmounts: []\n", ""),
}


def generated(count: int, seed: int) -> dict[str, bytes]:
    """Good files with a few bytes damaged; some may still be good, and the caller tells them apart."""
    dice = random.Random(seed)
    letters = b":-[]{}#&*!|>'\"%@`,?\n\t \0\xff\x80aZ019/._~"
    found = {}
    for number in range(count):
        content = bytearray(GOOD.encode())
        for _ in range(dice.randint(1, 4)):
            at = dice.randrange(len(content))
            what = dice.randrange(4)
            if what == 0:
                content[at] = dice.choice(letters)
            elif what == 1:
                content[at:at] = bytes(dice.choice(letters) for _ in range(dice.randint(1, 4)))
            elif what == 2:
                del content[at : at + dice.randint(1, 12)]
            else:
                content = content[:at]
                content = content or bytearray(b"x")
        found[f"generated {seed}/{number}"] = bytes(content)
    return found

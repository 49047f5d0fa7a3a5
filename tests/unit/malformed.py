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


def _efs(**changes: str) -> bytes:
    return _mount(**{"type": "efs", "source": "fs-0123456789abcdef0", **changes})


def _lustre(**changes: str) -> bytes:
    return _mount(**{"type": "lustre", "source": '"fs1.test@tcp:/fsx"', **changes})


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
    "option tls on nfs": (_mount(options="[tls]"), "type: efs"),
    "type fsx": (_mount(type="fsx"), "lustre, openzfs or ontap"),
    "type in capitals": (_mount(type="EFS"), "did you mean 'efs'"),
    "source a storage virtual machine for nfs": (_mount(source="svm-0123456789abcdef0"), "type: ontap"),
    "source an id for nfs, which is EFS's": (_mount(source="fs-0123456789abcdef0:/a"), "type: efs"),
    "efs with a host": (_efs(source="fs1.test"), "type: nfs"),
    "efs with an address": (_efs(source="10.9.2.2"), "type: nfs"),
    "efs with nine digits": (_efs(source="fs-012345678"), "8 or 17 hex digits"),
    "efs with an id in capitals": (_efs(source="FS-0123456789ABCDEF0"), "lower case"),
    "efs with an access point for a source": (_efs(source="fsap-0123456789abcdef0"), "not the id of an EFS"),
    "efs with an ARN": (_efs(source='"arn:aws:elasticfilesystem:us-east-1:123456789012:file-system/fs-01234567"'), "not the id"),
    "efs with the suffix of another partition": (
        _efs(source="fs-0123456789abcdef0.efs.cn-north-1.amazonaws.com"),
        "cn-north-1.amazonaws.com.cn",
    ),
    "efs with a newline after its id": (_efs(source='"fs-0123456789abcdef0\\n"'), "not the id"),
    "efs with a directory that lacks its slash": (_efs(source='"fs-0123456789abcdef0:data"'), "not the id"),
    "openzfs with a host": (_mount(type="openzfs", source="fs1.test"), "FSx for OpenZFS"),
    "openzfs with a storage virtual machine": (_mount(type="openzfs", source="svm-0123456789abcdef0"), "FSx for OpenZFS"),
    "ontap with a volume": (_mount(type="ontap", source="fsvol-0123456789abcdef0"), "svm- and 17"),
    "ontap with a short id": (_mount(type="ontap", source="svm-01234567"), "svm- and 17"),
    "s3files with a bucket": (_mount(type="s3files", source="s3://bucket"), "not the id of an S3 file system"),
    "lustre with a host alone": (_lustre(source="fs1.test"), "host@tcp:/name"),
    "lustre without tcp": (_lustre(source='"fs1.test:/fsx"'), "host@tcp:/name"),
    "lustre over another network": (_lustre(source='"fs1.test@o2ib:/fsx"'), "over TCP"),
    "lustre with two servers": (_lustre(source='"fs1@tcp:fs2@tcp:/fsx"'), "over TCP"),
    "lustre without a mount name": (_lustre(source='"fs1.test@tcp"'), "mount name"),
    "lustre with a slash for a mount name": (_lustre(source='"fs1.test@tcp:/"'), "mount name"),
    "lustre with a long mount name": (_lustre(source='"fs1.test@tcp:/fs2345678"'), "1 to 8 letters"),
    "lustre with a mount name of dots": (_lustre(source='"fs1.test@tcp:/../etc"'), "1 to 8 letters"),
    "lustre with an id as a host": (_lustre(source='"fs-0123456789abcdef0@tcp:/fsx"'), "write it alone"),
    "lustre over IPv6": (_lustre(source='"fd00::1@tcp:/fsx"'), "IPv4"),
    "lustre with an option for a host": (_lustre(source='"-o@tcp:/fsx"'), "neither a host name"),
    "lustre with its directory twice": (_lustre(source='"fs1@tcp:/fsx/a"', path="/b"), "keep one"),
    "lustre with an option of NFS": (_lustre(options="[nconnect=4]"), "passes on to Lustre"),
    "lustre with a misspelt option": (_lustre(options="[flok]"), "did you mean 'flock'"),
    "lustre with two ways to lock": (_lustre(options="[flock, localflock]"), "contradict"),
    "lustre with rw": (_lustre(options="[rw]"), "access: rw"),
    "lustre with a key": (_lustre(options="[skpath=/etc/shadow]"), "names files"),
    "lustre with a value too many": (_lustre(options="[flock=1]"), "takes no value"),
    "tls on nfs": (_mount(tls="true"), "type: efs"),
    "tls on lustre": (_lustre(tls="true"), "is for type efs"),
    "tls on s3files": (_mount(type="s3files", source="fs-0123456789abcdef0", tls="false"), "always mounted with TLS"),
    "tls yes": (_efs(tls="yes"), "true or false"),
    "tls in quotes": (_efs(tls='"true"'), "leave them out"),
    "iam without tls": (_efs(iam="true"), "AWS cannot do IAM or access points with plain NFS"),
    "an access point without tls": (_efs(access_point="fsap-0123456789abcdef0"), "AWS cannot do IAM or access points"),
    "an access point with tls false": (_efs(access_point="fsap-0123456789abcdef0", tls="false"), "AWS cannot do IAM"),
    "an access point of openzfs": (
        _mount(type="openzfs", source="fs-0123456789abcdef0", access_point="fsap-0123456789abcdef0"),
        "is for type efs or s3files",
    ),
    "an access point that is a file system": (_efs(tls="true", access_point="fs-0123456789abcdef0"), "fsap- and 17 hex digits"),
    "an access point with an option behind it": (_efs(tls="true", access_point='"fsap-0123456789abcdef0,tls"'), "17 hex digits"),
    "an access point with a newline": (_efs(tls="true", access_point='"fsap-0123456789abcdef0\\n"'), "control characters"),
    **{
        f"the helper's option {option}": (_efs(tls="true", options=f'["{option}"]'), word)
        for option, word in (
            ("awsprofile=x", "the notebook's own role"),
            ("awscredsuri=/x", "the notebook's own role"),
            ("rolearn=x", "the notebook's own role"),
            ("jwtpath=/x", "the notebook's own role"),
            ("cafile=/x", "Amazon's own"),
            ("verify=0", "Amazon's own"),
            ("netns=/x", "own network"),
            ("mounttargetip=10.0.0.1", "the agent finds"),
            ("az=us-east-1a", "the agent finds"),
            ("crossaccount", "the agent finds"),
            ("region=us-east-1", "the agent tells"),
            ("accesspoint=fsap-1", "access_point:"),
            ("tls", "tls: true"),
            ("iam", "iam: true"),
            ("port=2049", "tlsport="),
            ("nconnect=4", "the tunnel"),
            ("softerr", "understands"),
            ("tlsport=80", "1024 to 65535"),
            ("tlsport=20049,suid", "1024 to 65535"),
            ("nodirects3read", "is for type s3files"),
            ("stunnel=/bin/sh", "takes no value"),
            ("soft", "loses data"),
            ("nocto,suid", "not one that fsmount passes on"),
        )
    },
    "create_path on the root": (_mount(create_path="{owner: 1000, group: 1000}"), "always there"),
    "create_path on a root with dots": (_mount(path="/./", create_path="{owner: 1000, group: 1000}"), "always there"),
    "create_path read-only": (_mount(path="/a", access="ro", create_path="{owner: 1000, group: 1000}"), "access: rw"),
    "create_path with tls": (_efs(path="/a", tls="true", create_path="{owner: 1, group: 1}"), "an access point makes its own"),
    "create_path on lustre": (_lustre(path="/a", create_path="{owner: 1000, group: 1000}"), "is for type nfs, efs, openzfs or"),
    "create_path true": (_mount(path="/a", create_path="true"), "must be a mapping"),
    "create_path of nothing": (_mount(path="/a", create_path="{}"), "'owner' is missing"),
    "create_path with another key": (_mount(path="/a", create_path="{owner: 1, group: 1, mod: x}"), "did you mean 'mode'"),
    "create_path by name": (_mount(path="/a", create_path="{owner: ec2-user, group: 1}"), "ec2-user is 1000"),
    "create_path for nobody at all": (_mount(path="/a", create_path="{owner: 4294967295, group: 1}"), "0 to 4294967294"),
    "create_path for a negative": (_mount(path="/a", create_path="{owner: 1, group: -1}"), "0 to 4294967294"),
    "create_path with a number for a mode": (_mount(path="/a", create_path="{owner: 1, group: 1, mode: 750}"), "in quotes"),
    "create_path with a mode of nines": (_mount(path="/a", create_path='{owner: 1, group: 1, mode: "0999"}'), "octal digits"),
    "create_path with letters": (_mount(path="/a", create_path='{owner: 1, group: 1, mode: "u=rwx"}'), "octal digits"),
    "create_path with setuid": (_mount(path="/a", create_path='{owner: 1, group: 1, mode: "4755"}'), "setuid"),
    "install_client on efs": (_efs(install_client="true"), "is for type lustre"),
    "when a word": (_mount(when="team-a"), "must be a mapping"),
    "when of nothing": (_mount(when="{}"), "'instance' is missing"),
    "when by another thing": (_mount(when="{instanc: a}"), "did you mean 'instance'"),
    "when a number": (_mount(when="{instance: 7}"), "shell pattern"),
    "when no pattern": (_mount(when="{instance: []}"), "1 to 100"),
    "when a list with a number": (_mount(when="{instance: [a, 7]}"), "shell pattern"),
    "when a name that no instance can have": (_mount(when="{instance: team_a}"), "shell pattern"),
    "when two in one": (_mount(when='{instance: "a-*, b-*"}'), "shell pattern"),
    "a name in braces that is none": (_mount(path='"/{user}"'), "known are {instance}"),
    "a misspelt name in braces": (_mount(mountpoint='"/mnt/{instace}"'), "did you mean {instance}"),
    "a name in capitals": (_mount(source='"fs1.{REGION}.test"'), "did you mean {region}"),
    "a name with a dollar": (_mount(path='"/${instance"'), "stands alone"),
    "a name in two braces": (_mount(path='"/{{instance}}"'), "stands alone"),
    "a brace alone": (_mount(mountpoint='"/mnt/a}"'), "stands alone"),
    "empty braces": (_mount(path='"/{}"'), "no name that is replaced"),
    "an attribute in braces": (_mount(path='"/{instance.__class__}"'), "no name that is replaced"),
    "a directory that becomes too long": (_mount(path='"/' + "{instance}" * 100 + "a" * 20 + '"'), "longer than 4096"),
    "mount points that become one": (
        _with("/home/ec2-user/SageMaker/datasets", "/mnt/us-east-1").replace(b"/mnt/scratch", b'"/mnt/{region}"'),
        "already",
    ),
    "mount points that become nested": (
        _with("/home/ec2-user/SageMaker/datasets", "/mnt/us-east-1/x").replace(b"/mnt/scratch", b'"/mnt/{region}"'),
        "nested",
    ),
    "a mount point that becomes what the system needs": (_mount(mountpoint='"/{region}/../etc"'), "without"),
    "what is for other instances, and wrong": (_mount(when="{instance: other}", options="[suid]"), "must not run as root"),
    "one place, with and without when": (
        _with("/mnt/scratch", "/home/ec2-user/SageMaker/datasets").replace(b"access: ro", b"when: {instance: other}"),
        "already",
    ),
    "tags a word": (b"version: 1\nmounts: []\ntags: yes\n", "on or off"),
    "tags a number": (b"version: 1\nmounts: []\ntags: 1\n", "on or off"),
    "metrics misspelt": (b"version: 1\nmounts: []\nmetrics: jurnal\n", "did you mean 'journal'"),
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

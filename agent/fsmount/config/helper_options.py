"""Which options a configuration may hand to amazon-efs-utils' mount.efs and mount.s3files. Pure.

The helpers run as root, read configuration, credentials and certificates, and start a tunnel: no option may name a file,
a profile, a role, a namespace or another server. What is left are NFS's own options and a few switches of the tunnel.
"""

from typing import Optional

from . import nfs_options
from .findings import shown

_FLAGS = {
    "ocsp": ("efs", "s3files"),
    "noocsp": ("efs", "s3files"),
    "stunnel": ("efs",),
    "nodirects3read": ("s3files",),
    "nos3readcache": ("s3files",),
}
_TUNNEL_PORT = (1024, 65535)
_FINDS = "the agent finds the mount target itself"
_ROLE = "the helper asks AWS with the notebook's own role"
_TRUST = "the server's certificate is checked with Amazon's own"
_REFUSED = {
    "tls": "write `tls: true` instead (S3 Files always has it)",
    "notls": "write `tls: false` instead (S3 Files always has it)",
    "iam": "write `iam: true` instead (S3 Files always has it)",
    "accesspoint": "write `access_point:` instead",
    "region": "the agent tells it to the helper",
    **dict.fromkeys(("mounttargetip", "az", "azid", "crossaccount"), _FINDS),
    **dict.fromkeys(("awsprofile", "awscredsuri", "rolearn", "jwtpath"), _ROLE),
    **dict.fromkeys(("cafile", "capath", "verify"), _TRUST),
    "netns": "mounts are made in the machine's own network",
    "port": "behind the tunnel it is the tunnel's (`tlsport=`)",
    "proto": "behind the tunnel there is only TCP to this machine itself",
    "nconnect": "the tunnel spreads the load itself, and EFS does not support it",
    "sec": "there is no Kerberos behind the tunnel",
    "softerr": "the helper would add `hard` to it; `soft` it understands",
}


def objection(option: str, read_only: bool, type: str) -> Optional[str]:
    """Why this option may not be given, or None."""
    key, equals, value = option.partition("=")
    if key in _REFUSED:
        return f"the option {shown(key)} is refused for a mount through mount.{type}: {_REFUSED[key]}"
    if key in _FLAGS:
        if type not in _FLAGS[key]:
            return f"the option {key} is for type {_FLAGS[key][0]}"
        return f"the option {key} takes no value" if equals else None
    if key == "tlsport":
        least, most = _TUNNEL_PORT
        fits = value.isascii() and value.isdecimal() and len(value) < 6 and least <= int(value) <= most
        return None if fits else f"tlsport= must be a number from {least} to {most}; found {shown(value)}"
    return nfs_options.objection(option, read_only)


def key_of(option: str) -> str:
    """What the option decides: two options with one key contradict each other or say the same twice."""
    return "ocsp" if option == "noocsp" else nfs_options.key_of(option)

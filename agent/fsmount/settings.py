"""What the lifecycle script pins: where the configuration comes from, whose signature it must bear, what it may ask for.

Written to /etc by on-start, from the script itself, so nobody without root (or the right to change the script) decides
any of it. A file that is damaged stops the agent rather than being taken for one that allows everything.
"""

from typing import Optional

import msgspec

from . import places
from .errors import Permanent

FILE_ORIGIN = "file:"


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What any configuration may ask for. None allows everything.

    `file_systems`: shell patterns for ids and hosts; `mountpoints`: directories in which mount points may lie;
    `options`: names of mount options beyond a type's defaults.
    """

    file_systems: Optional[tuple[str, ...]] = None
    mountpoints: Optional[tuple[str, ...]] = None
    options: Optional[tuple[str, ...]] = None


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    origin: str = FILE_ORIGIN  # file:, s3://bucket/key, ssm:///name or appconfig://application/environment/profile
    region: str = ""  # empty: the instance's own
    public_key: str = ""  # base64 of an Ed25519 key's 32 bytes; empty: no signature is asked for
    policy: Policy = Policy()


def read(path: str = places.SETTINGS) -> Settings:
    """The defaults where there is no such file. Raises Permanent("settings-invalid")."""
    try:
        with open(path, "rb") as file:
            return msgspec.json.decode(file.read(1 << 20), type=Settings)
    except FileNotFoundError:
        return Settings()
    except (OSError, msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Permanent("settings-invalid", f"{path}: {error}") from None

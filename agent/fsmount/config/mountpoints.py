"""Where a mount may stand: nowhere that the system, this agent or the way to both of them needs. Pure."""

from typing import Optional

_TREES = (
    "/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/root", "/run", "/sbin", "/sys", "/usr",
    "/var", "/opt/fsmount", "/opt/ml", "/home/ec2-user/anaconda3", "/home/ec2-user/.ssh", "/home/ec2-user/SageMaker/.fsmount",
)  # fmt: skip
_PLACES = ("/", "/home", "/home/ec2-user", "/home/ec2-user/SageMaker", "/opt", "/tmp", "/mnt", "/media", "/srv")


def objection(path: str) -> Optional[str]:
    """Why nothing may be mounted at the absolute path `path`, or None."""
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in path):
        return "must not hold control characters"
    parts = path.split("/")[1:]
    if path != "/" and any(part in ("", ".", "..") for part in parts):
        return f"must be written without //, /./, /../ and a / at the end{_plainly(path)}"
    if any(len(part.encode()) > 255 for part in parts):
        return "has a component longer than 255 bytes"
    if path in _PLACES:
        return f"{path} itself cannot be a mount point; use a directory below it"
    for tree in _TREES:
        if path == tree or path.startswith(tree + "/"):
            return f"nothing may be mounted in {tree}, which the system needs"
    return None


def _plainly(path: str) -> str:
    plain = "/" + "/".join(part for part in path.split("/") if part not in ("", "."))
    return "" if ".." in path.split("/") else f": {plain}"


def inside(path: str, other: str) -> bool:
    return path.startswith(other + "/")

"""What a file system's capacity is worth a warning for. Pure."""

from .model import Problem, Spec, Usage

# EFS and S3 Files report 8 EiB, others similar fictions: a share of that means nothing.
ELASTIC = 2**60


def warnings(spec: Spec, usage: Usage) -> tuple[Problem, ...]:
    found = []
    bytes_used = _percent(usage.used, usage.used + usage.available)
    if usage.size < ELASTIC and bytes_used >= spec.care.warn_at:
        found.append(Problem("nearly-full", f"{spec.mountpoint}: {bytes_used:.0f} % of its space is used"))
    inodes_used = _percent(usage.inodes - usage.inodes_free, usage.inodes)
    if inodes_used >= spec.care.warn_at:
        found.append(Problem("nearly-full", f"{spec.mountpoint}: {inodes_used:.0f} % of its inodes (files) are used"))
    return tuple(found)


def _percent(part: int, whole: int) -> float:
    return 100 * part / whole if whole > 0 else 0.0

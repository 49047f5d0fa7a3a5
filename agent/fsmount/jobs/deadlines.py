"""How long a Job may take: by its kind, and longer where a helper does the work. Pure."""

from ..timeouts import HELPER_S, LUSTRE_UNMOUNT_S
from .orders import DEADLINES_S, Kind, MountOrder, Order, Unmount


def deadline_s(kind: Kind, helper: str = "") -> float:
    """How long a Job of that kind may take; `helper` is what mounts the file system that it is about."""
    if kind is Kind.MOUNT and helper:
        return HELPER_S
    if kind is Kind.UNMOUNT and helper == "lustre":
        return LUSTRE_UNMOUNT_S
    return DEADLINES_S[kind]


def deadline_of(kind: Kind, order: Order) -> float:
    if isinstance(order, MountOrder):
        return deadline_s(kind, order.spec.helper)
    return deadline_s(kind, order.helper) if isinstance(order, Unmount) else DEADLINES_S[kind]

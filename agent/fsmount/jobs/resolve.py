"""From names and ids to addresses: the name servers first, then AWS, then what the address book on the volume keeps.

- A name that is answered is believed, and AWS is not asked. A plain host has only its name; the book is for the time when
  no name server answers, since a name that does not exist is an answer.
- EFS: where the name leads nowhere, AWS names the mount targets (the name works only in its VPC, in zones that have one).
- FSx by its id: AWS names the host, and for Lustre the mount name. Both stay what they are as long as the file system
  lives, so what AWS said within the last day is not asked for again while that host's name is answered.
- AWS's answer that there is no such file system, or none that is ready, is the answer. Only where AWS gives none
  (unreachable, denied, throttled, no credentials) the last good address is given, with its age.
- A dead network is not waited for where an address is kept: name servers have 3 s then. If that address answers on its
  port, AWS is not asked while no name server answers (its endpoint has a name, too), and otherwise has 3 s.
- S3 Files: the name with this machine's zone in it; whatever else there is to find out, mount.s3files does.
"""

import time
from typing import Callable, NamedTuple, Optional, TypeVar

from .. import addressbook
from ..addressbook import Entry
from ..aws import efs, fsx, imds, session
from ..config import partitions
from ..errors import FsmountError, Temporary
from ..model import LUSTRE_PORT, NFS_PORT, Problem
from ..timeouts import AWS_KEPT_S, LOCATING_S, LOOK_UP_KEPT_S, NEAREST_S, RESOLVE_S
from . import knock
from .answers import Resolved
from .limit import Question
from .lookup import Named, look_up
from .orders import Resolve

T = TypeVar("T")
_KNOCK_S = 1.0
_RESERVE_S = 1.0  # of all the time, for what is left to do after the last wait


class _Task(NamedTuple):
    order: Resolve
    kept: Optional[Entry]
    end: float  # monotonic

    @property
    def left(self) -> float:
        return max(0.0, self.end - _RESERVE_S - time.monotonic())

    def look_up(self, host: str, *, otherwise: bool = False) -> Named:
        """`otherwise`: there is another way to an address. Half of the time is AWS's where nothing else is known."""
        if self.kept or otherwise:
            return look_up(host, min(LOOK_UP_KEPT_S, self.left))
        return look_up(host, min(RESOLVE_S, self.left / 2 if self.order.id else self.left))


class _Found(NamedTuple):
    answer: Resolved
    asked_at: float = 0.0  # when AWS named the host, where it did


def resolve(order: Resolve) -> Resolved:
    about = order.id or order.host
    kept = addressbook.find(order.book, about, order.instance)
    end = time.monotonic() + (RESOLVE_S if order.examining else LOCATING_S)
    way = _WAYS.get(order.type, _host) if order.id else _host
    found, asked_at = way(_Task(order, kept, end))
    if order.book and not order.examining and found.by in ("dns", "api") and found.addresses != (order.host,):
        news = Entry(found.addresses, time.time(), found.host, found.fsname, found.version, asked_at)
        addressbook.keep(order.book, about, news, order.instance)
    return found


def _host(task: _Task) -> _Found:
    named = task.look_up(task.order.host)
    if named.addresses:
        return _Found(Resolved(named.addresses))
    if task.kept and named.silent:
        return _last_good(task.kept)
    raise _nameless(named, task.order.host)


def _efs(task: _Task) -> _Found:
    order = task.order
    name = partitions.read_efs_name(order.host)
    region = name.region if name else order.region
    named = task.look_up(order.host)
    if named.addresses:
        return _Found(Resolved(named.addresses))
    try:
        targets = _ask(task, named, lambda: efs.mount_targets(order.id, region))
    except FsmountError as error:
        if _is_answer(error):
            raise
        if task.kept:
            return _last_good(task.kept)
        first = _nameless(named, order.host).problem
        raise Temporary(first.code, f"{first.observed}; nor does AWS say ({error.problem.observed})") from None
    here = _here(task, region, targets)
    near = efs.ordered(targets, here)
    return _Found(Resolved(efs.addresses(near), by="api", remark=efs.remark(order.id, near[0], here)))


def _here(task: _Task, region: str, targets: list[efs.Target]) -> efs.Here:
    """What cannot be found out only costs the order. The only target is not compared with more than it takes."""
    order = task.order
    zone = _at_most(task, imds.zone_id) or ""
    if not order.instance or (len(targets) == 1 and zone == targets[0].zone):
        return efs.Here(None, zone)
    return efs.Here(_at_most(task, lambda: efs.subnet(order.instance, region)), zone)


def _at_most(task: _Task, call: Callable[[], str]) -> Optional[str]:
    try:
        return Question(call).answer(min(NEAREST_S, task.left))
    except FsmountError:
        return None


def _fsx(task: _Task) -> _Found:
    order, kept = task.order, task.kept
    named = task.look_up(kept.host) if kept and kept.host else Named()
    if kept and named.addresses and not order.examining and 0 <= time.time() - kept.asked_at < addressbook.FRESH_S:
        return _as_kept(kept, named)
    try:
        known = _ask(task, named, lambda: fsx.endpoint(order.type, order.id, order.region))
    except FsmountError as error:
        if _is_answer(error) or not kept:
            raise
        return _as_kept(kept, named) if named.addresses else _last_good(kept)
    asked_at = time.time()
    if known.host and not (kept and named.addresses and known.host == kept.host):
        named = task.look_up(known.host, otherwise=bool(known.addresses))
    addresses, by = (named.addresses, "dns") if named.addresses else (known.addresses, "api")
    if addresses:
        return _Found(Resolved(addresses, known.host, known.fsname, known.version, by), asked_at)
    if kept:
        return _last_good(kept)
    raise _nameless(named, known.host)


def _as_kept(kept: Entry, named: Named) -> _Found:
    return _Found(Resolved(named.addresses, kept.host, kept.fsname, kept.version), kept.asked_at)


def _s3files(task: _Task) -> _Found:
    order, kept = task.order, task.kept
    zone = _at_most(task, imds.zone_id)
    host = partitions.s3files_name(order.id, zone, order.region) if zone and order.region else kept.host if kept else ""
    named = task.look_up(host) if host else Named()
    if named.addresses:
        return _Found(Resolved(named.addresses, host))
    if not named.silent:
        return _Found(Resolved(("",), host, by="helper"))
    if kept:
        return _last_good(kept)
    raise _nameless(named, host)


_WAYS = {"efs": _efs, "openzfs": _fsx, "ontap": _fsx, "lustre": _fsx, "s3files": _s3files}


def _ask(task: _Task, named: Named, call: Callable[[], T]) -> T:
    """AWS's answer, waited for as long as there is nothing better. Raises its problem."""
    fine = bool(named.addresses) or _answers(task)
    if fine and named.silent:
        raise Temporary("aws-unreachable", "AWS was not asked, since no name server answers")
    session.load()
    seconds = min(AWS_KEPT_S, task.left) if fine else task.left
    answer = Question(call).answer(seconds)
    if answer is None:
        raise Temporary("aws-unreachable", f"AWS gave no answer about {task.order.id} within {seconds:.0f} s")
    return answer


def _answers(task: _Task) -> bool:
    """Whether somebody listens at an address that is kept."""
    if task.kept is None:
        return False
    port = task.order.port or (LUSTRE_PORT if task.order.type == "lustre" else NFS_PORT)
    return bool(knock.answers(tuple((address, port) for address in task.kept.addresses), min(_KNOCK_S, task.left)))


def _is_answer(error: FsmountError) -> bool:
    """AWS has spoken about the file system, and not about the asking."""
    return not error.problem.code.startswith("aws-") and error.problem.code != "internal-error"


def _last_good(kept: Entry) -> _Found:
    age_s = max(1.0, kept.age(time.time()))
    observed = f"neither DNS nor AWS says where it is; {kept.addresses[0]} is the address of {age_s / 3600:.1f} hours ago"
    remark = Problem("address-kept", observed)
    return _Found(Resolved(kept.addresses, kept.host, kept.fsname, kept.version, "kept", age_s, remark))


def _nameless(named: Named, host: str) -> FsmountError:
    return named.error or Temporary("name-not-resolved", f"{host}: the name has no address")

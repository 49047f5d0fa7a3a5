"""What makes bytes a configuration that may be applied: the one place that knows, wherever they come from.

In this order: the signature, if a key is pinned, since nothing unsigned need be looked into; then the whole file; then
the policy. The bytes of what is accepted are put by, so that the last good generation can be kept on the volume.
"""

from ..config.findings import Invalid
from ..config.load import load
from ..errors import Permanent
from ..model import Config
from . import generations
from .orders import Trust


def accept(content: bytes, trust: Trust, region: str, name: str) -> Config:
    """`name` is the origin's, for the messages. Raises Permanent: config-invalid, or what the signature's check raises."""
    if trust.public_key:
        _verify(content, trust.public_key, name)
    try:
        config = load(content, trust.instance, region, trust.policy)
    except Invalid as invalid:
        more = f" (and {len(invalid.findings) - 1} more)" if len(invalid.findings) > 1 else ""
        raise Permanent("config-invalid", invalid.findings[0].text(name) + more) from None
    if trust.generations:
        generations.put(trust.generations, config.digest, content)
    return config


def region_of(region: str, trust: Trust) -> str:
    """The one that is pinned, or the instance's own."""
    return region or (trust.instance.region if trust.instance else "")


def _verify(content: bytes, public_key: str, name: str) -> None:
    from ..signature import verify

    try:
        verify(content, public_key)
    except Permanent as refused:
        raise Permanent(refused.problem.code, f"{name}: {refused.problem.observed}") from None

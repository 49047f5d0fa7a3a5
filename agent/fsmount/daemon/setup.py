"""What this agent was started with: where its configuration comes from, what that must satisfy, where things are kept."""

from typing import NamedTuple, Optional

from .. import places
from ..instance import Instance
from ..jobs.orders import Trust
from ..origin import parse
from ..settings import FILE_ORIGIN, Settings


class Setup(NamedTuple):
    origin: str  # file:/path, s3://..., ssm:///..., appconfig://...
    trust: Trust = Trust()
    region: str = ""
    kept: str = ""  # the last good generation, on the volume; empty: none is kept
    book: str = ""  # the last good addresses, on the volume

    @property
    def instance(self) -> Optional[Instance]:
        return self.trust.instance

    @property
    def local(self) -> bool:
        return self.origin.startswith(FILE_ORIGIN)


def setup(settings: Settings, instance: Optional[Instance], config: str, run: str, kept: str, book: str) -> Setup:
    """`config`: the file that `file:` without a path stands for. Raises Permanent("origin-invalid")."""
    origin = FILE_ORIGIN + config if settings.origin == FILE_ORIGIN else parse(settings.origin).text
    region = settings.region or (instance.region if instance else "")
    trust = Trust(places.generations(run), instance, settings.public_key, settings.policy)
    return Setup(origin, trust, region, kept, book)

"""Read and validate the configuration, away from the daemon: a file may be huge, slow or hostile, and YAML's parser
costs memory that the daemon need not keep."""

from ..config.document import LIMIT_BYTES
from ..config.findings import Invalid
from ..config.load import load
from ..errors import Permanent
from ..linux.pin import open_trusted
from .orders import Fetch, Fetched


def fetch(order: Fetch) -> Fetched:
    try:
        content = open_trusted(order.path, LIMIT_BYTES)
    except FileNotFoundError:
        raise Permanent("config-missing", f"{order.path} does not exist") from None
    except OSError as error:
        raise Permanent("config-unreadable", f"{order.path}: {error.strerror}") from None
    try:
        return Fetched(load(content))
    except Invalid as invalid:
        more = f" (and {len(invalid.findings) - 1} more)" if len(invalid.findings) > 1 else ""
        raise Permanent("config-invalid", invalid.findings[0].text(order.path) + more) from None

"""The one thing that is asked of the instance metadata service: the id of the zone that this machine stands in.

The machine belongs to an account of Amazon's, in which zones have other *names* than in the notebook owner's; their
*ids* are the same everywhere. Only version 2 is spoken (a token first), and through no proxy: the service is on the link.
"""

import os
import re
from typing import TYPE_CHECKING, Optional

if TYPE_CHECKING:
    from http.client import HTTPConnection

_ENDPOINT = "http://169.254.169.254"
_TIMEOUT_S = 1.0  # for each of the two requests; it usually takes a millisecond
_ZONE_ID = re.compile(r"[a-z0-9]{2,8}-(?:[a-z0-9]{1,8}-)?az[0-9]{1,2}")


def zone_id() -> str:
    """use1-az4, say; empty where it cannot be found out."""
    if os.environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true":
        return ""
    from http.client import HTTPConnection, HTTPException
    from urllib.parse import urlsplit

    place = urlsplit(os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT") or _ENDPOINT)
    try:
        connection = HTTPConnection(place.hostname or "", place.port, timeout=_TIMEOUT_S)
        try:
            return _ask(connection, place.path.rstrip("/"))
        finally:
            connection.close()
    except (OSError, HTTPException, ValueError):
        return ""


def _ask(connection: "HTTPConnection", base: str) -> str:
    token = _answer(connection, "PUT", f"{base}/latest/api/token", {"X-aws-ec2-metadata-token-ttl-seconds": "60"})
    if not token:
        return ""
    asked = f"{base}/latest/meta-data/placement/availability-zone-id"
    zone = (_answer(connection, "GET", asked, {"X-aws-ec2-metadata-token": token}) or "").strip()
    return zone if _ZONE_ID.fullmatch(zone) else ""


def _answer(connection: "HTTPConnection", method: str, path: str, headers: "dict[str, str]") -> Optional[str]:
    connection.request(method, path, headers=headers)
    with connection.getresponse() as response:
        text = response.read(4096).decode("ascii", "replace")
        return text if response.status == 200 else None

"""The tags of a SageMaker resource: list, add, delete. Reads and writes only what it is told to."""

from collections.abc import Iterable
from typing import Any

from ..model import Tag
from . import session

_PAGES_MOST = 10  # a resource has at most 50 tags, and AWS's own; a page has at least 50


class Tags:
    def __init__(self, arn: str, region: str) -> None:
        self._arn, self._what = arn, f"the tags of {arn.rpartition('/')[2]}"
        try:
            self._sagemaker: Any = session.client("sagemaker", region)
        except session.errors() as error:
            raise session.named(error, self._what) from None

    def list_tags(self) -> frozenset[str]:
        """The keys that are there."""
        keys: set[str] = set()
        more: Any = {}
        try:
            for _ in range(_PAGES_MOST):
                page = self._sagemaker.list_tags(ResourceArn=self._arn, MaxResults=100, **more)
                keys |= {tag["Key"] for tag in page.get("Tags", [])}
                if not page.get("NextToken"):
                    break
                more = {"NextToken": page["NextToken"]}
        except session.errors() as error:
            raise session.named(error, self._what) from None
        return frozenset(keys)

    def add_tags(self, tags: Iterable[Tag]) -> None:
        """Those that are there get the new value."""
        pairs = [{"Key": key, "Value": value} for key, value in tags]
        try:
            self._sagemaker.add_tags(ResourceArn=self._arn, Tags=pairs)
        except session.errors() as error:
            raise session.named(error, self._what) from None

    def delete_tags(self, keys: Iterable[str]) -> None:
        """Those that are not there are no error."""
        try:
            self._sagemaker.delete_tags(ResourceArn=self._arn, TagKeys=sorted(keys))
        except session.errors() as error:
            raise session.named(error, self._what) from None

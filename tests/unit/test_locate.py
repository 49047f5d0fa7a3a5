"""Where file systems are, as far as it is a matter of values: host names by region, and the order of mount targets."""

from __future__ import annotations

import itertools
import threading

import pytest
from fsmount.aws.efs import Here, Target, addresses, ordered, remark
from fsmount.config import partitions
from fsmount.errors import Temporary
from fsmount.jobs.limit import Question

ID = "fs-0123456789abcdef0"


@pytest.mark.parametrize(
    ("region", "suffix"),
    [
        ("us-east-1", "amazonaws.com"),
        ("us-gov-west-1", "amazonaws.com"),
        ("cn-north-1", "amazonaws.com.cn"),
        ("cn-northwest-1", "amazonaws.com.cn"),
        ("us-iso-east-1", "c2s.ic.gov"),
        ("us-isob-east-1", "sc2s.sgov.gov"),
        ("us-isof-south-1", "csp.hci.ic.gov"),
        ("eu-isoe-west-1", "cloud.adc-e.uk"),
        ("eusc-de-east-1", "amazonaws.eu"),
    ],
)
def test_an_efs_has_its_name_in_the_partition_of_its_region(region: str, suffix: str) -> None:
    host = partitions.efs_name(ID, region)
    assert host == f"{ID}.efs.{region}.{suffix}"
    assert partitions.read_efs_name(host) == (ID, region, suffix)


@pytest.mark.parametrize("host", ["10.0.0.7", "filer.efs", "efs.example.com", f"{ID}.fsx.us-east-1.aws"])
def test_what_is_no_name_of_an_efs_has_no_parts(host: str) -> None:
    assert partitions.read_efs_name(host) is None


@pytest.mark.parametrize(
    ("region", "suffix"),
    [
        ("us-east-1", "on.aws"),
        ("us-gov-west-1", "on.aws"),
        ("cn-north-1", "on.amazonwebservices.com.cn"),
        ("us-iso-east-1", "c2s.ic.gov"),
        ("eusc-de-east-1", "amazonaws.eu"),
    ],
)
def test_s3_files_has_the_zone_s_id_in_its_name(region: str, suffix: str) -> None:
    assert partitions.s3files_name(ID, "use1-az4", region) == f"use1-az4.{ID}.s3files.{region}.{suffix}"


def a_target(number: int, address6: str = "", address: str | None = None) -> Target:
    given = f"10.0.0.{number}" if address is None else address
    return Target(f"fsmt-{number}", "available", given, address6, f"subnet-{number}", f"use1-az{number}")


ONE, TWO, THREE = (a_target(number) for number in (1, 2, 3))
ORDERS = {
    "nothing is known": (Here(), [ONE, TWO, THREE]),
    "the subnet": (Here("subnet-3"), [THREE, ONE, TWO]),
    "the zone": (Here(None, "use1-az2"), [TWO, ONE, THREE]),
    "another subnet of the zone": (Here("subnet-9", "use1-az2"), [TWO, ONE, THREE]),
    "the subnet goes before the zone": (Here("subnet-3", "use1-az2"), [THREE, TWO, ONE]),
    "outside any VPC": (Here("", "use1-az2"), [TWO, ONE, THREE]),
}


@pytest.mark.parametrize("given", list(itertools.permutations((ONE, TWO, THREE))), ids=lambda given: given[0].name)
@pytest.mark.parametrize("case", ORDERS)
def test_mount_targets_are_ordered_by_subnet_then_zone_whatever_order_they_come_in(case: str, given: list[Target]) -> None:
    here, wanted = ORDERS[case]
    assert ordered(given, here) == wanted


def test_each_target_has_one_address_and_second_ones_come_last() -> None:
    assert addresses([a_target(1, "fd00::1"), a_target(2, "fd00::2", address=""), a_target(3)]) == (
        "10.0.0.1", "fd00::2", "10.0.0.3", "fd00::1",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("here", "code"),
    [
        (Here("subnet-9", "use1-az9"), "mount-target-far"),
        (Here(None, "use1-az9"), "mount-target-far"),
        (Here("", "use1-az1"), "notebook-outside-vpc"),
        (Here("subnet-1", "use1-az9"), None),
        (Here("subnet-9", "use1-az1"), None),
        (Here("subnet-9", ""), None),
        (Here(), None),
    ],
)
def test_a_far_mount_target_is_remarked_on_only_where_it_is_known_to_be_far(here: Here, code: str | None) -> None:
    said = remark(ID, ONE, here)
    assert (said.code if said else None) == code
    assert said is None or ID in said.observed


def test_a_question_is_waited_for_no_longer_than_one_likes() -> None:
    go_on = threading.Event()
    slow = Question(lambda: go_on.wait(60))
    assert slow.answer(0.01) is None
    go_on.set()
    assert slow.answer(60) is True


def test_what_a_question_raises_is_raised_by_its_answer() -> None:
    def refuses() -> int:
        raise Temporary("aws-denied", "no")

    with pytest.raises(Temporary, match="aws-denied"):
        Question(refuses).answer(60)

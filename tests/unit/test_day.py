"""A day on which nothing happens, on a simulated clock: what the agent asks of AWS, and what it writes."""

from __future__ import annotations

from collections import Counter

from fsmount.daemon.diary import Diary
from fsmount.daemon.tagging import Tagging
from fsmount.instance import Instance
from fsmount.jobs.orders import Kind

from .fakehost import Driver, FakeHost, spec

DAY_S, STEP_S = 86400, 5
INSTANCE = Instance("nb", "arn:aws:sagemaker:eu-west-1:123456789012:notebook-instance/nb", "aws", "eu-west-1", "123456789012")


def test_a_day_of_nothing_new_is_four_tag_writes_and_polls_that_transfer_nothing() -> None:
    host = FakeHost()
    driver = Driver(host, origin="s3://bucket/mounts.yaml", kept="/volume/generation.json")
    tagging = Tagging(host, INSTANCE)
    diary = Diary("/volume/history", "/run/history.json", host, host.now())
    driver.load(spec("a"), spec("b"), digest="g1")

    def pass_time(seconds: int) -> None:
        for _ in range(seconds // STEP_S):
            for key, answer in host.tick(STEP_S):
                if key == tagging.key:
                    tagging.answered(answer, host.now())
                elif key.kind is Kind.RECORD:
                    diary.answered(answer, host.now())
                else:
                    driver.agent.answered(key, answer)
                    driver.agent.ended(key)
            driver.agent.turn()
            tagging.turn(driver.agent, host.now())
            diary.turn(driver.agent, host.now())

    pass_time(3600)
    assert driver.agent.configuration.good is not None
    began, fetched, kept, told = len(host.started), len(host.fetches), host.keeps, len(host.history)
    pass_time(DAY_S)
    kinds = Counter(key.kind for key in host.started[began:])
    assert kinds[Kind.PUBLISH] == 4
    assert set(kinds) == {Kind.FETCH, Kind.PROBE, Kind.PUBLISH}, "no name is looked up, no AWS is asked where a server is"
    polls = host.fetches[fetched:]
    assert 1300 < len(polls) < 2000
    assert all(order.known == "g1" and order.token == "token of g1" for order in polls), "each is answered: not modified"
    assert (host.keeps, len(host.history)) == (kept, told), "no byte is written to the volume"

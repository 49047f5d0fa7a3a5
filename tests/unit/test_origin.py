"""Origins: what people write, what is made of it, and that each thing has one spelling."""

from __future__ import annotations

import pytest
from fsmount import places
from fsmount.errors import Permanent
from fsmount.origin import AppConfigOrigin, FileOrigin, Origin, S3Origin, SsmOrigin, parse

GOOD = {
    "file:/etc/fsmount/mounts.yaml": FileOrigin("/etc/fsmount/mounts.yaml"),
    "s3://team-bucket/mounts.yaml": S3Origin("team-bucket", "mounts.yaml"),
    "s3://team.bucket/a/b c/mounts+é.yaml": S3Origin("team.bucket", "a/b c/mounts+é.yaml"),
    "ssm:///a/b": SsmOrigin("/a/b"),
    "ssm:///plain": SsmOrigin("/plain"),
    "ssm:///team/aws.mounts_1-x": SsmOrigin("/team/aws.mounts_1-x"),
    "appconfig://fs/prod/mounts": AppConfigOrigin("fs", "prod", "mounts"),
    "appconfig://My App/prod eu/abc1234": AppConfigOrigin("My App", "prod eu", "abc1234"),
}


@pytest.mark.parametrize(("text", "origin"), GOOD.items(), ids=GOOD)
def test_an_origin_is_read_and_written_back(text: str, origin: Origin) -> None:
    assert parse(text) == origin
    assert origin.text == text


def test_file_alone_is_the_file_on_the_volume() -> None:
    assert parse("file:") == FileOrigin(places.CONFIG)


BAD = {
    "": "write file:/path, s3://",
    "mounts.yaml": "write file:/path, s3://",
    "/etc/mounts.yaml": "write file:/path, s3://",
    "https://bucket.s3.amazonaws.com/key": "write file:/path, s3://",
    "S3://bucket/key": "write file:/path, s3://",
    " s3://bucket/key": "write file:/path, s3://",
    "file:mounts.yaml": "an absolute path",
    "file:///etc/mounts.yaml": "an absolute path",
    "file:/etc/": "an absolute path",
    "file:/etc/../shadow": "must not hold",
    "file:/etc//x": "must not hold",
    "file:/etc/\n": "no control characters",
    "s3:bucket/key": "two slashes come after s3:",
    "s3://Bucket/key": "a bucket's name is",
    "s3://b/key": "a bucket's name is",
    "s3://bucket": "the object's key",
    "s3://bucket/": "the object's key",
    "s3://bucket/folder/": "the object's key",
    "s3://bucket/" + "k" * 1025: "the object's key",
    "s3://bucket/" + "é" * 513: "the object's key",
    "s3://bucket/k\x1b[31m": "no control characters",
    "ssm://team/mounts": "begins with a slash: ssm:///team/mounts",
    "ssm:/team/mounts": "two slashes come after ssm:",
    "ssm:///": "a parameter's name is",
    "ssm:///team//mounts": "a parameter's name is",
    "ssm:///team/mounts:3": "a parameter's name is",
    "ssm:///" + "a" * 1011: "a parameter's name is",
    "ssm://" + "/a" * 16: "a parameter's name is",
    "ssm:///aws/service/x": "reserved",
    "ssm:///SSMx": "reserved",
    "appconfig://a/b": "write appconfig://",
    "appconfig://a/b/c/d": "write appconfig://",
    "appconfig://a//c": "write appconfig://",
    "appconfig:///a/b/c": "write appconfig://",
    "appconfig://a/b/" + "c" * 129: "write appconfig://",
}


@pytest.mark.parametrize(("text", "says"), BAD.items(), ids=[ascii(text[:30]) for text in BAD])
def test_another_form_is_refused_and_says_what_to_write(text: str, says: str) -> None:
    with pytest.raises(Permanent) as caught:
        parse(text)
    assert caught.value.problem.code == "origin-invalid"
    assert says in caught.value.problem.observed
    assert caught.value.problem.observed.isprintable()

"""mounts.yaml: what is good becomes Specs, what is not becomes findings with a line and a word that helps."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from fsmount.cli import main
from fsmount.config import nfs_options
from fsmount.config.findings import Invalid
from fsmount.config.load import load
from fsmount.config.schema import json_schema
from fsmount.instance import Instance

from .malformed import CORPUS, GOOD, generated

ROOT = Path(__file__).parents[2]
NOTEBOOK = Instance("Team-A-7" + "x" * 40, "", "aws", "us-east-1", "123456789012")


def test_a_good_file_becomes_specs() -> None:
    datasets, scratch = load(GOOD.encode()).mounts
    assert (datasets.host, datasets.path, datasets.source) == ("fs1.test", "/d0", "fs1.test:/d0")
    assert datasets.read_only
    assert (scratch.host, scratch.path, scratch.options) == ("10.9.2.2", "/d1", ("nconnect=4", "noatime"))
    assert not scratch.read_only


@pytest.mark.parametrize(("path", "normal"), [("/d0/", "/d0"), ("//d0/.", "/d0"), ("/", "/"), ("/a//b", "/a/b")])
def test_a_remote_path_is_kept_as_mountinfo_will_show_it(path: str, normal: str) -> None:
    text = f"version: 1\nmounts: [{{name: a, type: nfs, source: fs1, path: '{path}', mountpoint: /mnt/a}}]\n"
    assert load(text.encode()).mounts[0].path == normal


def test_an_empty_list_of_mounts_is_good() -> None:
    assert load(b"version: 1\nmounts: []\n").mounts == ()


@pytest.mark.parametrize(
    ("source", "host", "path", "shown"),
    [
        ("fs1", "fs1", "/", "fs1:/"),
        ("fs1.test:/", "fs1.test", "/", "fs1.test:/"),
        ("fd00::1", "fd00::1", "/", "[fd00::1]:/"),
        ("'[fd00::1]:/a b'", "fd00::1", "/a b", "[fd00::1]:/a b"),
        (
            "fs-0123456789abcdef0.efs.cn-north-1.amazonaws.com.cn",
            "fs-0123456789abcdef0.efs.cn-north-1.amazonaws.com.cn",
            "/",
            None,
        ),
    ],
)
def test_a_source_is_taken_apart(source: str, host: str, path: str, shown: str | None) -> None:
    text = f"version: 1\nmounts: [{{name: a, type: nfs, source: {source}, mountpoint: /mnt/a}}]\n"
    (spec,) = load(text.encode()).mounts
    assert (spec.host, spec.path) == (host, path)
    assert shown is None or spec.source == shown


@pytest.mark.parametrize(("content", "word"), CORPUS.values(), ids=CORPUS.keys())
def test_a_malformed_file_is_refused_with_a_line_and_a_reason(content: bytes, word: str) -> None:
    with pytest.raises(Invalid) as caught:
        load(content, NOTEBOOK)
    lines = content.count(b"\n") + 1
    texts = [finding.text("mounts.yaml") for finding in caught.value.findings]
    assert texts
    assert any(word in text for text in texts), texts
    for finding, text in zip(caught.value.findings, texts):
        assert 1 <= finding.line <= lines + 1
        assert text.isprintable(), text
        assert len(text) < 600


def test_two_hundred_malformed_files_give_findings_and_never_a_traceback() -> None:
    refused = len(CORPUS)
    for content in generated(300, seed=20261123).values():
        try:
            load(content)
        except Invalid as invalid:
            assert invalid.findings
            refused += 1
    assert refused >= 200


def test_every_problem_of_a_file_is_shown_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mounts.yaml"
    file.write_text(GOOD.replace("type: nfs", "type: nfz").replace("/mnt/scratch", "/etc").replace("nconnect=4", "soft"))
    assert main(["check", str(file)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[1] for line in lines] == ["4", "10", "12", "13"]
    file.write_text(
        GOOD.replace("/mnt/scratch", "/etc").replace("nconnect=4", "soft").replace("    path: /d0", "    path: d0\n    pat: x")
    )
    assert main(["check", str(file)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[1] for line in lines] == ["6", "7", "13", "14"]


def test_plain_scalars_stay_what_was_written() -> None:
    text = "version: 1\nmounts: [{name: 0x10, type: nfs, source: yes, path: /010, mountpoint: /mnt/12:30}]\n"
    (spec,) = load(text.encode()).mounts
    assert (spec.name, spec.host, spec.path, spec.mountpoint) == ("0x10", "yes", "/010", "/mnt/12:30")


def test_the_example_is_good(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(ROOT / "config/mounts.example.yaml")]) == 0
    assert "7 mounts" in capsys.readouterr().out


def test_the_json_schema_for_editors_is_what_the_types_say() -> None:
    written = (ROOT / "config/mounts.schema.json").read_text()
    assert json.loads(written) == json.loads(json_schema()), "make schema writes it anew"


def test_the_defaults_are_what_efs_recommends() -> None:
    assert nfs_options.merged(()) == [
        ("vers", "4.1"),
        ("proto", "tcp"),
        ("rsize", "1048576"),
        ("wsize", "1048576"),
        ("hard", None),
        ("timeo", "600"),
        ("retrans", "2"),
        ("noresvport", None),
    ]


def test_an_option_replaces_the_default_that_it_contradicts() -> None:
    options = dict(nfs_options.merged(("nfsvers=4.2", "rsize=65536", "softerr", "noatime")))
    assert options["vers"] == "4.2"
    assert options["rsize"] == "65536"
    assert "softerr" in options
    assert "hard" not in options
    assert "noatime" not in options, "a mount attribute is not the file system's"


def test_soft_is_for_mounts_that_are_read_only() -> None:
    assert nfs_options.objection("soft", read_only=True) is None
    assert re.search("loses data", nfs_options.objection("soft", read_only=False) or "")

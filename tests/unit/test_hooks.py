"""The lifecycle scripts as rendered: what gets in, and that the platform and a shell take them."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "packaging"))

from render_hooks import HOOKS, MAX_BYTES, MAX_WAIT_S, SettingError, Settings, main, render  # noqa: E402

DIGEST = "0123456789abcdef" * 4
URL = "s3://team-bucket/fsmount/fsmount-0.1.0-cp39-linux_x86_64.tar.gz"


def settings(
    bundle_url: str = URL,
    bundle_sha256: str = DIGEST,
    config_origin: str = "s3://team-bucket/fsmount/mounts.yaml",
    wait_s: int = 30,
    region: str = "",
) -> Settings:
    return Settings(bundle_url, bundle_sha256, config_origin, wait_s, region)


@pytest.mark.parametrize("hook", HOOKS)
def test_a_script_is_one_plain_bash_file_within_the_limit(hook: str) -> None:
    script = render(hook, settings(bundle_url="s3://" + "b" * 63 + "/" + "k" * 300))
    assert script.startswith("#!/bin/bash\n")
    assert script.endswith("\n")
    assert "\r" not in script
    assert "common.sh" not in script
    assert len(script.encode("ascii")) <= MAX_BYTES


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("checker", [("/bin/bash", "-n"), ("/usr/bin/env", "shellcheck", "--norc")], ids=["bash", "shellcheck"])
def test_a_script_pleases_the_checkers(hook: str, checker: tuple[str, ...], tmp_path: Path) -> None:
    script = tmp_path / "hook.sh"
    script.write_text(render(hook, settings()))
    done = subprocess.run([*checker, str(script)], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_sources_and_the_completion_please_shellcheck() -> None:
    sources = [str(ROOT / "lifecycle" / (hook + ".sh")) for hook in HOOKS]
    for command in (["-x", *sources], ["-s", "bash", str(ROOT / "packaging" / "completions" / "fsmount")]):
        done = subprocess.run(
            ["/usr/bin/env", "shellcheck", "--norc", *command], capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("hook", HOOKS)
def test_the_settings_arrive_as_given(hook: str) -> None:
    given = settings(bundle_url="https://host:8443/a/b.tar.gz?x=1&y=%20~", region="eu-west-1")
    lines = render(hook, given).splitlines()
    assigned = dict(line.split("=", 1) for line in lines if line.startswith(("BUNDLE_", "REGION=", "WAIT_S=", "CONFIG_")))
    expected = {"BUNDLE_URL": given.bundle_url, "BUNDLE_SHA256": DIGEST, "REGION": "eu-west-1"}
    if hook == "on-start":
        expected.update(WAIT_S="30", CONFIG_ORIGIN=given.config_origin)
    assert {name: shlex.split(value)[0] for name, value in assigned.items()} == expected


@pytest.mark.parametrize("hook", HOOKS)
def test_a_script_takes_nothing_from_the_environment(hook: str) -> None:
    script = render(hook, settings())
    assert "FSMOUNT_" not in script
    assert re.search("@[A-Z0-9_]+@", script) is None


HOSTILE = ["'; touch /x; '", "$(touch /x)", "`x`", "a b", "a\nb", "a\r", "a\\b", 'a"b', "a;b", "a|b", "ü", "", "\0", "*"]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("where", ["bundle_url", "bundle_sha256", "config_origin", "region"])
def test_a_setting_of_odd_characters_is_refused(where: str, text: str) -> None:
    good = {
        "bundle_url": "s3://team-bucket/",
        "bundle_sha256": DIGEST[:20],
        "config_origin": "s3://team-bucket/k",
        "region": "eu-west-1",
    }
    if text or where == "bundle_url":
        with pytest.raises(SettingError):
            settings(**{where: good[where] + text})  # type: ignore[arg-type]
        if where == "bundle_url" and text:
            with pytest.raises(SettingError):
                settings(bundle_url="https://host/a" + text)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"bundle_url": "http://host/plain"}, "bundle URL"),
        ({"bundle_url": "file:///etc/passwd"}, "bundle URL"),
        ({"bundle_url": "s3://UPPER/key"}, "bundle URL"),
        ({"bundle_url": "s3://bucket"}, "bundle URL"),
        ({"bundle_sha256": DIGEST.upper()}, "SHA-256"),
        ({"bundle_sha256": DIGEST + "\n"}, "SHA-256"),
        ({"config_origin": ""}, "configuration origin"),
        ({"config_origin": "file:/etc/shadow"}, "configuration origin"),
        ({"region": "eu west"}, "region"),
        ({"wait_s": -1}, "wait"),
        ({"wait_s": MAX_WAIT_S + 1}, "wait"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(map(str, value.values())),
)
def test_a_setting_of_another_form_is_refused_by_name(change: dict[str, object], says: str) -> None:
    with pytest.raises(SettingError, match=says):
        settings(**change)  # type: ignore[arg-type]


def test_a_script_over_the_limit_is_refused() -> None:
    with pytest.raises(SettingError, match="bytes, over"):
        render(
            "on-start",
            settings(bundle_url="https://h/" + "k" * 1400, config_origin="s3://bucket/" + "k" * 850),
        )


def test_the_command_writes_both_scripts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--bundle-url", URL, "--bundle-sha256", DIGEST, "--wait", "5", "--output", str(tmp_path)]) == 0
    assert (tmp_path / "on-start.sh").read_text() == render("on-start", settings(config_origin="file:", wait_s=5))
    assert str(tmp_path / "on-create.sh") in capsys.readouterr().out


def test_the_command_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--bundle-url", "ftp://x", "--bundle-sha256", DIGEST, "--output", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("render_hooks: the bundle URL is 'ftp://x': give s3://")


def test_a_bucket_that_the_usual_roles_may_write_is_warned_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["--bundle-url", URL, "--bundle-sha256", DIGEST, "--output", str(tmp_path)]
    assert main([*argv, "--config-origin", "s3://my-sagemaker-bucket/mounts.yaml"]) == 0
    assert "'sagemaker' in its name" in capsys.readouterr().err
    assert main([*argv, "--config-origin", "s3://team-bucket/sagemaker/mounts.yaml"]) == 0
    assert "warning" not in capsys.readouterr().err

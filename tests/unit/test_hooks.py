"""The lifecycle scripts as rendered: what gets in, and that the platform and a shell take them."""

from __future__ import annotations

import base64
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from fsmount import settings as agent
from fsmount.settings import Policy

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "packaging"))

from pinned import SettingError, read_policy, read_public_key  # noqa: E402
from render_hooks import HOOKS, MAX_BYTES, MAX_WAIT_S, Settings, main, render  # noqa: E402

DIGEST = "0123456789abcdef" * 4
KEY = base64.b64encode(bytes(range(32))).decode()
UNBOUND = Policy()
POLICY = Policy(file_systems=("fs-0123*", "nas?.example.org"), mountpoints=("/home/ec2-user/SageMaker/it's $(x)",), options=())
URL = "s3://team-bucket/fsmount/fsmount-0.1.0-cp39-linux_x86_64.tar.gz"


def settings(
    bundle_url: str = URL,
    bundle_sha256: str = DIGEST,
    config_origin: str = "s3://team-bucket/fsmount/mounts.yaml",
    wait_s: int = 30,
    region: str = "",
    public_key: str = "",
    policy: Policy = UNBOUND,
) -> Settings:
    return Settings(bundle_url, bundle_sha256, config_origin, wait_s, region, public_key, policy)


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
    script.write_text(render(hook, settings(public_key=KEY, policy=Policy(("fs-0*",), ("/it's",)))))
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
    assigned = dict(
        line.split("=", 1) for line in lines if line.startswith(("BUNDLE_", "REGION=", "WAIT_S=", "CONFIG_", "SETTINGS="))
    )
    expected = {"BUNDLE_URL": given.bundle_url, "BUNDLE_SHA256": DIGEST, "REGION": "eu-west-1"}
    if hook == "on-start":
        expected.update(WAIT_S="30", CONFIG_ORIGIN=given.config_origin, SETTINGS=given.pinned)
    assert {name: shlex.split(value)[0] for name, value in assigned.items()} == expected


@pytest.mark.parametrize("hook", HOOKS)
def test_a_script_takes_nothing_from_the_environment(hook: str) -> None:
    script = render(hook, settings())
    assert "FSMOUNT_" not in script
    assert re.search("@[A-Z0-9_]+@", script) is None


@pytest.mark.parametrize(
    "origin",
    ["file:", "file:/etc/mounts.yaml", "s3://team/k", "ssm:///team/mounts", "appconfig://app/env/prof", "appconfig://My App/e/p"],
)
def test_the_agent_reads_what_is_pinned_as_it_was_given(origin: str, tmp_path: Path) -> None:
    given = settings(config_origin=origin, region="eu-west-1", public_key=KEY, policy=POLICY)
    (line,) = [line for line in render("on-start", given).splitlines() if line.startswith("SETTINGS=")]
    file = tmp_path / "settings.json"
    written = subprocess.run(
        ["/bin/bash", "-c", line + '; printf "%s\\n" "$SETTINGS"'], capture_output=True, timeout=10, check=True
    )
    file.write_bytes(written.stdout)
    assert agent.read(str(file)) == agent.Settings(origin, "eu-west-1", KEY, POLICY)


def test_what_is_not_pinned_takes_no_room() -> None:
    assert settings(config_origin="file:").pinned == '{"origin":"file:"}'
    assert json.loads(settings(policy=Policy(options=())).pinned)["policy"] == {"options": []}, "no options is a bound"


HOSTILE = ["'; touch /x; '", "$(touch /x)", "`x`", "a b", "a\nb", "a\r", "a\\b", 'a"b', "a;b", "a|b", "ü", "", "\0", "*"]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("where", ["bundle_url", "bundle_sha256", "config_origin", "region", "public_key"])
def test_a_setting_of_odd_characters_is_refused(where: str, text: str) -> None:
    good = {
        "bundle_url": "s3://team-bucket/",
        "bundle_sha256": DIGEST[:20],
        "config_origin": "s3://team-bucket/k",
        "region": "eu-west-1",
        "public_key": KEY,
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
        ({"config_origin": "file:etc/mounts.yaml"}, "configuration origin"),
        ({"config_origin": "https://host/mounts.yaml"}, "configuration origin"),
        ({"config_origin": "s3://bucket"}, "configuration origin"),
        ({"config_origin": "ssm://team/mounts"}, "configuration origin.*ssm:///team/mounts"),
        ({"config_origin": "appconfig://a/b"}, "configuration origin"),
        ({"public_key": KEY[:-1]}, "public key"),
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


def test_a_policy_too_long_is_refused_with_the_numbers() -> None:
    policy = Policy(file_systems=tuple(f"fs-{number:017x}" for number in range(200)))
    with pytest.raises(SettingError, match=r"on-start is \d+ bytes, over 12288: shorten the policy.*settings take 4\d{3} of"):
        render("on-start", settings(policy=policy))


def test_there_is_room_for_a_policy_of_forty_file_systems() -> None:
    policy = Policy(tuple(f"fs-{number:017x}" for number in range(40)), ("/home/ec2-user/SageMaker", "/fsx"), ("nconnect", "ro"))
    render("on-start", settings(region="eu-west-1", public_key=KEY, policy=policy))


@pytest.mark.parametrize(
    "text",
    [
        "file_systems: [fs-0123*]\noptions: []\n",
        '{"file_systems": ["fs-0123*"], "options": []}',
    ],
    ids=["yaml", "json"],
)
def test_a_policy_is_yaml_or_json(text: str, tmp_path: Path) -> None:
    (tmp_path / "policy").write_text(text)
    assert read_policy(tmp_path / "policy") == Policy(file_systems=("fs-0123*",), options=())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "refused"),
        ("{}", "bounds nothing"),
        ("[]", "refused"),
        ("file_system: [fs-1]", "file_systems, mountpoints and options are lists.*unknown field `file_system`"),
        ("options: [a]\noptions: [b]", "policy:2:1: the key 'options' stands twice"),
        ("options: nconnect", "refused"),
        ("options: [7]", "refused"),
        ("options: ['nconnect=4']", "'nconnect=4' is not an option's name"),
        ("file_systems: []", "file_systems is empty, so nothing could ever be mounted"),
        ("mountpoints: []", "mountpoints is empty"),
        ("mountpoints: [SageMaker]", "'SageMaker' is not a directory like"),
        ("mountpoints: [/home/ec2-user/SageMaker/*]", "is not a directory like"),
        ("mountpoints: [/home/]", "'/home/' is not a directory like"),
        ("mountpoints: [/home/../etc]", "without /./ and /../"),
        ('file_systems: ["fs 1"]', "'fs 1' is not an id or a host"),
        ('file_systems: [""]', "'' is not an id or a host"),
        ("options: [a", "not valid YAML"),
        ("#" * 70000, "over 65536 bytes"),
    ],
)
def test_a_policy_that_would_not_bound_what_it_seems_to_is_refused(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "policy").write_text(text)
    with pytest.raises(SettingError, match=says):
        read_policy(tmp_path / "policy")


def test_a_public_key_is_pem_in_a_file_or_base64(tmp_path: Path) -> None:
    der = bytes.fromhex("302a300506032b6570032100") + bytes(range(32))
    key = tmp_path / "key.pub"
    key.write_text(f"-----BEGIN PUBLIC KEY-----\n{base64.b64encode(der).decode()}\n-----END PUBLIC KEY-----\n")
    assert read_public_key(str(key)) == KEY
    assert read_public_key(KEY) == KEY
    assert read_public_key("") == ""
    key.write_text(key.read_text().replace("PUBLIC", "PRIVATE"))
    with pytest.raises(SettingError, match=f"the public key: {key}: this is a private key, and a public key is wanted"):
        read_public_key(str(key))
    with pytest.raises(SettingError, match=r"the public key: there is no file none\.pub"):
        read_public_key("none.pub")


def test_the_command_pins_key_and_policy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "policy.yaml").write_text("mountpoints: [/home/ec2-user/SageMaker]\n")
    argv = ["--bundle-url", URL, "--bundle-sha256", DIGEST, "--output", str(tmp_path), "--public-key", KEY]
    assert main([*argv, "--config-origin", "ssm:///team/mounts", "--policy", str(tmp_path / "policy.yaml")]) == 0
    given = settings(
        config_origin="ssm:///team/mounts", wait_s=0, public_key=KEY, policy=Policy(mountpoints=("/home/ec2-user/SageMaker",))
    )
    assert (tmp_path / "on-start.sh").read_text() == render("on-start", given)
    assert main([*argv, "--policy", str(tmp_path / "none")]) == 2
    assert "none" in capsys.readouterr().err


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

"""fsmount as an administrator delivers it: the bundle of this tree in S3, hooks rendered for it, a configuration."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .aws import Aws
from .cache import cache_folder
from .notebook import NotebookInstance, content

ROOT = Path(__file__).parents[2]
BUCKET = "fsmount-deploy"
SAGEMAKER = "/home/ec2-user/SageMaker"
CONFIG = f"{SAGEMAKER}/.fsmount/mounts.yaml"


@dataclass(frozen=True)
class Bundle:
    path: Path
    digest: str
    key: str


def build_bundle(python: str) -> Bundle:
    """The bundle of this tree for that Python, by the same command as `make bundle`."""
    folder = cache_folder() / "bundles"  # not dist/, which holds what an administrator built
    folder.mkdir(exist_ok=True)
    argv = [sys.executable, str(ROOT / "packaging/build_bundle.py"), "--python", python, "--output", str(folder)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    digest, _, path = done.stdout.strip().splitlines()[-1].partition("  ")
    return Bundle(Path(path), digest, f"bundles/{Path(path).name}")


def upload(aws: Aws, bundle: Bundle) -> str:
    """To S3; the URL that the hooks are given."""
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.upload_file(str(bundle.path), BUCKET, bundle.key)
    return f"s3://{BUCKET}/{bundle.key}"


def hooks(url: str, digest: str, *, origin: str = "file:", wait: int = 30, **pins: Any) -> dict[str, Any]:
    """on_create and on_start as Content, rendered by the same code as the command line uses.

    `pins`: public_key (base64) and policy (fsmount.settings.Policy)."""
    sys.path.insert(0, str(ROOT / "packaging"))
    try:
        import render_hooks
    finally:
        sys.path.pop(0)
    settings = render_hooks.Settings(bundle_url=url, bundle_sha256=digest, config_origin=origin, wait_s=wait, **pins)
    return {f"on_{hook}": content(render_hooks.render(f"on-{hook}", settings)) for hook in ("create", "start")}


def mounts_yaml(*mounts: dict[str, Any], tags: str = "off") -> str:
    """A configuration; JSON is YAML. Tags are off where a test is not about them: boto3 is dear on an emulated processor."""
    rows = "".join(f"  - {json.dumps(mount)}\n" for mount in mounts)
    return f"version: 1\ntags: {tags}\nmounts:\n{rows}" if mounts else f"version: 1\ntags: {tags}\nmounts: []\n"


def a_mount(name: str, server: int, directory: str = "d0", **more: Any) -> dict[str, Any]:
    source = f"fs{server}.test:/{directory}"
    return {"name": name, "type": "nfs", "source": source, "mountpoint": f"{SAGEMAKER}/{name}", **more}


def put_config(notebook: NotebookInstance, text: str, *, reload: bool = True) -> None:
    """As an administrator with sudo on the notebook does it."""
    notebook.machine.succeed(f"install -d -m 755 {SAGEMAKER}/.fsmount")
    notebook.machine.copy_to(text.encode(), CONFIG)
    if reload:
        notebook.machine.succeed("fsmount reload")


def status(notebook: NotebookInstance) -> dict[str, Any]:
    """The report, whatever the exit status says; asked as ec2-user."""
    _, text = notebook.machine.execute("fsmount status --json", user="ec2-user")
    assert text.startswith("{"), f"no report: {text}\n{notebook.log('LifecycleConfigOnStart')}"
    report = json.loads(text)
    assert isinstance(report, dict)
    return report


def mount_of(notebook: NotebookInstance, name: str) -> dict[str, Any]:
    found = [mount for mount in status(notebook)["mounts"] if mount["name"] == name]
    assert found, f"no mount is called {name}"
    mount = found[-1]
    assert isinstance(mount, dict)
    return mount


def mounted(notebook: NotebookInstance) -> dict[str, str]:
    """Mount point -> source of every NFS mount, as the kernel has it."""
    lines = notebook.machine.read_file("/proc/self/mounts").decode().splitlines()
    return {line.split()[1]: line.split()[0] for line in lines if line.split()[2] == "nfs4"}


__all__ = [
    "BUCKET", "CONFIG", "SAGEMAKER", "Bundle", "a_mount", "build_bundle", "cache_folder", "hooks", "mount_of", "mounted",
    "mounts_yaml", "put_config", "status", "upload",
]  # fmt: skip

"""A stand-in for AWS: a real HTTP server (moto) on this host's loopback, the only thing that the machine can reach."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

REGION = "us-east-1"
ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/notebook"


class AwsFailed(Exception):
    """The stand-in for AWS did not start."""


class Aws:
    """The server's process and clients for it. One serves many machines; nothing in it is undone between them."""

    def __init__(self, log: Path) -> None:
        self.log, self.port = log, 0
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, timeout: float = 60) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        argv = ["setpriv", "--pdeathsig", "KILL", "--", sys.executable, "-m", "moto.server"]
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(
                [*argv, "-H", "127.0.0.1", "-p", str(self.port)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + timeout
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = self.log.read_text(errors="replace")[-1500:]
                self.stop()
                raise AwsFailed(f"moto's server did not come up (is moto[server] installed?); it said: {said}")
            time.sleep(0.1)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=10)
            self._process = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, service: str) -> Any:
        """A boto3 client of this host for it."""
        make: Any = boto3.client  # boto3's own types differ with the stubs that are installed
        return make(
            service,
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
            aws_secret_access_key="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            config=Config(s3={"addressing_style": "path"}, connect_timeout=5, read_timeout=30),
        )

    def put_object(self, bucket: str, key: str, body: bytes) -> str:
        """Store an object, making the bucket if it is new; its s3:// address."""
        s3 = self.client("s3")
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key=key, Body=body)
        return f"s3://{bucket}/{key}"

    def tags(self, arn: str) -> dict[str, str]:
        """The tags of a SageMaker resource."""
        listed = self.client("sagemaker").list_tags(ResourceArn=arn)["Tags"]
        return {tag["Key"]: tag["Value"] for tag in listed}

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/moto-api/data.json", timeout=5) as response:
                json.load(response)
            return True
        except (OSError, ValueError):
            return False

"""`fsmount push FILE ORIGIN`: an administrator's. Check a configuration, sign it, put it where notebooks fetch it."""

import argparse
import hashlib
import os
from typing import NamedTuple, Optional

from ..config.findings import Invalid
from ..config.load import load
from ..errors import FsmountError, Permanent
from ..exits import Exit
from ..model import Problem
from ..origin import FileOrigin, Origin, S3Origin, SsmOrigin, parse
from ..problems import CATALOGUE
from ..signature import public_of, read_private, read_public, sign, split, verify
from ..target import FileTarget, Held, Target
from . import here
from .check import examine
from .complain import complain, say, warn
from .parser import Parser

_USAGE = {"origin-invalid", "key-invalid"}  # what was asked for makes no sense; nothing has been asked or sent
# What the catalogue says of these is said to a notebook's owner; whoever pushes sits elsewhere.
_REMEDIES = {
    "aws-credentials": "Log in (`aws sso login`), or set AWS_PROFILE or the other variables of the AWS CLI; then push again.",
    "aws-denied": "Push with an identity that may read and write there: config/iam/administrator.json is what it takes.",
    "aws-no-region": "Give --region, or set AWS_REGION.",
    "aws-unreachable": "Check the network, the region and the proxy of this machine, then push again.",
    "aws-throttled": "Push again in a minute.",
    "aws-failed": "Check the origin (its bucket must be there), --region and AWS_PROFILE; then push again.",
    "aws-clock": "Correct the time of this machine, or the secret key if that is what is wrong; then push again.",
    "config-untrusted": "Choose a place in which only root can write, such as /etc/fsmount/.",
    "config-unsigned": "Sign it (--sign KEYFILE); or, if no notebook pins a key any more, say --unsigned.",
    "config-signature-wrong": "Sign it anew with --sign KEYFILE, with the key whose public half the notebooks pin.",
    "key-invalid": "Keys are Ed25519: the private one in PEM, in a file that only you can read (README: how to make one).",
}


class _Ready(NamedTuple):
    """Everything that is known before AWS is asked."""

    origin: Origin
    content: bytes
    target: Target

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def signed(self) -> bool:
        return split(self.content)[1] is not None


def main(verb: str, argv: list[str]) -> int:
    parser = Parser(verb, "Check a configuration file, sign it if asked, and put it where notebooks fetch it.")
    parser.add_argument("file", help="mounts.yaml, or - for standard input")
    parser.add_argument(
        "origin", help="s3://bucket/key, ssm:///parameter, appconfig://application/environment/profile, file:/path"
    )
    parser.add_argument("--sign", metavar="KEYFILE", help="an Ed25519 private key in PEM, as openssl genpkey makes it")
    parser.add_argument("--public-key", metavar="KEY", help="accept only what this key verifies: as pinned, in base64 or PEM")
    parser.add_argument("--unsigned", action="store_true", help="replace a signed configuration by one without a signature")
    region = os.environ.get("AWS_REGION", "")  # boto3 knows AWS_DEFAULT_REGION and the profile, and not this one
    parser.add_argument("--region", default=region, help="the AWS region (default: as the AWS CLI finds it)")
    parser.add_argument("--strategy", default="AppConfig.AllAtOnce", help="AppConfig's deployment strategy (%(default)s)")
    parser.add_argument("--dry-run", action="store_true", help="check, and look at what is there; put nothing")
    options = parser.parse_args(argv)
    try:
        ready = _prepare(options)
        return _push(ready, options) if isinstance(ready, _Ready) else ready
    except FsmountError as error:
        return _refused(error.problem)


def _prepare(options: argparse.Namespace) -> "_Ready | Exit":
    """Nothing is asked of AWS here, and nothing is sent."""
    origin = parse(options.origin)
    examined = examine(options.file, here.example(options.region), everywhere=True)
    if examined.loaded is None:
        return examined.exit
    content = _signed(examined.content, options.sign, options.region) if options.sign else examined.content
    if options.public_key:
        verify(content, read_public(options.public_key))
    elif not options.sign and split(content)[1] is not None:
        warn("the file bears a signature already, which is not checked without --public-key; --sign KEYFILE makes it anew")
    if isinstance(origin, S3Origin) and "sagemaker" in origin.bucket:
        warn(
            f"the bucket {origin.bucket} has 'sagemaker' in its name: whoever has the usual notebook role "
            "may write there, and so decide what root mounts"
        )
    return _Ready(origin, content, _target(origin, content, options))


def _signed(content: bytes, keyfile: str, region: Optional[str]) -> bytes:
    try:
        key = read_private(keyfile)
    except OSError as error:
        raise Permanent("key-invalid", f"{keyfile}: {error.strerror}") from None
    content = sign(content, key)
    try:
        load(content, *here.example(region))  # one line more may be one too many
    except Invalid as invalid:
        raise Permanent("config-invalid", invalid.findings[0].text("with its signature")) from None
    say(f"signed; the public key to pin is {public_of(key)}")
    return content


def _target(origin: Origin, content: bytes, options: argparse.Namespace) -> Target:
    if isinstance(origin, FileOrigin):
        return FileTarget(origin.path, content)
    from ..aws.deploy import AppConfigTarget
    from ..aws.push import S3Target, SsmTarget

    if isinstance(origin, S3Origin):
        return S3Target(origin, content, options.region)
    if isinstance(origin, SsmOrigin):
        return SsmTarget(origin, content, options.region)
    return AppConfigTarget(origin, content, options.region, options.strategy)


def _push(ready: _Ready, options: argparse.Namespace) -> int:
    before = _before(ready)
    if before is not None and before.digest == ready.digest:
        say(f"{ready.origin.text}: unchanged, nothing to put")
        return Exit.OK
    if before is not None and before.signed and not ready.signed and not options.unsigned:
        observed = (
            f"{ready.origin.text}: what is there bears a signature, this does not: notebooks that pin a key would refuse it"
        )
        raise Permanent("config-unsigned", observed)
    if options.dry_run:
        say(f"would put: {_generation(ready.digest, len(ready.content), ready.signed)}; nothing was put")
        return Exit.OK
    version = ready.target.put()
    say(f"put: {_generation(ready.digest, len(ready.content), ready.signed)}" + (f", version {version}" if version else ""))
    say(_when(ready.origin))
    return Exit.OK


def _before(ready: _Ready) -> Optional[Held]:
    """What is there. Whoever may only write there can push all the same."""
    try:
        before = ready.target.held()
    except FsmountError as error:
        if error.problem.code != "aws-denied":
            raise
        say(f"{ready.origin.text}: what is there now is not known, you may not read it")
        return None
    if before is None:
        say(f"{ready.origin.text}: nothing is there yet")
    else:
        what = f"generation {before.digest[:12]}" if before.digest else "something larger than a configuration"
        signed = ", signed" if before.signed else ""
        say(f"{ready.origin.text}: there now: {what}{signed}" + (f", version {before.version}" if before.version else ""))
    return before


def _generation(digest: str, size: int, signed: bool) -> str:
    return f"generation {digest[:12]}, {size} bytes{', signed' if signed else ''}"


def _when(origin: Origin) -> str:
    if isinstance(origin, FileOrigin):
        return "An agent with this origin reads it within 60 s, or at once with `sudo fsmount reload`."
    return "Notebooks that fetch it from there ask every 60 s; on one, `sudo fsmount reload` asks at once."


def _refused(problem: Problem) -> int:
    complain(f"{problem.observed} [{problem.code}]", _REMEDIES.get(problem.code, CATALOGUE[problem.code].remedy))
    return Exit.USAGE if problem.code in _USAGE else Exit.NOT_OK

"""Asking AWS."""

from .entry import Entry

PROBLEMS: dict[str, Entry] = {
    "aws-denied": Entry(
        "AWS denies it to this notebook's role",
        "The request reached AWS, and the instance's execution role (or a bucket, key or endpoint policy) does not allow it.",
        "Give the role the permission that the message names; config/iam/ has the least policy that fsmount needs. Mounts are "
        "not affected, and it is tried again.",
    ),
    "aws-throttled": Entry(
        "AWS asks for fewer requests",
        "The account's rate for this call is used up at the moment.",
        "Nothing needs to be done: it is tried again, ever more rarely. Mounts are not affected.",
    ),
    "aws-clock": Entry(
        "AWS does not accept the clock of this machine",
        "The request's signature was refused; nearly always because the machine's time is wrong by more than five minutes.",
        "Correct the time (`timedatectl`; Amazon's time server is 169.254.169.123). It is tried again.",
    ),
    "aws-credentials": Entry(
        "there are no valid credentials",
        "The instance's execution role gave no credentials, or ones that have expired.",
        "Check that the notebook instance has an execution role, and that 169.254.169.254 answers. It is tried again.",
    ),
    "aws-unreachable": Entry(
        "AWS does not answer",
        "No connection to the service's endpoint came about, or no answer over it.",
        "Without internet access the VPC needs an endpoint for the service (S3: a gateway endpoint) whose security group lets "
        "in TCP 443. Mounts are not affected, and it is tried again.",
    ),
    "aws-failed": Entry(
        "AWS answered with an error",
        "The service's answer was an error of its own (the message has it).",
        "If it stays: check the message. It is tried again, and mounts are not affected.",
    ),
    "tags-full": Entry(
        "the notebook instance has no room for another tag",
        "A resource has at most 50 tags, and others use them; some or all of fsmount's (fsmount:status first) found no room.",
        "Remove tags from the notebook instance, or say `tags: off` in the configuration. Mounts are not affected.",
    ),
    "aws-no-region": Entry(
        "the region is not known",
        "An AWS service was to be asked, but neither the instance's metadata nor the lifecycle script names a region.",
        "Render the lifecycle scripts with REGION=, or set `region` in /root/.aws/config.",
    ),
    "parameter-too-large": Entry(
        "the configuration is too large for a parameter",
        "Parameter Store holds 4 KiB in its standard tier and 8 KiB in its advanced one.",
        "Keep it in S3, which takes up to 1 MiB: `fsmount push FILE s3://bucket/key`, and the same in ORIGIN= of `make hooks`.",
    ),
    "appconfig-not-found": Entry(
        "AppConfig has no such thing",
        "The origin names an application, an environment and a profile, each by its name or id, and one of them is not there "
        "once in this account and region.",
        "Make it in AppConfig, correct the origin, or give the right region with --region.",
    ),
    "appconfig-busy": Entry(
        "another deployment is under way",
        "AppConfig deploys one thing at a time to an environment, and goes on watching it for the strategy's bake time "
        "(AppConfig.AllAtOnce: 10 minutes).",
        "Push again when it is over, or push with a strategy of your own that has no bake time: --strategy NAME.",
    ),
}

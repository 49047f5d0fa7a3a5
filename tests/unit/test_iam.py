"""The policies in config/iam allow each call that is made, and nothing else.

The calls are found in the syntax tree of agent/fsmount/aws: whatever is called, or named in a string (a paginator's
operation), and is an operation of a service whose client the module asks for, by botocore's own models. What the agent
calls is what its Jobs can reach; what the administrator calls is what `fsmount push` can.
"""

from __future__ import annotations

import ast
import functools
import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore import xform_name

from .test_layers import MODULES, PACKAGE, exists, imports

IAM = PACKAGE.parents[1] / "config/iam"
FILES = sorted(IAM.glob("*.json"))
AWS = [module for module in MODULES if module.startswith("aws/")]
PREFIXES = {"efs": "elasticfilesystem", "appconfigdata": "appconfig"}  # where IAM calls a service otherwise
ACTIONS = {"s3:HeadObject": "s3:GetObject", "s3:ListObjectsV2": "s3:ListBucket"}  # and a call
NO_OPERATIONS = {"get_waiter", "upload_file", "upload_fileobj", "download_file", "download_fileobj", "copy_object"}


@functools.cache
def operations(service: str) -> dict[str, str]:
    """The operations of a service, by what a client's methods are called."""
    names = botocore.session.get_session().get_service_model(service).operation_names
    return {xform_name(name): name for name in names}


@functools.cache
def tree(module: str) -> ast.Module:
    return ast.parse((PACKAGE / module).read_text())


def makers(module: ast.Module) -> Iterator[tuple[ast.Call, str | None]]:
    """Calls that make a client, and the service if it is written down there."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and re.fullmatch(r"(\w+\.)*[Cc]lient", ast.unparse(node.func)) and node.args:
            first = node.args[0]
            yield node, first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None


def services(modules: list[ast.Module]) -> set[str]:
    return {service for module in modules for _, service in makers(module) if service}


def calls(module: ast.Module, known: set[str]) -> set[str]:
    """IAM's names of the calls that a module makes: to the services that it asks for, or, where it is given its clients by
    others, to any of the known ones."""
    found = set()
    for node in ast.walk(module):
        name = node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else None
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            name = node.value
        assert name not in NO_OPERATIONS, f"{name} hides which calls it makes"
        for service in services([module]) or known:
            if name in operations(service):
                action = f"{PREFIXES.get(service, service)}:{operations(service)[name]}"
                found.add(ACTIONS.get(action, action))
    return found


def reached(starts: list[str], beyond: str) -> list[str]:
    """The modules below aws/ that these import, on whatever way that does not lead through `beyond`."""
    found: set[str] = set()
    waiting = list(starts)
    while waiting:
        module = waiting.pop()
        if module in found or (module.startswith(beyond) and module not in starts):
            continue
        found.add(module)
        waiting += [file for file in map(exists, imports(tree(module), module)) if file]
    return sorted(module for module in found if module in AWS)


AGENT = reached([module for module in MODULES if module.startswith("jobs/")], "cli/")
ADMINISTRATOR = reached([module for module in MODULES if module == "cli/push.py"], "jobs/")


def statements(file: Path) -> list[dict[str, Any]]:
    policy = json.loads(file.read_text())
    assert policy.keys() == {"Version", "Statement"}
    assert policy["Version"] == "2012-10-17"
    return list(policy["Statement"])


def allowed(name: str) -> set[str]:
    actions = [action for statement in statements(IAM / name) for action in statement["Action"]]
    assert len(actions) == len(set(actions)), "each is allowed in one place"
    return set(actions)


def made(modules: list[str]) -> set[str]:
    trees = [tree(module) for module in modules]
    return {action for module in trees for action in calls(module, services(trees))}


def test_every_module_that_speaks_to_aws_is_the_agent_s_or_the_administrator_s() -> None:
    assert set(AWS) - {"aws/__init__.py"} <= {*AGENT, *ADMINISTRATOR}


def test_the_service_of_each_client_of_the_agent_s_is_written_down_where_it_is_made() -> None:
    for module in AGENT:
        for node, service in makers(tree(module)) if module != "aws/session.py" else ():
            assert service is not None, f"{module}:{node.lineno}: {ast.unparse(node)}"


def test_the_bundle_carries_what_boto3_must_know_of_each_service_that_the_agent_asks() -> None:
    written = (PACKAGE.parents[1] / "packaging/prune.py").read_text()
    carried = set(re.findall(r'"(\w+)"', written.split("SERVICES = ")[1].split("\n")[0]))
    assert services([tree(module) for module in AGENT]) <= carried


def test_every_call_that_the_agent_makes_is_in_its_policy_and_nothing_else_is() -> None:
    assert made(AGENT) == allowed("notebook-role.json")


def test_every_call_that_a_push_makes_is_in_the_administrator_s_policy_and_nothing_else_is() -> None:
    assert made(ADMINISTRATOR) == allowed("administrator.json")


def test_what_is_encrypted_asks_for_one_permission_more() -> None:
    assert allowed("notebook-role-kms.json") == {"kms:Decrypt"}


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ('session.client("sagemaker", region).list_tags(ResourceArn="a")', {"sagemaker:ListTags"}),
        ('fsx = client("fsx", region)\nfsx.describe_file_systems()', {"fsx:DescribeFileSystems"}),
        ('client("efs", region).get_paginator("describe_mount_targets")', {"elasticfilesystem:DescribeMountTargets"}),
        ('made = Client("appconfig", region, "what")\nall_of(made, "list_applications")', {"appconfig:ListApplications"}),
        ("def given(s3):\n    s3.head_object(Bucket='b', Key='k')", {"s3:GetObject"}),
        ("print('list_tags')", set()),
    ],
)
def test_the_calls_of_a_module_are_found(written: str, found: set[str]) -> None:
    """What the tests above rest on: each way that a call is written in this package."""
    assert calls(ast.parse(written), {"s3", "ssm"}) == found


# -- what the policies are made of


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_policy_allows_single_actions_on_named_resources(file: Path) -> None:
    anything = {
        "FindFsx",
        "PutFsmountMetrics",
        "FindWhatAppConfigCallsByName",
        "KeepTheKeyOfASecureString",
    }  # these calls know no resources
    ids = [statement["Sid"] for statement in statements(file)]
    assert len(ids) == len(set(ids))
    for statement in statements(file):
        assert statement.keys() <= {"Sid", "Effect", "Action", "Resource", "Condition"}
        assert re.fullmatch("[A-Za-z0-9]+", statement["Sid"])
        assert statement["Effect"] == "Allow"
        assert all(re.fullmatch("[a-z0-9]+:[A-Za-z0-9]+", action) for action in statement["Action"])
        resources = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
        assert ("*" in resources) == (statement["Sid"] in anything), statement["Sid"]
        assert all(resource == "*" or resource.startswith("arn:PARTITION:") for resource in resources)
    assert len(re.sub(r"\s", "", file.read_text())) <= 6144, "what a managed policy may hold"


def test_each_word_that_is_to_be_replaced_is_explained() -> None:
    resources = [text for file in FILES for text in re.findall(r'"(arn:[^"]+|[a-z0-9]+\.REGION[^"]*)"', file.read_text())]
    words = {word for text in resources for word in re.findall(r"\b[A-Z]{3,}\b", text)}
    explained = set(re.findall(r"`([A-Z]{3,})`", (IAM / "README.md").read_text()))
    assert words == explained


@pytest.mark.parametrize(
    ("keys", "may"),
    [
        (["fsmount:status"], True),
        (["fsmount:status", "fsmount:mount:a"], True),
        (["Owner"], False),
        (["fsmount:status", "Owner"], False),
        (["xfsmount:status"], False),
        ([], False),
    ],
)
def test_no_other_tag_can_be_written_or_removed(keys: list[str], may: bool) -> None:
    """As IAM evaluates it: "for all values" holds of none as well, and the check for Null makes good for that."""
    (statement,) = [one for one in statements(IAM / "notebook-role.json") if "sagemaker:AddTags" in one["Action"]]
    assert set(statement["Action"]) == {"sagemaker:AddTags", "sagemaker:DeleteTags"}
    condition = statement["Condition"]
    assert condition.keys() == {"ForAllValues:StringLike", "Null"}
    patterns, null = condition["ForAllValues:StringLike"]["aws:TagKeys"], condition["Null"]["aws:TagKeys"]
    like = all(any(fnmatchcase(key, pattern) for pattern in patterns) for key in keys)
    assert (like and (not keys) == (null == "true")) is may


def test_metrics_go_to_one_namespace() -> None:
    from fsmount.metrics import NAMESPACE

    (statement,) = [one for one in statements(IAM / "notebook-role.json") if one["Action"] == ["cloudwatch:PutMetricData"]]
    assert statement["Condition"] == {"StringEquals": {"cloudwatch:namespace": NAMESPACE}}

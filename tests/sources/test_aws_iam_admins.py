"""Policies tell the administrators of an AWS account, whichever way they are attached."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.support import iam as wire
from tests.support.aws import EVERYTHING, accounts, collected, credentials
from tests.support.iam import row


def statement(**told: object) -> str:
    """Write a policy of one statement that allows, unless it says otherwise."""
    return msgspec.json.encode({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **told}]}).decode()


@pytest.mark.parametrize(
    ("document", "privileged"),
    [
        pytest.param(EVERYTHING, True, id="everything"),
        pytest.param(statement(Action=["s3:Get*", "IAM:*"], Resource=["arn:aws:s3:::a", "*"]), True, id="all-of-iam"),
        pytest.param(statement(Action="sts:AssumeRole", Resource="*"), True, id="every-role"),
        pytest.param(statement(NotAction="aws-portal:*", Resource="*"), True, id="all-but"),
        pytest.param(statement(NotAction=["iam:*", "organizations:*"], Resource="*"), False, id="power-user"),
        pytest.param(statement(Action="*", NotResource="arn:aws:s3:::a"), True, id="all-but-one-resource"),
        pytest.param(statement(Action="*", Resource="arn:aws:s3:::a"), False, id="one-resource"),
        pytest.param(statement(Action="s3:*", Resource="*"), False, id="one-service"),
        pytest.param(statement(Action="*", Resource="*", Effect="Deny"), False, id="denied"),
        pytest.param("{}", None, id="new-to-us"),
        pytest.param("not json", None, id="not-json"),
    ],
)
@pytest.mark.parametrize("through", ["inline", "managed", "group", "group-managed"])
async def test_policies_tell_administrators(
    document: str, *, privileged: bool | None, through: str, tmp_path: Path
) -> None:
    """A policy counts the same, a user's or a group's, inline or managed; one that cannot be read is no no."""
    arn = f"arn:aws:iam::{wire.ACCOUNT}:policy/p"
    inlines, managed = (wire.inline(document, "p"),), (wire.attached("p", arn),)
    of_user: dict[str, Any] = {
        "inline": {"inlines": inlines},
        "managed": {"managed": managed},
        "group": {"groups": ("g",)},
        "group-managed": {"groups": ("g",)},
    }[through]
    of_group = {"group": {"inlines": inlines}, "group-managed": {"managed": managed}}.get(through, {})
    pages = [
        wire.details(wire.detail("ana", **of_user), groups=(wire.group("g", **of_group),), marker="m1"),
        wire.details(policies=(wire.policy(arn, EVERYTHING, document),)),
    ]
    found = await collected(tmp_path, row("ana", wire.KEY), GetAccountAuthorizationDetails=pages)
    ana, key = accounts(found)["ana"], credentials(found)["access_key_1"]
    assert ana.privileged is privileged
    assert ana.roles == {True: ("p",), False: (), None: None}[privileged]
    assert key.privileged is privileged


async def test_administrator_access_is_known_by_its_name(tmp_path: Path) -> None:
    """The policy of AWS itself needs no text, in any partition; a policy that is not shown is not told."""
    known = wire.detail(
        "ana", managed=(wire.attached("AdministratorAccess", "arn:aws-cn:iam::aws:policy/AdministratorAccess"),)
    )
    other = wire.detail("ben", managed=(wire.attached("Other", "arn:aws:iam::aws:policy/Other"),))
    ghost = wire.detail("eve", groups=("not-shown",))
    told = wire.details(known, other, ghost)
    found = accounts(await collected(tmp_path, row("ana"), row("ben"), row("eve"), GetAccountAuthorizationDetails=told))
    assert {name: found[name].privileged for name in ("ana", "ben", "eve")} == {"ana": True, "ben": None, "eve": None}
    assert found["ben"].why["privileged"] == "not_exposed"

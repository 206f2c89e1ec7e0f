"""Who administers an AWS account: users whose policies, own or of their groups, allow everything or govern identities.

A statement makes an administrator when it allows every action, every action of IAM, or the taking of any role, on
every resource. Conditions, denials and boundaries are not weighed, so it is rather one administrator too many than one
too few. Named roles that a user may take are not followed.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import unquote

import msgspec

from checks.model.doubt import Gap, facts_gap
from sources.common.aws_query import AwsDenied, Paged, Query

FIELDS: Final = ("account.privileged", "account.roles", "credential.privileged")
"""What the policies tell."""

_WANTED: Final = {
    "MaxItems": "300",
    "Filter.member.1": "User",
    "Filter.member.2": "Group",
    "Filter.member.3": "LocalManagedPolicy",
    "Filter.member.4": "AWSManagedPolicy",
}
_ALL: Final = frozenset({"*", "*:*", "iam:*", "sts:*", "sts:assumerole"})
_IAM: Final = frozenset({"*", "*:*", "iam:*"})


class _Inline(msgspec.Struct, frozen=True, rename="pascal"):
    """A policy of one user or group."""

    policy_name: str
    policy_document: str


class _Attached(msgspec.Struct, frozen=True, rename="pascal"):
    """A managed policy that is attached."""

    policy_name: str
    policy_arn: str


class _User(msgspec.Struct, frozen=True, rename="pascal"):
    """A user with what is attached; an empty list is told as null."""

    arn: str
    create_date: datetime
    user_policy_list: Sequence[_Inline] | None
    group_list: Sequence[str] | None
    attached_managed_policies: Sequence[_Attached] | None


class _Group(msgspec.Struct, frozen=True, rename="pascal"):
    """A group with what is attached."""

    group_name: str
    group_policy_list: Sequence[_Inline] | None
    attached_managed_policies: Sequence[_Attached] | None


class _Version(msgspec.Struct, frozen=True, rename="pascal"):
    """A version of a managed policy."""

    document: str
    is_default_version: bool


class _Policy(msgspec.Struct, frozen=True, rename="pascal"):
    """A managed policy."""

    arn: str
    policy_version_list: Sequence[_Version] | None


class _Details(Paged, frozen=True, kw_only=True, rename="pascal"):
    """One page of an account's authorization details."""

    user_detail_list: Sequence[_User] | None = None
    group_detail_list: Sequence[_Group] | None = None
    policies: Sequence[_Policy] | None = None


class _Statement(msgspec.Struct, frozen=True, rename="pascal"):
    """One statement of a policy."""

    effect: str
    action: str | Sequence[str] | None = None
    not_action: str | Sequence[str] | None = None
    resource: str | Sequence[str] | None = None
    not_resource: str | Sequence[str] | None = None


class _Document(msgspec.Struct, frozen=True, rename="pascal"):
    """A policy's text."""

    statement: _Statement | Sequence[_Statement]


_DOCUMENT: Final = msgspec.json.Decoder(_Document)


@dataclass(frozen=True, slots=True)
class Admins:
    """What the policies say of each user."""

    roles: Mapping[str, tuple[str, ...] | None] = field(default_factory=dict)
    """By ARN, the names of the policies that make an administrator, sorted; None when one of them cannot be read."""
    created: Mapping[str, datetime] = field(default_factory=dict)
    """Creation by ARN, of every user."""
    gap: Gap | None = None
    """Why nothing is told; None: all users are."""

    def privileged(self, arn: str) -> bool | None:
        """Tell whether a user is an administrator; None when it is not told."""
        roles = self.roles.get(arn)
        return None if roles is None else bool(roles)


@dataclass(slots=True)
class _Found:
    """What the pages have brought so far."""

    users: list[_User] = field(default_factory=list)
    groups: dict[str, _Group] = field(default_factory=dict)
    managed: dict[str, bool | None] = field(default_factory=dict)
    """By ARN, whether a managed policy makes an administrator."""

    def add(self, page: _Details) -> None:
        """Take in one page."""
        self.users += page.user_detail_list or ()
        self.groups |= {group.group_name: group for group in page.group_detail_list or ()}
        for policy in page.policies or ():
            texts = [one.document for one in policy.policy_version_list or () if one.is_default_version]
            self.managed[policy.arn] = _administers(texts[0]) if texts else None

    def roles(self, user: _User) -> tuple[str, ...] | None:
        """Name the policies that make a user an administrator; None when that is not told."""
        names: set[str] = set()
        doubt = False
        for name, administers in self._policies(user):
            if administers is True:
                names.add(name)
            doubt = doubt or administers is None
        return tuple(sorted(names)) if names or not doubt else None

    def _policies(self, user: _User) -> Iterable[tuple[str, bool | None]]:
        groups = [self.groups.get(name) for name in user.group_list or ()]
        for holder in (user, *groups):
            if holder is None:
                yield "", None
                continue
            inline = holder.user_policy_list if isinstance(holder, _User) else holder.group_policy_list
            yield from ((one.policy_name, _administers(one.policy_document)) for one in inline or ())
            for one in holder.attached_managed_policies or ():
                known = one.policy_arn.endswith(":aws:policy/AdministratorAccess")
                yield one.policy_name, True if known else self.managed.get(one.policy_arn)


async def read_admins(iam: Query) -> Admins:
    """Read users, groups and policies; a refusal is a gap."""
    found = _Found()
    try:
        async with aclosing(_pages(iam)) as pages:
            async for page in pages:
                found.add(page)
    except AwsDenied as fault:
        return Admins(gap=facts_gap(fault.cause, FIELDS, str(fault)))
    roles = {user.arn: found.roles(user) for user in found.users}
    return Admins(roles, {user.arn: user.create_date for user in found.users})


def _pages(iam: Query) -> AsyncGenerator[_Details, None]:
    return iam.each_page("GetAccountAuthorizationDetails", _Details, _WANTED)


def _administers(document: str) -> bool | None:
    """Tell whether a policy makes an administrator; None when its text is new to us."""
    try:
        told = _DOCUMENT.decode(unquote(document)).statement
    except msgspec.DecodeError:
        return None
    return any(_is_wide(one) for one in ([told] if isinstance(told, _Statement) else told))


def _is_wide(statement: _Statement) -> bool:
    if statement.effect != "Allow":
        return False
    everywhere = "*" in _words(statement.resource) or statement.not_resource is not None
    if statement.not_action is not None:
        return everywhere and not _IAM & set(_words(statement.not_action))
    return everywhere and not _ALL.isdisjoint(_words(statement.action))


def _words(told: Any) -> Sequence[str]:
    """List one word or several, in lower case: actions compare without case."""
    return [told.lower()] if isinstance(told, str) else [word.lower() for word in told or ()]

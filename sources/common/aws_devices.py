"""The MFA devices of an AWS account: which kind a device is, its serial number tells.

A virtual device (a TOTP app) is ``arn:…:mfa/…``, a passkey or security key ``arn:…:u2f/…``, a hardware token the number
that is printed on it. Of the root user only a virtual device is listed; another is a hardware token, a passkey or a
security key, so it is strong at least.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final

import msgspec

from checks.model.doubt import Cause, Gap, facts_gap
from checks.model.records import Account, Factor
from sources.common.aws_query import AwsDenied, AwsFault, Paged, Query
from sources.common.pages import each
from sources.common.source import Context, Plan, Progress

FIELDS: Final = ("account.factors",)
"""What the devices tell."""

_STRENGTHS: Final = {"mfa": "strong", "u2f": "phishing_resistant", "sms-mfa": "weak"}
_GONE: Final = "NoSuchEntity"
_PAGE: Final = 100
_SHARE: Final = 0.9
"""The part of the time that is left which a sweep may plan with."""


class _Device(msgspec.Struct, frozen=True, rename="pascal"):
    serial_number: str


class _Devices(Paged, frozen=True, kw_only=True):
    devices: Sequence[_Device] | None = msgspec.field(name="MFADevices")


class _Owner(msgspec.Struct, frozen=True, rename="pascal"):
    arn: str


class _Virtual(msgspec.Struct, frozen=True, rename="pascal"):
    serial_number: str
    user: _Owner | None = None


class _Virtuals(Paged, frozen=True, kw_only=True):
    devices: Sequence[_Virtual] | None = msgspec.field(name="VirtualMFADevices")


def factor_of(serial: str) -> Factor:
    """Tell the kind and strength of a device by its serial number."""
    if not serial.startswith("arn:"):
        return Factor(kind="hardware", strength="strong")
    word = serial.split(":", 5)[-1].partition("/")[0]
    return Factor(kind=word, strength=_STRENGTHS.get(word))


async def factors_of(iam: Query, user: str) -> tuple[Factor, ...]:
    """Read the devices of a user; raises ``AwsFault``."""
    async with aclosing(iam.each_page("ListMFADevices", _Devices, {"UserName": user})) as pages:
        return tuple([factor_of(one.serial_number) async for page in pages for one in page.devices or ()])


async def factors_of_root(iam: Query) -> tuple[Factor, ...]:
    """Tell the device of a root user that has one; raises ``AwsFault``."""
    async with aclosing(iam.each_page("ListVirtualMFADevices", _Virtuals, {"AssignmentStatus": "Assigned"})) as pages:
        async for page in pages:
            for one in page.devices or ():
                if one.user is not None and one.user.arn.endswith(":root"):
                    return (factor_of(one.serial_number),)
    return (Factor(kind="hardware_or_passkey", strength="strong"),)


def with_factors(account: Account, told: tuple[Factor, ...] | Cause) -> Account:
    """Add the devices of an account, or why they are not told; no device at all overrules the report."""
    why = {name: cause for name, cause in account.why.items() if name != "factors"}
    if isinstance(told, Cause):
        return msgspec.structs.replace(account, factors=None, why=why | {"factors": told.value})
    return msgspec.structs.replace(account, mfa=bool(told), factors=told, why=why)


@dataclass(slots=True)
class Sweep:
    """One request for each user with a device, administrators first, as many as the run has time for."""

    ctx: Context
    iam: Query
    per_second: float
    refused: AwsDenied | None = field(default=None, init=False)
    """Why no more is asked for."""

    async def pages(self, accounts: Sequence[Account]) -> AsyncGenerator[Sequence[Account], None]:
        """Yield the accounts with their devices, a hundred at a time."""
        waiting = sorted(accounts, key=lambda account: (account.privileged is False, account.privileged is None))
        room = min(len(waiting), max(0, int(self.iam.api.left() * self.per_second * _SHARE)))
        self.iam.api.plan = Plan(room, room / self.per_second)
        self.ctx.progress(Progress(self.iam.api.answered, self.iam.api.plan))
        done: list[Account] = []
        async with aclosing(each(waiting[:room], self._of)) as answers:
            async for account, told in answers:
                done.append(with_factors(account, told))
                if len(done) == _PAGE:
                    yield done
                    done = []
        yield [*done, *(with_factors(account, Cause.TRUNCATED) for account in waiting[room:])]

    def gaps(self, told: Sequence[Account]) -> Sequence[Gap]:
        """Say what the sweep did not tell."""
        late = sum(account.why.get("factors") == Cause.TRUNCATED for account in told)
        gaps = [facts_gap(self.refused.cause, FIELDS, str(self.refused))] if self.refused is not None else []
        if late:
            detail = f"{self.ctx.name}: the run has no time for the MFA devices of {late} users; raise timeout"
            gaps.append(facts_gap(Cause.TRUNCATED, FIELDS, f"{detail}, or requests_per_second"))
        return gaps

    async def _of(self, account: Account) -> tuple[Factor, ...] | Cause:
        if self.refused is not None:
            return self.refused.cause
        try:
            return await factors_of(self.iam, account.label or "")
        except AwsDenied as fault:
            self.refused = fault
            return fault.cause
        except AwsFault as fault:
            if fault.code == _GONE:
                return Cause.NOT_EXPOSED
            raise

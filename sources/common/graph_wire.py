"""Microsoft Graph v1.0 as it writes users, registrations, roles and applications, and what its words amount to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, UnsetType

from checks.model.doubt import Cause
from checks.model.records import Factor
from sources.common.errors import Malformed

Id = Annotated[str, msgspec.Meta(min_length=1)]
"""An id, which is never empty."""

METHODS: Final[Mapping[str, str]] = {
    "microsoftAuthenticatorPush": "strong",
    "microsoftAuthenticatorPasswordless": "strong",
    "softwareOneTimePasscode": "strong",
    "hardwareOneTimePasscode": "strong",
    "fido2": "phishing_resistant",
    "fido2SecurityKey": "phishing_resistant",
    "windowsHelloForBusiness": "phishing_resistant",
    "passKeyDeviceBound": "phishing_resistant",
    "passKeyDeviceBoundAuthenticator": "phishing_resistant",
    "passKeyDeviceBoundWindowsHello": "phishing_resistant",
    "mobilePhone": "weak",
    "alternateMobilePhone": "weak",
    "officePhone": "weak",
}
"""Strength by registered method; a word that is not here has none."""

NO_FACTOR: Final = frozenset({"password", "appPassword", "temporaryAccessPass", "email", "securityQuestion", "none"})
"""Registered methods that are no second factor at sign-in: passwords, and what only resets them."""

SUCCESS_SINCE: Final = datetime(2023, 12, 1, tzinfo=UTC)
"""From when on Graph keeps the last successful sign-in; it was not filled in for the time before."""
ACTIVITY_SINCE: Final = datetime(2020, 4, 1, tzinfo=UTC)
"""From when on Graph keeps sign-in attempts."""
ACTIVITY_LAG: Final = timedelta(hours=24)


class SignIns(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """``signInActivity``: two attempts, which may have failed, and a success."""

    last_sign_in_date_time: datetime | None = None
    last_non_interactive_sign_in_date_time: datetime | None = None
    last_successful_sign_in_date_time: datetime | UnsetType | None = UNSET


class User(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """A user of ``GET /users``; null where the directory has nothing."""

    id: Id
    user_principal_name: str | None = None
    mail: str | None = None
    account_enabled: bool | None = None
    user_type: str | None = None
    created_date_time: datetime | None = None
    employee_id: str | None = None
    sign_in_activity: SignIns | None = None


class Registration(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """A row of ``userRegistrationDetails``."""

    id: str
    is_mfa_capable: bool | None = None
    is_admin: bool | None = None
    methods_registered: tuple[str, ...] | None = None


class Principal(msgspec.Struct, frozen=True, gc=False):
    """Who holds a role, as ``$expand`` shows it."""

    kind: str | None = msgspec.field(name="@odata.type", default=None)


class Assignment(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """A role that somebody holds, or may activate."""

    principal_id: Id
    role_definition_id: str
    principal: Principal | None = None


class Definition(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """The name of a role."""

    id: str
    display_name: str | None = None


class Identified(msgspec.Struct, frozen=True, gc=False):
    """A directory object of which only the id and the kind are read."""

    id: Id
    kind: str | None = msgspec.field(name="@odata.type", default=None)


class Secret(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """A password or certificate of an application; never its value."""

    key_id: Id
    display_name: str | None = None
    start_date_time: datetime | None = None
    end_date_time: datetime | None = None


class Application(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """An application registration."""

    id: Id
    display_name: str | None = None
    password_credentials: tuple[Secret, ...] | None = None
    key_credentials: tuple[Secret, ...] | None = None


class Page(msgspec.Struct, frozen=True, gc=False):
    """What every page has."""

    next: str | None = msgspec.field(name="@odata.nextLink", default=None)


class Users(Page, frozen=True, gc=False, kw_only=True):
    """A page of users."""

    value: list[User]


class Registrations(Page, frozen=True, gc=False, kw_only=True):
    """A page of the registration report."""

    value: list[Registration]


class Assignments(Page, frozen=True, gc=False, kw_only=True):
    """A page of role assignments, or of eligibilities."""

    value: list[Assignment]


class Definitions(Page, frozen=True, gc=False, kw_only=True):
    """A page of role definitions."""

    value: list[Definition]


class Members(Page, frozen=True, gc=False, kw_only=True):
    """A page of a group's members."""

    value: list[Identified]


class Applications(Page, frozen=True, gc=False, kw_only=True):
    """A page of applications."""

    value: list[Application]


class _Error(msgspec.Struct, frozen=True):
    code: str = ""


class _Errors(msgspec.Struct, frozen=True):
    error: _Error = _Error()


USERS: Final = msgspec.json.Decoder(Users)
REGISTRATIONS: Final = msgspec.json.Decoder(Registrations)
ASSIGNMENTS: Final = msgspec.json.Decoder(Assignments)
DEFINITIONS: Final = msgspec.json.Decoder(Definitions)
MEMBERS: Final = msgspec.json.Decoder(Members)
APPLICATIONS: Final = msgspec.json.Decoder(Applications)
_ERRORS: Final = msgspec.json.Decoder(_Errors)


def error_code(body: bytes) -> str:
    """Read the code of an error answer; empty when it has none."""
    try:
        return _ERRORS.decode(body).error.code
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""


def real(moment: datetime | UnsetType | None) -> datetime | None:
    """Read an instant; null, absent and the year one say that there was none, and one past the calendar is refused."""
    if not isinstance(moment, datetime) or moment.year == 1:
        return None
    try:
        return moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    except OverflowError:
        raise Malformed("Graph told a time that is outside the calendar; report it") from None


class Told(msgspec.Struct, frozen=True, gc=False):
    """What the registration report tells of an account's second factors."""

    mfa: bool | None = None
    factors: tuple[Factor, ...] | None = None
    cause: Cause | None = None
    """Why one of the two is not told."""


def told(capable: bool | None, methods: Sequence[str], *, guest: bool) -> Told:  # noqa: FBT001 - as the report writes it
    """Rate the methods of one row; a guest without any may have one at home, and is not told to have none.

    ``isMfaCapable`` decides: a method that is registered and not allowed is not usable. Which of several methods are
    allowed, the report does not say.
    """
    if capable is None:
        return Told(cause=Cause.NOT_EXPOSED)
    if not capable:
        return Told(cause=Cause.FEDERATED) if guest else Told(mfa=False, factors=())
    factors = tuple(Factor(kind, METHODS.get(kind)) for kind in sorted({*methods} - NO_FACTOR))
    return Told(mfa=True, factors=factors) if factors else Told(mfa=True, cause=Cause.NOT_EXPOSED)


class Activity(msgspec.Struct, frozen=True, gc=False):
    """When an account was last used, as far as Graph tells."""

    last: datetime | None = None
    never: bool | None = None
    lag: timedelta | None = None
    basis: str | None = None


def activity(signed: SignIns | None, created: datetime | None) -> Activity:
    """Read the last use of an account whose sign-ins were asked for.

    A success counts. An attempt may have failed, so where Graph keeps successes and has none, the last use lies
    anywhere between their beginning (or the account's) and the last attempt. Nothing at all is never, unless the
    account is older than the record.
    """
    signed = signed or SignIns()
    success = real(signed.last_successful_sign_in_date_time)
    if success is not None:
        return Activity(success, never=False, lag=ACTIVITY_LAG, basis="success")
    tried = (real(signed.last_sign_in_date_time), real(signed.last_non_interactive_sign_in_date_time))
    attempt = max((moment for moment in tried if moment is not None), default=None)
    if attempt is None:
        old = created is None or created < ACTIVITY_SINCE
        return Activity() if old else Activity(never=True, lag=ACTIVITY_LAG, basis="any")
    start = max(SUCCESS_SINCE, created or SUCCESS_SINCE)
    if signed.last_successful_sign_in_date_time is UNSET or attempt <= start:
        return Activity(attempt, lag=ACTIVITY_LAG, basis="attempt")
    return Activity(start, lag=attempt - start + ACTIVITY_LAG, basis="attempt")

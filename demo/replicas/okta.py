"""A replica of an Okta org: the management API's user, factor, role, group and token lists.

Modelled on Okta's OpenAPI document (okta/okta-management-openapi-spec, management-minimal.yaml, API 2026.06.3) and on
developer.okta.com/docs/reference: rl-best-practices, rl-global-mgmt, error-codes. What Okta does not say is a switch of
the tenant.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final
from uuid import uuid4

from aiohttp import web

from demo.replicas import okta_json as wire
from demo.replicas.faults import Failed, Faults, Throttled
from demo.replicas.inject import application, gateway_page, shape, waiting
from demo.replicas.limits import Bucket, Reading
from demo.replicas.okta_search import Predicate, parse_filter, parse_search
from demo.replicas.okta_tenant import (
    ALL_SCOPES,
    LONG_AGO,
    Index,
    OktaApiToken,
    OktaEnrollment,
    OktaFactor,
    OktaGroup,
    OktaRole,
    OktaTenant,
    OktaUser,
)
from demo.replicas.paging import Page, Row, T, cut, json_response, pick

__all__ = [
    "ALL_SCOPES",
    "LONG_AGO",
    "OktaApiToken",
    "OktaEnrollment",
    "OktaFactor",
    "OktaGroup",
    "OktaRole",
    "OktaTenant",
    "OktaUser",
    "app",
]

_SUMMARIES: Final = {
    "E0000006": (403, "You do not have permission to perform the requested action"),
    "E0000009": (500, "Internal Server Error"),
    "E0000011": (401, "Invalid token provided"),
    "E0000047": (429, "API call exceeded rate limit due to too many requests."),
}
_MAX_USERS: Final = 200
_MAX_MEMBERS: Final = 1000
_MAX_GROUPS: Final = 10_000


@dataclass
class _State:
    """What the replica keeps beside the tenant."""

    tenant: OktaTenant
    clock: Callable[[], float]
    buckets: dict[str, Bucket] = field(default_factory=dict)
    index: Index = field(default_factory=Index)

    def take(self, bucket: str) -> Reading:
        limit = self.tenant.per_minute[bucket]
        kept = self.buckets.setdefault(bucket, Bucket(limit, 60))
        kept.limit = limit
        return kept.take(self.clock())


@dataclass(frozen=True)
class _Ask:
    """One authorised request."""

    request: web.Request
    state: _State

    @property
    def tenant(self) -> OktaTenant:
        return self.state.tenant

    @property
    def origin(self) -> str:
        return str(self.request.url.origin())

    def user(self) -> OktaUser:
        """Return the user that the path names; raises _Refused when there is none."""
        name = self.request.match_info["id"]
        found = self.state.index.user(self.tenant, name)
        if found is None:
            raise _Refused("E0000007", 404, f"Not found: Resource not found: {name} (User)")
        return found

    def group(self) -> OktaGroup:
        """Return the group that the path names; raises _Refused when there is none."""
        name = self.request.match_info["id"]
        found = next((group for group in self.tenant.groups if group.id == name), None)
        if found is None:
            raise _Refused("E0000007", 404, f"Not found: Resource not found: {name} (UserGroup)")
        return found

    def limit(self, default: int, most: int) -> int:
        """Return the page size asked for; above ``most`` it is ``most``."""
        told = self.request.query.get("limit", str(default))
        if not told.isdecimal() or int(told) < 1:
            raise _Refused("E0000001", 400, "Api validation failed: limit")
        return min(int(told), most)


class _Refused(Exception):
    """Okta refuses this request: its error code, HTTP status and summary."""

    def __init__(self, code: str, status: int, summary: str) -> None:
        super().__init__(code)
        self.code, self.status, self.summary = code, status, summary


_STATE: Final = web.AppKey("okta", _State)

Handler = Callable[[_Ask], web.Response]


def app(tenant: OktaTenant, faults: Faults | None = None, *, clock: Callable[[], float] = time.time) -> web.Application:
    """Return the replica of one org; ``clock`` gives epoch seconds for the rate limits."""
    replica = application(faults, _refuse)
    replica[_STATE] = _State(tenant, clock)
    for path, scope, bucket, handler in _ROUTES:
        replica.router.add_get(path, partial(_answer, handler, scope, bucket))
    return replica


async def _answer(handler: Handler, scope: str, bucket: str, request: web.Request) -> web.Response:
    state = request.app[_STATE]
    scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
    granted = state.tenant.credentials.get(credential) if scheme in {"SSWS", "Bearer"} else None
    if granted is None:
        return _error("E0000011")
    reading = state.take(bucket)
    if not reading.allowed:
        return _error("E0000047", headers=_limits(reading))
    if scope not in granted:
        return _error("E0000006", headers=_limits(reading))
    try:
        response = handler(_Ask(request, state))
    except _Refused as refused:
        response = _error(refused.code, refused.status, refused.summary)
    response.headers.update(_limits(reading))
    return response


# ------------------------------------------------------------------------------------------------- the answers


def _users(ask: _Ask) -> web.Response:
    predicate = _predicate(ask)
    users, cursor = _cut(ask, _sorted(ask), ask.limit(_MAX_USERS, _MAX_USERS), lambda user: user.id, predicate)
    return _linked(ask, [_projected(ask, user) for user in users], cursor)


def _sorted(ask: _Ask) -> Sequence[OktaUser]:
    """Sort as a search may ask for: by creation alone, users of one instant by id."""
    query = ask.request.query
    if "search" not in query or "sortBy" not in query:
        return ask.tenant.users
    if query["sortBy"] != "created":
        raise _Refused("E0000031", 400, f"Invalid search criteria: sortBy {query['sortBy']}")
    by_id = sorted(ask.tenant.users, key=lambda user: user.id)
    return sorted(by_id, key=lambda user: user.created, reverse=query.get("sortOrder") == "desc")


def _predicate(ask: _Ask) -> Callable[[OktaUser], bool]:
    query = ask.request.query
    expressions: list[Predicate] = []
    try:
        if "search" in query:
            expressions.append(parse_search(query["search"]))
        if "filter" in query:
            expressions.append(parse_filter(query["filter"]))
    except ValueError as error:
        raise _Refused("E0000031", 400, str(error)) from error
    if not expressions:
        return lambda user: user.status != "DEPROVISIONED"
    return lambda user: all(expression(partial(wire.field_of, user)) for expression in expressions)


def _projected(ask: _Ask, user: OktaUser) -> Row:
    row = wire.user_row(user, ask.origin)
    if "okta-response=" in (asked := ask.request.headers.get("Content-Type", "")) and "omitCredentials" in asked:
        del row["credentials"]
    if "fields" not in ask.request.query:
        return row
    fields = ask.request.query["fields"].replace(" ", "")
    inner = re.search(r"profile:\(([^)]*)\)", fields)
    if inner is not None:
        row["profile"] = pick(row["profile"], inner[1].split(","))
        fields = fields.replace(inner[0], "profile")
    return pick(row, ["id", *fields.split(",")])


def _user(ask: _Ask) -> web.Response:
    return json_response(wire.user_row(ask.user(), ask.origin))


def _factors(ask: _Ask) -> web.Response:
    user, hidden = ask.user(), ask.tenant.factors_hidden_by_policy
    shown = [factor for factor in wire.factors(user) if factor.factor_type not in hidden]
    return _whole(ask, [wire.factor_row(user, factor, ask.origin) for factor in shown])


def _enrollments(ask: _Ask) -> web.Response:
    user = ask.user()
    if ask.tenant.engine == "classic":
        raise _Refused("E0000007", 404, "Not found: Resource not found: authenticator-enrollments (Resource)")
    return _whole(
        ask, [wire.enrollment_row(user, at, each, ask.origin) for at, each in enumerate(wire.enrollments(user))]
    )


def _user_roles(ask: _Ask) -> web.Response:
    user = ask.user()
    rows = [wire.role_row(role, at, f"users/{user.id}", ask.origin) for at, role in enumerate(user.roles)]
    for group in ask.tenant.groups:
        if group.roles and user.id in group.members:
            rows += [wire.role_row(role, at, f"groups/{group.id}", ask.origin) for at, role in enumerate(group.roles)]
    return _whole(ask, rows)


def _assignees(ask: _Ask) -> web.Response:
    through: set[str] = set()
    if ask.tenant.assignees_include_groups:
        through = {member for group in ask.tenant.groups if group.roles for member in group.members}
    users, cursor = _cut(
        ask,
        ask.tenant.users,
        ask.limit(100, _MAX_USERS),
        lambda user: user.id,
        lambda user: bool(user.roles) or user.id in through,
    )
    page = _page(ask, [wire.assignee_row(user, ask.origin) for user in users], cursor)
    body: Row = {"value": page.rows, "_links": {}}
    if page.next_url is not None:
        body["_links"] = {"next": {"href": page.next_url}}
    return json_response(body)


def _groups(ask: _Ask) -> web.Response:
    groups, cursor = _cut(ask, ask.tenant.groups, ask.limit(_MAX_GROUPS, _MAX_GROUPS), lambda group: group.id)
    return _linked(ask, [wire.group_row(group, ask.origin) for group in groups], cursor)


def _group_roles(ask: _Ask) -> web.Response:
    group = ask.group()
    return _whole(
        ask, [wire.role_row(role, at, f"groups/{group.id}", ask.origin) for at, role in enumerate(group.roles)]
    )


def _group_users(ask: _Ask) -> web.Response:
    found = (ask.state.index.user(ask.tenant, member) for member in ask.group().members)
    members = [user for user in found if user is not None]
    users, cursor = _cut(ask, members, ask.limit(_MAX_MEMBERS, _MAX_MEMBERS), lambda user: user.id)
    return _linked(ask, [wire.user_row(user, ask.origin) for user in users], cursor)


def _api_tokens(ask: _Ask) -> web.Response:
    return _whole(ask, [wire.api_token_row(token, ask.origin) for token in ask.tenant.api_tokens])


_ROUTES: Final[tuple[tuple[str, str, str, Handler], ...]] = (
    ("/api/v1/users", "okta.users.read", "users", _users),
    ("/api/v1/users/{id}", "okta.users.read", "user", _user),
    ("/api/v1/users/{id}/factors", "okta.users.read", "user", _factors),
    ("/api/v1/users/{id}/authenticator-enrollments", "okta.users.read", "user", _enrollments),
    ("/api/v1/users/{id}/roles", "okta.roles.read", "user", _user_roles),
    ("/api/v1/iam/assignees/users", "okta.roles.read", "iam", _assignees),
    ("/api/v1/groups", "okta.groups.read", "groups", _groups),
    ("/api/v1/groups/{id}/roles", "okta.roles.read", "groups", _group_roles),
    ("/api/v1/groups/{id}/users", "okta.groups.read", "groups", _group_users),
    ("/api/v1/api-tokens", "okta.apiTokens.read", "api-tokens", _api_tokens),
)
"""Path, scope, rate-limit bucket, answer."""


# ------------------------------------------------------------------------------------------------ the envelopes


def _cut(
    ask: _Ask,
    items: Sequence[T],
    limit: int,
    key: Callable[[T], str],
    keep: Callable[[T], bool] = lambda _: True,
) -> tuple[list[T], str | None]:
    try:
        return cut(items, ask.request.query.get("after"), limit, key, keep)
    except ValueError as error:
        raise _Refused("E0000001", 400, "Api validation failed: after") from error


def _page(ask: _Ask, rows: list[Row], cursor: str | None) -> Page:
    url = ask.request.url
    following = None if cursor is None else str(url.update_query(after=cursor))
    return shape(ask.request, Page(rows, str(url), following))


def _linked(ask: _Ask, rows: list[Row], cursor: str | None) -> web.Response:
    """Write a page with one ``Link`` header line per relation, as Okta does: a client that reads one line sees self."""
    page = _page(ask, rows, cursor)
    response = json_response(page.rows)
    response.headers.add("Link", f'<{page.url}>; rel="self"')
    if page.next_url is not None:
        response.headers.add("Link", f'<{page.next_url}>; rel="next"')
    return response


def _whole(ask: _Ask, rows: list[Row]) -> web.Response:
    return json_response(_page(ask, rows, None).rows)


def _limits(reading: Reading) -> dict[str, str]:
    return {
        "X-Rate-Limit-Limit": str(reading.limit),
        "X-Rate-Limit-Remaining": str(reading.remaining),
        "X-Rate-Limit-Reset": str(reading.reset),
    }


def _error(
    code: str, status: int | None = None, summary: str | None = None, headers: dict[str, str] | None = None
) -> web.Response:
    usual_status, usual_summary = _SUMMARIES.get(code, (500, ""))
    body = {
        "errorCode": code,
        "errorSummary": summary or usual_summary,
        "errorLink": code,
        "errorId": f"oae{uuid4().hex[:20]}",
        "errorCauses": [],
    }
    return json_response(body, status or usual_status, headers)


def _refuse(request: web.Request, effect: Throttled | Failed) -> web.Response:
    if isinstance(effect, Failed):
        return gateway_page(effect) if effect.html else _error("E0000009", effect.status, headers=waiting(effect))
    if effect.wait_s is None:
        return _error("E0000047")
    limit = 75 if effect.kind == "concurrency" else 600
    reset = int(request.app[_STATE].clock()) + effect.wait_s
    reading = Reading(limit=limit, remaining=0, used=limit, reset=reset, retry_after=effect.wait_s, allowed=False)
    return _error("E0000047", headers=_limits(reading))

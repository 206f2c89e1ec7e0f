"""A replica of Microsoft Graph v1.0 and of the token endpoint before it, for one Entra tenant.

Modelled on learn.microsoft.com/graph: api/user-list, resources/signinactivity, paging, errors, throttling-limits,
api/authenticationmethodsroot-list-userregistrationdetails, api/rbacapplication-list-roleassignments, and on
learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Final
from uuid import uuid4

import msgspec
from aiohttp import web

from demo.replicas import graph_json as wire
from demo.replicas.faults import Failed, Faults, Throttled
from demo.replicas.graph_tenant import (
    ALL_PERMISSIONS,
    GLOBAL_ADMINISTRATOR,
    LONG_AGO,
    ROLES,
    AppCredential,
    GraphApplication,
    GraphClient,
    GraphGroup,
    GraphServicePrincipal,
    GraphTenant,
    GraphUser,
    RoleAssignment,
    SignIn,
    guid,
)
from demo.replicas.inject import application, gateway_page, shape, waiting
from demo.replicas.limits import Bucket
from demo.replicas.paging import Page, Row, T, cut, json_response, pick

__all__ = [
    "ALL_PERMISSIONS",
    "GLOBAL_ADMINISTRATOR",
    "LONG_AGO",
    "ROLES",
    "AppCredential",
    "GraphApplication",
    "GraphClient",
    "GraphGroup",
    "GraphServicePrincipal",
    "GraphTenant",
    "GraphUser",
    "RoleAssignment",
    "SignIn",
    "app",
    "guid",
]

_MAX_TOP: Final = 999


@dataclass(frozen=True)
class _Issued:
    """An access token that was handed out."""

    permissions: frozenset[str]
    expires: float
    """Epoch seconds."""


@dataclass
class _State:
    """What the replica keeps beside the tenant."""

    tenant: GraphTenant
    clock: Callable[[], float]
    issued: dict[str, _Issued] = field(default_factory=dict)
    bucket: Bucket = field(default_factory=lambda: Bucket(0, 10))


@dataclass(frozen=True)
class _Ask:
    """One authorised request."""

    request: web.Request
    tenant: GraphTenant
    permissions: frozenset[str]

    def selected(self) -> tuple[str, ...] | None:
        """Return the properties that ``$select`` names, None without it."""
        told = self.request.query.get("$select")
        return None if told is None else tuple(name.strip() for name in told.split(","))

    def top(self) -> int:
        """Return the page size asked for."""
        told = self.request.query.get("$top", str(self.tenant.page_size))
        if not told.isdecimal() or not 1 <= int(told) <= _MAX_TOP:
            message = f"Invalid page size specified: '{told}'. Must be between 1 and {_MAX_TOP} inclusive."
            raise _Refused(400, "Request_UnsupportedQuery", message)
        return int(told)


class _Refused(Exception):
    """Graph refuses this request: its HTTP status, error code and message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code)
        self.status, self.code, self.message = status, code, message


_STATE: Final = web.AppKey("graph", _State)

Handler = Callable[[_Ask], web.Response]


def app(
    tenant: GraphTenant, faults: Faults | None = None, *, clock: Callable[[], float] = time.time
) -> web.Application:
    """Return the replica of one tenant; ``clock`` gives epoch seconds for tokens and limits.

    The token endpoint is ``POST /{tenant}/oauth2/v2.0/token``, the API is under ``/v1.0``.
    """
    replica = application(faults, _refuse)
    replica[_STATE] = _State(tenant, clock)
    replica.router.add_post("/{tenant}/oauth2/v2.0/token", _token)
    for path, permission, handler in _ROUTES:
        replica.router.add_get(f"/v1.0{path}", partial(_answer, handler, permission))
    return replica


# -------------------------------------------------------------------------------------------------- the tokens


async def _token(request: web.Request) -> web.Response:
    state = request.app[_STATE]
    form = await request.post()
    client_id = str(form.get("client_id", ""))
    client = state.tenant.clients.get(client_id)
    if request.match_info["tenant"] != state.tenant.tenant_id:
        return _no_token(400, "invalid_request", 90002, f"Tenant '{request.match_info['tenant']}' not found.")
    if form.get("grant_type") != "client_credentials":
        return _no_token(400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type.")
    if client is None:
        return _no_token(
            400, "unauthorized_client", 700016, f"Application with identifier '{client_id}' was not found."
        )
    if form.get("client_secret") != client.key:
        return _no_token(401, "invalid_client", 7000215, "Invalid client secret provided.")
    if not str(form.get("scope", "")).endswith("/.default"):
        return _no_token(400, "invalid_scope", 1002012, "The scope must be of the form resource/.default.")
    now, lifetime = state.clock(), state.tenant.token_lifetime_s
    token = _jwt({"tid": state.tenant.tenant_id, "appid": client_id, "roles": sorted(client.permissions)})
    state.issued = {told: issued for told, issued in state.issued.items() if issued.expires > now}
    state.issued[token] = _Issued(client.permissions, now + lifetime)
    return json_response(
        {"token_type": "Bearer", "expires_in": lifetime, "ext_expires_in": lifetime, "access_token": token}
    )


def _jwt(claims: Row) -> str:
    """Write a token whose claims a client can read, as Graph's are; the signature is only noise."""
    head, body = ({"typ": "JWT", "alg": "RS256"}, claims)
    parts = [base64.urlsafe_b64encode(msgspec.json.encode(part)).decode().rstrip("=") for part in (head, body)]
    return ".".join([*parts, uuid4().hex])


def _no_token(status: int, error: str, code: int, message: str) -> web.Response:
    body = {
        "error": error,
        "error_description": f"AADSTS{code}: {message}",
        "error_codes": [code],
        "timestamp": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%SZ}",
        "trace_id": str(uuid4()),
        "correlation_id": str(uuid4()),
    }
    return json_response(body, status)


async def _answer(handler: Handler, permission: str, request: web.Request) -> web.Response:
    state = request.app[_STATE]
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    issued = state.issued.get(token)
    if scheme != "Bearer" or issued is None:
        return _error(401, "InvalidAuthenticationToken", "Access token is empty or its signature is invalid.")
    if issued.expires <= state.clock():
        return _error(401, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.")
    state.bucket.limit = state.tenant.units_per_10s
    cost = _cost(request)
    reading = state.bucket.take(state.clock(), cost)
    if not reading.allowed:
        return _throttled(reading.retry_after)
    try:
        _permit(permission, issued.permissions)
        response = handler(_Ask(request, state.tenant, issued.permissions))
    except _Refused as refused:
        response = _error(refused.status, refused.code, refused.message)
    response.headers["x-ms-resource-unit"] = str(cost)
    if reading.used > 0.8 * reading.limit:
        response.headers["x-ms-throttle-limit-percentage"] = f"{reading.used / reading.limit:.2f}"
    return response


def _cost(request: web.Request) -> int:
    """Return the request's resource units: 2 for a list, less with ``$select`` or a small page, more to expand."""
    query = request.query
    small = query.get("$top", "").isdecimal() and int(query["$top"]) < 20
    return max(1, 2 - ("$select" in query) + ("$expand" in query) - small)


def _permit(permission: str, granted: frozenset[str]) -> None:
    if permission in granted:
        return
    if permission == "AuditLog.Read.All":
        message = f"Calling principal does not have required MSGraph permissions {permission}"
        raise _Refused(403, "Authentication_MSGraphPermissionMissing", message)
    raise _Refused(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")


def _premium(tenant: GraphTenant) -> None:
    if not tenant.premium:
        message = "Neither tenant is B2C or tenant doesn't have premium license"
        raise _Refused(403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant", message)


# ------------------------------------------------------------------------------------------------- the answers


def _users(ask: _Ask) -> web.Response:
    _unsupported(ask, "$filter", "$skip", "$expand")
    names = ask.selected()
    activity = names is not None and "signInActivity" in names
    unknown = next((name for name in names or () if name not in wire.selectable()), None)
    if unknown is not None:
        message = f"Parsing OData Select and Expand failed: Could not find a property named '{unknown}'"
        raise _Refused(400, "BadRequest", f"{message} on type 'microsoft.graph.user'.")
    if activity:
        _permit("AuditLog.Read.All", ask.permissions)
        _premium(ask.tenant)
    limit = min(ask.top(), ask.tenant.sign_in_page_cap) if activity else ask.top()
    users, cursor = _cut(ask, ask.tenant.users, limit, lambda user: user.id)
    wanted = wire.USER_DEFAULTS if names is None else (*names, "id") if activity else names
    rows = [pick(_readable(ask, user), wanted) for user in users]
    context = "users" if names is None else f"users({','.join(names)})"
    return _listed(ask, context, rows, cursor, len(ask.tenant.users))


def _users_count(ask: _Ask) -> web.Response:
    """Count the users; Graph does so only for who accepts a count that may lag."""
    if ask.request.headers.get("ConsistencyLevel", "").lower() != "eventual":
        raise _Refused(400, "Request_BadRequest", "$count is not currently supported.")
    return web.Response(text=str(len(ask.tenant.users)), content_type="text/plain", charset="utf-8")


def _readable(ask: _Ask, user: GraphUser) -> Row:
    """Write a user; without its own permission the leave date is null and nothing says so."""
    row = wire.user_row(user)
    if "User-LifeCycleInfo.Read.All" not in ask.permissions:
        row["employeeLeaveDateTime"] = None
    return row


def _registrations(ask: _Ask) -> web.Response:
    _unsupported(ask, "$skip")
    _premium(ask.tenant)
    holders = {assignment.principal_id for assignment in ask.tenant.role_assignments}
    through = {member for group in ask.tenant.groups if group.id in holders for member in group.members}
    users, cursor = _cut(ask, ask.tenant.users, ask.top(), lambda user: user.id, lambda user: user.account_enabled)
    rows = [wire.registration_row(user, ask.tenant, frozenset(holders | through)) for user in users]
    return _listed(ask, "reports/authenticationMethods/userRegistrationDetails", _selected(ask, rows), cursor)


def _role_assignments(ask: _Ask) -> web.Response:
    _unsupported(ask, "$skip", "$filter")
    assignments, cursor = _cut(ask, ask.tenant.role_assignments, ask.top(), lambda assignment: assignment.id)
    rows = [wire.role_assignment_row(assignment) for assignment in assignments]
    expanded = ask.request.query.get("$expand", "").split(",")
    if "principal" in expanded:
        principals = wire.principal_rows(ask.tenant, {row["principalId"] for row in rows})
        rows = [row | {"principal": principals.get(row["principalId"])} for row in rows]
    if "roleDefinition" in expanded:
        rows = [row | {"roleDefinition": wire.role_definition_row(row["roleDefinitionId"])} for row in rows]
    return _listed(ask, "roleManagement/directory/roleAssignments", rows, cursor)


def _role_definitions(ask: _Ask) -> web.Response:
    rows = [wire.role_definition_row(definition_id) for definition_id in ROLES]
    return _listed(ask, "roleManagement/directory/roleDefinitions", _selected(ask, rows), None)


def _applications(ask: _Ask) -> web.Response:
    _unsupported(ask, "$filter", "$skip", "$expand")
    found, cursor = _cut(ask, ask.tenant.applications, ask.top(), lambda each: each.id)
    rows = [wire.application_row(each) for each in found]
    return _listed(ask, "applications", _selected(ask, rows), cursor, len(ask.tenant.applications))


def _members(ask: _Ask) -> web.Response:
    group = next((group for group in ask.tenant.groups if group.id == ask.request.match_info["id"]), None)
    if group is None:
        message = f"Resource '{ask.request.match_info['id']}' does not exist or one of its queried reference-property"
        raise _Refused(404, "Request_ResourceNotFound", f"{message} objects are not present.")
    members, cursor = _cut(ask, group.members, ask.top(), str)
    principals = wire.principal_rows(ask.tenant, set(members))
    rows = [principals[member] for member in members if member in principals]
    if (names := ask.selected()) is not None:
        rows = [pick(row, ("@odata.type", *names)) for row in rows]
    return _listed(ask, "directoryObjects", rows, cursor)


_ROUTES: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("/users", "User.Read.All", _users),
    ("/users/$count", "User.Read.All", _users_count),
    ("/reports/authenticationMethods/userRegistrationDetails", "AuditLog.Read.All", _registrations),
    ("/roleManagement/directory/roleAssignments", "RoleManagement.Read.Directory", _role_assignments),
    ("/roleManagement/directory/roleDefinitions", "RoleManagement.Read.Directory", _role_definitions),
    ("/groups/{id}/members", "GroupMember.Read.All", _members),
    ("/groups/{id}/transitiveMembers", "GroupMember.Read.All", _members),
    ("/applications", "Application.Read.All", _applications),
)
"""Path under ``/v1.0``, application permission, answer."""


# ------------------------------------------------------------------------------------------------ the envelopes


def _unsupported(ask: _Ask, *options: str) -> None:
    for option in options:
        if option in ask.request.query:
            raise _Refused(400, "Request_UnsupportedQuery", f"'{option}' is not supported by the service.")


def _selected(ask: _Ask, rows: list[Row]) -> list[Row]:
    names = ask.selected()
    return rows if names is None else [pick(row, names) for row in rows]


def _cut(
    ask: _Ask,
    items: Sequence[T],
    limit: int,
    key: Callable[[T], str],
    keep: Callable[[T], bool] = lambda _: True,
) -> tuple[list[T], str | None]:
    try:
        return cut(items, ask.request.query.get("$skiptoken"), limit, key, keep)
    except ValueError as error:
        message = "The specified page token value has expired and can no longer be included in your request."
        raise _Refused(400, "Directory_ExpiredPageToken", message) from error


def _listed(ask: _Ask, context: str, rows: list[Row], cursor: str | None, total: int | None = None) -> web.Response:
    url = ask.request.url
    following = None if cursor is None else str(url.update_query({"$skiptoken": cursor}))
    page = shape(ask.request, Page(rows, str(url), following))
    body: Row = {"@odata.context": f"{url.origin()}/v1.0/$metadata#{context}"}
    eventual = ask.request.headers.get("ConsistencyLevel", "").lower() == "eventual"
    if ask.request.query.get("$count") == "true" and eventual and "$skiptoken" not in url.query and total is not None:
        body["@odata.count"] = total
    if page.next_url is not None:
        body["@odata.nextLink"] = page.next_url
    return json_response(body | {"value": page.rows}, charset="utf-8")


def _error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> web.Response:
    request_id = str(uuid4())
    inner = {
        "date": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}",
        "request-id": request_id,
        "client-request-id": request_id,
    }
    body = {"error": {"code": code, "message": message, "innerError": inner}}
    return json_response(body, status, {"request-id": request_id, **(headers or {})})


def _throttled(wait_s: int | None) -> web.Response:
    headers = {} if wait_s is None else {"Retry-After": str(wait_s)}
    return _error(429, "TooManyRequests", "Too many requests. Please try again later.", headers)


def _refuse(_request: web.Request, effect: Throttled | Failed) -> web.Response:
    if isinstance(effect, Throttled):
        return _throttled(effect.wait_s)
    if effect.html:
        return gateway_page(effect)
    code = "serviceNotAvailable" if effect.status == 503 else "UnknownError"
    return _error(effect.status, code, "", waiting(effect))

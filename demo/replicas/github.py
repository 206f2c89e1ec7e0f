"""A replica of GitHub's REST API for one organisation, version 2022-11-28.

Modelled on github/rest-api-description and docs.github.com/rest: orgs/members, orgs/outside-collaborators,
orgs/personal-access-tokens, deploy-keys, using-pagination-in-the-rest-api, rate-limits-for-the-rest-api, and on
docs.github.com/enterprise-cloud@latest/rest/orgs/orgs for the audit log and credential authorisations.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Literal

from aiohttp import web

from demo.replicas import github_json as wire
from demo.replicas.faults import Failed, Faults, Throttled
from demo.replicas.github_tenant import (
    ALL_SCOPES,
    LONG_AGO,
    AuditEvent,
    CredentialAuthorization,
    DeployKey,
    FineGrainedToken,
    GithubTenant,
    GithubToken,
    GithubUser,
    Installation,
    Repository,
)
from demo.replicas.inject import application, gateway_page, shape, waiting
from demo.replicas.limits import Bucket, Reading
from demo.replicas.paging import Page, Row, cut, json_response, link_header, numbered

__all__ = [
    "ALL_SCOPES",
    "LONG_AGO",
    "AuditEvent",
    "CredentialAuthorization",
    "DeployKey",
    "FineGrainedToken",
    "GithubTenant",
    "GithubToken",
    "GithubUser",
    "Installation",
    "Repository",
    "app",
]

_DOCS: Final = "https://docs.github.com/rest"
_MAX_PER_PAGE: Final = 100
_SECONDARY: Final = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
_NOT_FOR_TOKENS: Final = "Resource not accessible by personal access token"
_NOT_OWNER: Final = "You must be an owner of this organization."


@dataclass
class _State:
    """What the replica keeps beside the tenant."""

    tenant: GithubTenant
    clock: Callable[[], float]
    buckets: dict[tuple[str, str], Bucket] = field(default_factory=dict)

    def take(self, credential: str, resource: str) -> Reading:
        bucket = self.buckets.setdefault((credential, resource), Bucket(0, 3600))
        bucket.limit = self.tenant.per_hour[resource]
        return bucket.take(self.clock())


@dataclass(frozen=True)
class _Ask:
    """One authorised request."""

    request: web.Request
    tenant: GithubTenant
    token: GithubToken

    @property
    def origin(self) -> str:
        return str(self.request.url.origin())

    @property
    def sees_members(self) -> bool:
        return self.may("read:org", "members")

    def may(self, scope: str, permission: str) -> bool:
        """Return whether the token has the classic scope, or the permission if it is of another kind."""
        if self.token.kind == "classic":
            return scope in self.token.scopes or (scope == "read:org" and "admin:org" in self.token.scopes)
        return permission in self.token.permissions

    def owner_only(self, scope: str, permission: str) -> None:
        """Refuse whoever is not an owner with that scope or permission."""
        if not self.token.owner or not self.may(scope, permission):
            raise _Refused(403, _NOT_OWNER)

    def whole(self, name: str, default: int) -> int:
        """Return a positive number of the query; whatever else it says is the default, as GitHub does."""
        told = self.request.query.get(name, "")
        return int(told) if told.isdecimal() and int(told) > 0 else default

    def per_page(self) -> int:
        """Return the page size asked for, at most 100."""
        return min(self.whole("per_page", 30), _MAX_PER_PAGE)


class _Refused(Exception):
    """GitHub refuses this request: its HTTP status and message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


_STATE: Final = web.AppKey("github", _State)

Handler = Callable[[_Ask], web.Response]
Resource = Literal["core", "audit_log"]


def app(
    tenant: GithubTenant, faults: Faults | None = None, *, clock: Callable[[], float] = time.time
) -> web.Application:
    """Return the replica of one organisation; ``clock`` gives epoch seconds for the rate limits."""
    replica = application(faults, _refuse)
    replica[_STATE] = _State(tenant, clock)
    for path, resource, handler in _ROUTES:
        replica.router.add_get(path, partial(_answer, handler, resource))
    return replica


async def _answer(handler: Handler, resource: Resource, request: web.Request) -> web.Response:
    state = request.app[_STATE]
    scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
    token = state.tenant.credentials.get(credential) if scheme.lower() in {"bearer", "token"} else None
    if token is None:
        return _error(401, "Bad credentials")
    reading = state.take(credential, resource)
    headers = _limits(reading, resource) | _scopes(token)
    if not reading.allowed:
        return _error(403, "API rate limit exceeded for user ID 1.", headers)
    if request.match_info.get("org", state.tenant.org).lower() != state.tenant.org.lower():
        return _error(404, "Not Found", headers)
    try:
        response = handler(_Ask(request, state.tenant, token))
    except _Refused as refused:
        response = _error(refused.status, refused.message)
    response.headers.update(headers)
    return response


# ------------------------------------------------------------------------------------------------- the answers


def _organization(ask: _Ask) -> web.Response:
    owner = ask.token.owner and ask.may("read:org", "organization_administration")
    return json_response(wire.organization_row(ask.tenant, ask.origin, owner=owner), charset="utf-8")


def _members(ask: _Ask) -> web.Response:
    if not ask.token.member:
        location = ask.request.url.with_path(f"/orgs/{ask.tenant.org}/public_members")
        return json_response({}, 302, {"Location": str(location)})
    role = ask.request.query.get("role", "all")
    people = _by_second_factor(ask, ask.tenant.members)
    if role in {"admin", "member"}:
        people = [person for person in people if person.role == role]
    return _people(ask, people if ask.sees_members else [person for person in people if person.public])


def _public_members(ask: _Ask) -> web.Response:
    return _people(ask, [person for person in ask.tenant.members if person.public])


def _outside_collaborators(ask: _Ask) -> web.Response:
    ask.owner_only("read:org", "members")
    return _people(ask, _by_second_factor(ask, ask.tenant.outside_collaborators))


def _by_second_factor(ask: _Ask, people: Sequence[GithubUser]) -> Sequence[GithubUser]:
    wanted = ask.request.query.get("filter", "all")
    if wanted == "all":
        return people
    if wanted not in {"2fa_disabled", "2fa_insecure"}:
        raise _Refused(422, "Validation Failed")
    if wanted == "2fa_insecure" and not ask.tenant.knows_insecure_filter:
        raise _Refused(422, "Validation Failed")
    if not ask.token.owner or not ask.sees_members:
        raise _Refused(422, "Only owners can use this filter.")
    return [person for person in people if f"2fa_{person.two_factor}" == wanted]


def _people(ask: _Ask, people: Sequence[GithubUser]) -> web.Response:
    return _numbered(ask, people, lambda person: wire.user_row(person, ask.origin))


def _installations(ask: _Ask) -> web.Response:
    ask.owner_only("read:org", "organization_administration")
    found, links = _page_of(ask, ask.tenant.installations)
    rows = [wire.installation_row(each, ask.tenant, ask.origin) for each in found]
    page = shape(ask.request, _page(ask, rows, links))
    body = {"total_count": len(ask.tenant.installations), "installations": page.rows}
    return json_response(body, headers=_links(page), charset="utf-8")


def _credential_authorizations(ask: _Ask) -> web.Response:
    if not (ask.tenant.enterprise_cloud and ask.tenant.saml):
        raise _Refused(404, "Not Found")
    ask.owner_only("read:org", "organization_administration")
    return _numbered(ask, ask.tenant.credential_authorizations, wire.credential_row)


def _personal_access_tokens(ask: _Ask) -> web.Response:
    if ask.token.kind != "app":
        raise _Refused(403, _NOT_FOR_TOKENS)
    if "organization_personal_access_tokens" not in ask.token.permissions:
        raise _Refused(403, "Resource not accessible by integration")
    people = {person.login: person for person in (*ask.tenant.members, *ask.tenant.outside_collaborators)}

    def row(token: FineGrainedToken) -> Row:
        owner = people.get(token.owner) or GithubUser(token.owner)
        return wire.grant_row(token, owner, ask.tenant, ask.origin)

    return _numbered(ask, ask.tenant.fine_grained_tokens, row)


def _repositories(ask: _Ask) -> web.Response:
    shown = [each for each in ask.tenant.repositories if not each.private or ask.may("repo", "administration")]
    return _numbered(ask, shown, lambda each: wire.repository_row(each, ask.tenant, ask.origin))


def _deploy_keys(ask: _Ask) -> web.Response:
    name = ask.request.match_info["repo"]
    repository = next((each for each in ask.tenant.repositories if each.name == name), None)
    if repository is None or not ask.may("repo", "administration"):
        raise _Refused(404, "Not Found")
    return _numbered(
        ask, repository.deploy_keys, lambda key: wire.deploy_key_row(key, repository, ask.tenant, ask.origin)
    )


def _audit_log(ask: _Ask) -> web.Response:
    if not ask.tenant.enterprise_cloud:
        raise _Refused(404, "Not Found")
    ask.owner_only("read:audit_log", "organization_administration")
    terms = ask.request.query.get("phrase", "").split()
    events = ask.tenant.audit_events
    try:
        taken, cursor = cut(
            range(len(events)),
            ask.request.query.get("after"),
            ask.per_page(),
            str,
            lambda at: all(_matches(events[at], term) for term in terms),
        )
    except ValueError as error:
        raise _Refused(422, "Validation Failed") from error
    rows = [wire.event_row(events[at], at, ask.tenant) for at in taken]
    links = {} if cursor is None else {"next": str(ask.request.url.update_query(after=cursor))}
    page = shape(ask.request, _page(ask, rows, links))
    return json_response(page.rows, headers=_links(page), charset="utf-8")


def _matches(event: AuditEvent, term: str) -> bool:
    """Return whether the event meets one term: ``actor:x``, ``action:x``, ``user:x``, ``created:>=2026-01-01``."""
    name, _, wanted = term.partition(":")
    if name == "created":
        day = f"{event.at:%Y-%m-%d}"
        return day >= wanted[2:] if wanted.startswith(">=") else day.startswith(wanted)
    told: Any = {"actor": event.actor, "action": event.action, "user": event.user}.get(name)
    return told is not None and (told == wanted or (name == "action" and told.startswith(f"{wanted}.")))


_ROUTES: Final[tuple[tuple[str, Resource, Handler], ...]] = (
    ("/orgs/{org}", "core", _organization),
    ("/orgs/{org}/members", "core", _members),
    ("/orgs/{org}/public_members", "core", _public_members),
    ("/orgs/{org}/outside_collaborators", "core", _outside_collaborators),
    ("/orgs/{org}/installations", "core", _installations),
    ("/orgs/{org}/credential-authorizations", "core", _credential_authorizations),
    ("/orgs/{org}/personal-access-tokens", "core", _personal_access_tokens),
    ("/orgs/{org}/repos", "core", _repositories),
    ("/repos/{org}/{repo}/keys", "core", _deploy_keys),
    ("/orgs/{org}/audit-log", "audit_log", _audit_log),
)
"""Path, rate-limit resource, answer."""


# ------------------------------------------------------------------------------------------------ the envelopes


def _numbered(ask: _Ask, items: Sequence[Any], row: Callable[[Any], Row]) -> web.Response:
    found, links = _page_of(ask, items)
    page = shape(ask.request, _page(ask, [row(item) for item in found], links))
    return json_response(page.rows, headers=_links(page), charset="utf-8")


def _page_of(ask: _Ask, items: Sequence[Any]) -> tuple[Sequence[Any], dict[str, str]]:
    """Return the items of the page asked for and the links that GitHub gives with it."""
    page = ask.whole("page", 1)
    found, last = numbered(items, page, ask.per_page())
    numbers = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
    shown = {"prev": page > 1, "next": page < last, "last": page < last, "first": page > 1}
    url = ask.request.url
    return found, {rel: str(url.update_query(page=numbers[rel])) for rel, wanted in shown.items() if wanted}


def _page(ask: _Ask, rows: list[Row], links: dict[str, str]) -> Page:
    return Page(rows, str(ask.request.url), links.pop("next", None), links)


def _links(page: Page) -> dict[str, str]:
    links = dict(page.links) if page.next_url is None else {"next": page.next_url, **page.links}
    return {"Link": link_header(links)} if links else {}


def _limits(reading: Reading, resource: str) -> dict[str, str]:
    return {
        "x-ratelimit-limit": str(reading.limit),
        "x-ratelimit-remaining": str(reading.remaining),
        "x-ratelimit-used": str(reading.used),
        "x-ratelimit-reset": str(reading.reset),
        "x-ratelimit-resource": resource,
    }


def _scopes(token: GithubToken) -> dict[str, str]:
    return {"x-oauth-scopes": ", ".join(sorted(token.scopes))} if token.kind == "classic" else {}


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> web.Response:
    body = {"message": message, "documentation_url": _DOCS, "status": str(status)}
    return json_response(body, status, headers, charset="utf-8")


def _refuse(request: web.Request, effect: Throttled | Failed) -> web.Response:
    if isinstance(effect, Failed):
        return gateway_page(effect) if effect.html else _error(effect.status, "Server Error", waiting(effect))
    if effect.kind == "secondary":
        return _error(effect.status, _SECONDARY, {} if effect.wait_s is None else {"retry-after": str(effect.wait_s)})
    wait_s = 60 if effect.wait_s is None else effect.wait_s
    reset = int(request.app[_STATE].clock()) + wait_s
    reading = Reading(limit=5000, remaining=0, used=5000, reset=reset, retry_after=wait_s, allowed=False)
    return _error(effect.status, "API rate limit exceeded for user ID 1.", _limits(reading, "core"))

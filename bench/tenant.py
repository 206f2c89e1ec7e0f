"""A tenant of Entra as Graph writes it, and a roster of its people in another order; both made up row by row.

``serve`` is the replica of ``bench.identity``; pages are written when they are asked for.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

NOW: Final = datetime(2026, 11, 21, 5, 30, tzinfo=UTC)
TENANT: Final = "5f1c3a58-7f43-4a44-9d53-0d6f0a3c2b11"
ADMINISTRATOR: Final = "62e90394-69f5-4237-9190-012177145e10"
USER: Final = (
    '{"id":"%(id)s","userPrincipalName":"First.Last%(n)d@example.org","displayName":"First Last %(n)d",'
    '"mail":"first.last%(n)d@example.org","accountEnabled":%(enabled)s,"userType":"Member",'
    '"createdDateTime":"2024-%(month)02d-15T09:00:00Z","employeeId":"E%(n)07d","signInActivity":{'
    '"lastSignInDateTime":"%(seen)s","lastSignInRequestId":"d4d31c40-4c36-4775-ad59-0242ac120002",'
    '"lastNonInteractiveSignInDateTime":"%(seen)s",'
    '"lastNonInteractiveSignInRequestId":"d4d31c40-4c36-4775-ad59-0242ac120003",'
    '"lastSuccessfulSignInDateTime":"%(seen)s",'
    '"lastSuccessfulSignInRequestId":"d4d31c40-4c36-4775-ad59-0242ac120004"}}'
)
REGISTRATION: Final = (
    '{"id":"%(id)s","userPrincipalName":"First.Last%(n)d@example.org","userDisplayName":"First Last %(n)d",'
    '"userType":"member","isAdmin":%(admin)s,"isSsprRegistered":%(mfa)s,"isSsprEnabled":false,"isSsprCapable":false,'
    '"isMfaRegistered":%(mfa)s,"isMfaCapable":%(mfa)s,"isPasswordlessCapable":false,"methodsRegistered":[%(methods)s],'
    '"isSystemPreferredAuthenticationMethodEnabled":true,"systemPreferredAuthenticationMethods":["push"],'
    '"userPreferredMethodForSecondaryAuthentication":"push","lastUpdatedDateTime":"2026-11-20T21:00:00.0000000Z"}'
)
ASSIGNMENT: Final = (
    '{"id":"A%(n)d","principalId":"%(id)s","roleDefinitionId":"%(role)s","directoryScopeId":"/",'
    '"principal":{"@odata.type":"#microsoft.graph.user","id":"%(id)s"}}'
)
APPLICATION: Final = (
    '{"id":"%(id)s","displayName":"application %(n)d","keyCredentials":[],"passwordCredentials":[{"keyId":"K%(n)d",'
    '"displayName":"rotated by hand","hint":"abc","startDateTime":"2026-%(month)02d-%(day)02dT09:00:00Z",'
    '"endDateTime":"2028-01-01T00:00:00Z"}]}'
)
DEFINITION: Final = '{"id":"%(role)s","displayName":"Global Administrator"}'
APPLICATIONS_EVERY: Final = 100
ADMINS_EVERY: Final = 100


async def serve(accounts: str, page: str) -> None:
    """Serve the tenant for ever, and print its address."""
    from aiohttp import web

    total, size = int(accounts), int(page)
    lists: dict[str, tuple[Callable[[int, int], Iterable[str]], int]] = {
        "users": (_users, total),
        "reports/authenticationMethods/userRegistrationDetails": (_registrations, total),
        "roleManagement/directory/roleAssignments": (_assignments, total // ADMINS_EVERY),
        "roleManagement/directory/roleEligibilityScheduleInstances": (_assignments, 0),
        "roleManagement/directory/roleDefinitions": (lambda *_: [DEFINITION % {"role": ADMINISTRATOR}], 1),
        "applications": (_applications, total // APPLICATIONS_EVERY),
    }

    async def answer(request: web.Request) -> web.Response:
        asked = request.match_info["list"]
        if asked == "users/$count":
            return web.Response(text=accounts, content_type="text/plain")
        write, count = lists[asked]
        first = int(request.query.get("$skiptoken", "0"))
        last = min(first + size, count)
        following = str(request.url.with_query({"$skiptoken": str(last)})) if last < count else None
        link = "" if following is None else f'"@odata.nextLink":"{following}",'
        return web.Response(text=f'{{{link}"value":[{",".join(write(first, last))}]}}', content_type="application/json")

    async def token(_: web.Request) -> web.Response:
        claims = base64.urlsafe_b64encode(b'{"roles":["User.Read.All"]}').decode().rstrip("=")
        return web.json_response({"token_type": "Bearer", "expires_in": 86_400, "access_token": f"e30.{claims}.x"})

    application = web.Application()
    application.router.add_post("/{tenant}/oauth2/v2.0/token", token)
    application.router.add_get("/v1.0/{list:.+}", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


def _ident(number: int) -> str:
    return f"{number * 2_654_435_761 % 2**32:08x}-91c2-4bd0-a56f-0242{number:08d}"


def _enabled(number: int) -> bool:
    """One in 50 is disabled."""
    return number % 50 != 3


def _users(first: int, last: int) -> Iterator[str]:
    """Write users; one in 60 is idle."""
    for number in range(first, last):
        seen = NOW - timedelta(days=120 if number % 60 == 11 else number % 30, minutes=number % 1_440)
        yield USER % {
            "id": _ident(number),
            "n": number,
            "enabled": "true" if _enabled(number) else "false",
            "month": number % 12 + 1,
            "seen": f"{seen:%Y-%m-%dT%H:%M:%SZ}",
        }


def _registrations(first: int, last: int) -> Iterator[str]:
    """Write the report's rows, of enabled users alone; one in 40 has no factor."""
    for number in filter(_enabled, range(first, last)):
        methods = (
            "" if number % 40 == 7 else '"fido2SecurityKey"' if number % 5 == 0 else '"microsoftAuthenticatorPush"'
        )
        yield REGISTRATION % {
            "id": _ident(number),
            "n": number,
            "admin": "true" if number % ADMINS_EVERY == 7 else "false",
            "mfa": "true" if methods else "false",
            "methods": methods,
        }


def _assignments(first: int, last: int) -> Iterator[str]:
    for number in range(first, last):
        yield ASSIGNMENT % {"n": number, "id": _ident(number * ADMINS_EVERY + 7), "role": ADMINISTRATOR}


def _applications(first: int, last: int) -> Iterator[str]:
    """Write applications with one secret; one in 30 is too old."""
    for number in range(first, last):
        month = 5 if number % 30 == 2 else 10
        yield APPLICATION % {"n": number, "id": _ident(number), "month": month, "day": number % 20 + 1}


def write_roster(path: Path, people: int) -> None:
    """Write a row a user; one in 80 has left."""
    with path.open("w", encoding="utf-8") as file:
        file.write("email,number,status,start,end\n")
        for row in range(people):
            number = row * 7_368_787 % people  # A prime: everybody once, in an order that is not the directory's.
            left = number % 80 == 9
            status, end = ("terminated", "2026-05-01") if left else ("active", "")
            file.write(f"first.last{number}@example.org,E{number:07d},{status},2024-01-15,{end}\n")

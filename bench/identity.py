"""Accounts fetched from loopback, decoded, spooled and judged by every identity check: ``python -m bench.identity``.

    .venv/bin/python -m bench.identity [--accounts 100000] [--rounds 3] [--page 999] [--no-yardstick]

A replica in a process of its own serves an Entra tenant as Graph writes it: users of 600 bytes with their last
sign-in, the report of their second factors (570 bytes a row), roles, and one application for a hundred users; its time
counts for nothing. Each round is a fresh process that collects the tenant with ``sources/entra.py``, and a roster of as
many people in another order, as the engine does, then judges. The figures are CPU time of that process, all threads, by
account; memory is the most that it held. The yardstick reads the same bytes with aiohttp, ``json.loads`` and naive
Python over the dictionaries; it spools nothing, keeps no doubt, and must find the same failures.

Goals: at most 8 µs CPU an account for everything; at a million accounts 120 MB, 160 MB with a roster of a million;
while accounts are judged the loop's lag is at most 20 ms at the 99th percentile.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import gc
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from bench import common
from sources.common.settings import from_toml

NOW: Final = datetime(2026, 11, 21, 5, 30, tzinfo=UTC)
PAGE: Final = 999
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
CHECKS: Final = ("mfa_coverage", "admin_mfa", "stale_access", "leaver_access", "key_age")


def main() -> None:
    """Compare, and print the figures; the first argument may make this process the replica or one round."""
    roles: dict[str, Callable[..., Coroutine[Any, Any, None]]] = {
        "replica": _replica,
        "round": _round,
        "memory": _memory,
        "yardstick": _yardstick,
    }
    if sys.argv[1:2] and sys.argv[1] in roles:
        asyncio.run(roles[sys.argv[1]](*sys.argv[2:]))
        return
    parser = argparse.ArgumentParser(description="Accounts fetched, spooled and judged.")
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--page", type=int, default=PAGE, help="rows of a page; Graph's default is 100")
    parser.add_argument("--no-yardstick", action="store_true", help="it holds 5 kB an account")
    asked = parser.parse_args()
    accounts = str(asked.accounts)
    with common.server("bench.identity", "replica", accounts, str(asked.page)) as base:
        rounds = [common.child("bench.identity", "round", base, accounts) for _ in range(asked.rounds)]
        memory = {roster: common.child("bench.identity", "memory", base, accounts, roster) for roster in "01"}
        theirs = None if asked.no_yardstick else common.child("bench.identity", "yardstick", base, accounts)
    if theirs is not None and theirs["failed"] != rounds[0]["failed"]:
        sys.exit(f"the yardstick judges otherwise: {theirs['failed']}, and we {rounds[0]['failed']}")
    _report(asked.accounts, common.median_of([one["figures"] for one in rounds]), memory, theirs)


def _report(
    accounts: int,
    ours: Mapping[str, float],
    memory: Mapping[str, Mapping[str, float]],
    theirs: Mapping[str, Any] | None,
) -> None:
    """Print the medians."""
    print(f"{accounts:,} accounts, {accounts // APPLICATIONS_EVERY:,} secrets, {accounts:,} people; CPU µs an account")
    for name, figure in ours.items():
        unit, goal = ("ms", "≤ 20") if name.startswith("lag") else ("µs", "≤ 8" if name == "all" else "")
        common.line(name, figure, unit, goal)
    common.line("most memory held, without the roster", memory["0"]["peak"], "MB", "≤ 120 at a million")
    common.line("most memory held, with the roster", memory["1"]["peak"], "MB", "≤ 160 at a million")
    if theirs is not None:
        common.line("yardstick, everything", theirs["all"], "µs")
        common.line("yardstick, most memory held", theirs["peak"], "MB")
        cpu, peak = theirs["all"] / ours["all"], theirs["peak"] / memory["1"]["peak"]
        print(f"ratio {cpu:.1f}× less CPU, {peak:.1f}× less memory")


# ------------------------------------------------------------------------------------------------------- the replica


async def _replica(accounts: str, page: str) -> None:
    """Serve the tenant for ever; pages are written when they are asked for."""
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


# ---------------------------------------------------------------------------------------------------- ours: the round


async def _round(base: str, accounts: str) -> None:
    """Collect and judge, and print the CPU time of every phase by account."""
    count = int(accounts)
    with tempfile.TemporaryDirectory(prefix="bench-identity-") as name:
        estate = Estate(Path(name), base, count)
        gc.freeze()
        figures: dict[str, float] = {}
        with common.took() as fetched:
            await estate.fetch()
        with common.took() as collected:
            await estate.collect("entra")
        with common.took() as roster:
            await estate.collect("roster")
        alone = {}
        for check in CHECKS:
            with common.took() as judged:
                await estate.judge(check)
            alone[f"judge {check} alone"] = judged.cpu
        async with common.lagging() as lag:
            with common.took() as together:
                failed = await estate.judge(*CHECKS)
        with common.took() as read:
            await estate.read()
        figures["fetch, decode, to_record"] = fetched.cpu
        figures["spool"] = collected.cpu - fetched.cpu
        figures["collect the roster"] = roster.cpu
        figures["read the blob"] = read.cpu
        figures |= alone
        figures["judge, all checks together"] = together.cpu
        figures["all"] = collected.cpu + together.cpu
        figures = {what: seconds / count * 1e6 for what, seconds in figures.items()}
        figures["lag p50 while judging"] = lag.percentile(0.5) * 1e3
        figures["lag p99 while judging"] = lag.percentile(0.99) * 1e3
        print(json.dumps({"figures": figures, "failed": failed}))


async def _memory(base: str, accounts: str, with_roster: str) -> None:
    """Collect and judge once, and print the most memory that was held."""
    with tempfile.TemporaryDirectory(prefix="bench-identity-") as name:
        estate = Estate(Path(name), base, int(accounts))
        gc.freeze()
        await estate.collect("entra")
        if with_roster == "1":
            await estate.collect("roster")
            await estate.judge(*CHECKS)
        else:
            await estate.judge(*(check for check in CHECKS if check != "leaver_access"))
        print(json.dumps({"peak": common.peak_mb()}))


class Estate:
    """The bench's sources and checks, put together as the engine does from its configuration."""

    def __init__(self, folder: Path, base: str, accounts: int) -> None:
        """Make the roster, and nothing else."""
        import checks
        import engine.collect
        import engine.evaluate  # noqa: F401 - the same
        import sources
        import tests.support.context  # noqa: F401 - loading code is no account's time, and is paid before the clock starts
        from engine.blobs import FolderBlobs
        from engine.config import SourceConfig
        from engine.settings import SourceCommon

        self.folder = folder
        self.blobs = FolderBlobs(folder / "blobs")
        self.blobs.sweep()
        _write_roster(folder / "people.csv", accounts)
        columns = {
            "key": "email",
            "aliases": "number",
            "status": "status",
            "starts_at": "start",
            "terminated_at": "end",
        }
        tables: dict[str, dict[str, Any]] = {
            "entra": {
                "tenant_id": TENANT,
                "client_id": "c",
                "client_secret": "env:C",
                "authority": base,
                "graph": base,
            },
            "roster": {"path": "people.csv", "as_of": "2026-01-15T00:00:00Z", "columns": columns},
        }
        self.sources = {}
        for kind, table in tables.items():
            source = sources.load(kind)
            own = msgspec.convert(table, source.config, dec_hook=from_toml)
            self.sources[kind] = SourceConfig(kind, SourceCommon(kind=kind), own, table, source, "")
        self.units = checks.discover()
        self.memory: dict[str, Any] = {}

    async def fetch(self) -> None:
        """Read the directory and drop what it tells."""
        config = self.sources["entra"]
        async with self._context("entra") as context:
            async for _ in config.source.fetch(config.own, context):
                pass

    async def collect(self, name: str) -> None:
        """Collect a source into a blob."""
        from engine.collect import collect
        from engine.store import SourceMemory

        async with self._context(name) as context:
            collected = await collect(self.sources[name], context, self.blobs, None, "bench")
        assert collected.error is None, collected.error
        self.memory[name] = SourceMemory(name=name, kind="bench", complete=collected.manifest)

    async def judge(self, *names: str) -> dict[str, int]:
        """Judge checks together; findings are dropped, failures counted by check."""
        from engine.config import CheckConfig
        from engine.evaluate import Material, evaluate
        from engine.settings import CheckCommon

        configured = []
        for name in names:
            unit = self.units[name]
            joined = ("roster",) if unit.knows is not None and not unit.knows_own else ()
            common_keys = CheckCommon(check=name, sources=("entra", *joined))
            configured.append(CheckConfig(name, common_keys, unit.policy(), {}, unit, ("entra",), joined, ""))

        async def emit(_: str, __: Sequence[object], ___: Sequence[str]) -> None:
            await asyncio.sleep(0)

        results = await evaluate(configured, Material(self.memory, self.blobs), NOW, emit)
        unsure = [result.check for result in results if result.tally.unknown and result.check != "key_age"]
        assert not unsure, f"unknown: {unsure}; only owners of secrets are not told"
        return {result.check: result.tally.failed for result in results}

    async def read(self) -> None:
        """Read the directory's blob page by page."""
        from checks.model import codec

        for lines in self.blobs.open(self.memory["entra"].complete.blob):
            codec.decode_lines(lines)

    def _context(self, name: str) -> Any:
        from tests.support.context import lent_context

        return lent_context(self.folder, name=name, secrets={"env:C": "secret"}, deadline=timedelta(hours=1))


def _write_roster(path: Path, people: int) -> None:
    """Write a row a user; one in 80 has left."""
    with path.open("w", encoding="utf-8") as file:
        file.write("email,number,status,start,end\n")
        for row in range(people):
            number = row * 7_368_787 % people  # A prime: everybody once, in an order that is not the directory's.
            left = number % 80 == 9
            status, end = ("terminated", "2026-05-01") if left else ("active", "")
            file.write(f"first.last{number}@example.org,E{number:07d},{status},2024-01-15,{end}\n")


# ------------------------------------------------------------------------------------------------------ the yardstick


async def _yardstick(base: str, accounts: str) -> None:
    """Do it the plain way: dictionaries, lists, and a loop a check."""
    import aiohttp

    count = int(accounts)
    with tempfile.TemporaryDirectory(prefix="bench-identity-") as name, common.took() as took:
        roster = Path(name) / "people.csv"
        _write_roster(roster, count)
        async with aiohttp.ClientSession() as session:
            users = await _everything(session, f"{base}/v1.0/users")
            report = await _everything(session, f"{base}/v1.0/reports/authenticationMethods/userRegistrationDetails")
            applications = await _everything(session, f"{base}/v1.0/applications")
        failed = _naive(users, report, applications, roster)
    print(json.dumps({"all": took.cpu / count * 1e6, "peak": common.peak_mb(), "failed": failed}))


async def _everything(session: Any, url: str | None) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    while url is not None:
        async with session.get(url) as response:
            page = json.loads(await response.text())
        rows += page["value"]
        url = page.get("@odata.nextLink")
    return rows


def _naive(
    users: Sequence[dict[str, Any]],
    report: Sequence[dict[str, Any]],
    applications: Sequence[dict[str, Any]],
    roster: Path,
) -> Counter[str]:
    """Judge as a script would, and count the failures by check; they are those that the five checks find."""
    import csv

    with roster.open(encoding="utf-8") as file:
        people = {key: row for row in csv.DictReader(file) for key in (row["email"], row["number"].lower())}
    rows = {row["id"]: row for row in report}
    failed: Counter[str] = Counter()
    for user in users:
        if not user["accountEnabled"]:
            continue
        row = rows[user["id"]]
        strong = set(row["methodsRegistered"]) - {"mobilePhone"}
        failed["mfa_coverage"] += not strong
        failed["admin_mfa"] += row["isAdmin"] and not strong
        seen = datetime.fromisoformat(user["signInActivity"]["lastSuccessfulSignInDateTime"])
        failed["stale_access"] += seen < NOW - timedelta(days=45 if row["isAdmin"] else 90)
        person = people.get(user["mail"].lower()) or people.get(user["employeeId"].lower())
        failed["leaver_access"] += person is None or person["status"] == "terminated"
    for application in applications:
        for secret in application["passwordCredentials"]:
            failed["key_age"] += NOW - datetime.fromisoformat(secret["startDateTime"]) > timedelta(days=90)
    return failed


if __name__ == "__main__":
    main()

"""The yardstick of ``bench.identity``: the same bytes judged as a script would, with dictionaries and a loop."""

from __future__ import annotations

import csv
import json
import tempfile
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bench import common
from bench.tenant import NOW, write_roster


async def measure(base: str, accounts: str) -> None:
    """Read and judge, and print the CPU time by account, the most memory held, and the failures by check."""
    import aiohttp

    count = int(accounts)
    with tempfile.TemporaryDirectory(prefix="bench-identity-") as name, common.took() as took:
        roster = Path(name) / "people.csv"
        write_roster(roster, count)
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

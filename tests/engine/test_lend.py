"""What the engine lends a source for its runs comes back as what the source met."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from checks.model.doubt import Cause
from checks.model.records import Account
from engine.port import Quota
from sources.common.http import Api, anonymous
from sources.common.limits import Limits, Timing
from sources.common.source import Context, Page, Probe, Source
from sources.common.traffic import ENDS
from tests.support.builders import account
from tests.support.estate import Clock, NoKeys, Script, check_config, estate, scripted, source_config
from tests.support.provider import answers, provider
from tests.support.running import driven

TOLD = {
    "ratelimit-limit": "600",
    "ratelimit-remaining": "450",
    "ratelimit-reset": "60",
    ENDS: "2027-10-12 09:00:00 UTC",
}


def asking(url: str) -> Source:
    """Make a source kind that asks once and tells an account."""

    async def sleep(_seconds: float) -> None:
        return None

    async def fetch(_config: Any, context: Context) -> AsyncGenerator[Page, None]:
        timing = Timing(sleep=sleep)
        await Api(context, url, anonymous, Limits(), timing=timing).get("/users")
        yield Page(records=[account("ana", source="idp")])

    async def test(_config: Any, _context: Context) -> Sequence[Probe]:
        return []

    return Source("asking", NoKeys, (Account,), fetch, test, (), timedelta(minutes=15))


async def test_what_a_source_met_over_all_runs_is_shown(tmp_path: Path) -> None:
    """Counts grow from run to run; limits and the end of the credential are those told last."""
    clock = Clock()
    async with provider(answers(503), answers(headers=TOLD)) as host:
        source = source_config("idp", asking(host.url))
        async with driven(estate(tmp_path, [source], [check_config("mfa", "mfa_coverage", ["idp"])]), clock) as it:
            await it.run()
            once = it.source()
            await it.run(timedelta(hours=1))
            twice = it.source()

    assert (once.requests, once.request_failures, once.throttled) == (2, {Cause.UNREACHABLE: 1}, 0)
    assert (twice.requests, twice.request_failures) == (3, {Cause.UNREACHABLE: 1})
    assert twice.quota == Quota(remaining=450, limit=600, reset_at=clock() + timedelta(minutes=1))
    assert twice.credential_expires_at == datetime(2027, 10, 12, 9, tzinfo=UTC)
    assert math.isfinite(twice.throttle_seconds)


async def test_a_source_that_asks_nothing_over_http_tells_zeros(tmp_path: Path) -> None:
    """None of a limit and of a credential, for nobody told any."""
    script = Script()
    script.tell(account("ana", source="idp"))
    source = source_config("idp", scripted(script))
    async with driven(estate(tmp_path, [source], [check_config("mfa", "mfa_coverage", ["idp"])]), Clock()) as it:
        await it.run()
        view = it.source()

    assert (view.requests, view.request_failures, view.throttled, view.throttle_seconds) == (0, {}, 0, 0.0)
    assert (view.quota, view.credential_expires_at) == (None, None)

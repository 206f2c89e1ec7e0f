"""The sources: the worst first, with cause, since and what they cost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from checks.model.doubt import Cause
from checks.model.result import Doubted
from engine.port import Accept, Event, EventQuery, Events, Quota, Run, Snapshot
from tests.support.clock import NOW
from tests.support.estates import ESTATES, CannedPort, a_gap, all_pass, mixed
from tests.support.screens import LARGE, SMALL, shown
from tui.actor import actor
from tui.lines import plain, size
from tui.model import build
from tui.sources import detail, table


def changed(**changes: Any) -> Snapshot:
    """Change the first source of an estate that is well."""
    first, *rest = all_pass().sources
    return msgspec.structs.replace(all_pass(), sources=[msgspec.structs.replace(first, **changes), *rest])


def told(snapshot: Snapshot, name: str = "okta-prod", width: int = 78) -> str:
    """Give the detail of a source as text."""
    return "\n".join(plain(line) for _, line in detail(build(snapshot, None, NOW), name, width).rows)


@pytest.mark.parametrize("glyphs", ["unicode", "ascii"])
@pytest.mark.parametrize("where", [SMALL, LARGE, (40, 10)], ids=str)
@pytest.mark.parametrize("estate", ["mixed", "empty", "starting"])
async def test_sources_are_drawn(estate: str, where: tuple[int, int], glyphs: str) -> None:
    """Every estate, every size, both glyph sets."""
    async with shown(ESTATES[estate](), size=where, glyphs=glyphs) as stage:
        await stage.press("S")
        assert [len(line) for line in stage.lines] == [where[0]] * where[1]
        assert "Sou" in stage.lines[0]
        assert stage.text.isascii() is (glyphs == "ascii")


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        pytest.param({}, "✔ OK", id="fresh and complete"),
        pytest.param({"last_error": "503", "failing_since": NOW}, "✖ DOWN", id="fails while its data is fresh"),
        pytest.param({"as_of": None, "last_error": "403", "failing_since": NOW}, "✖ NO DATA", id="never completed"),
        pytest.param({"as_of": None, "running": True}, "… FIRST RUN", id="first run"),
        pytest.param({"as_of": NOW - 30 * (NOW - NOW.replace(hour=4))}, "! STALE", id="too old"),
        pytest.param({"gaps": (msgspec.structs.replace(a_gap(), kind="members"),)}, "? PARTIAL", id="members may miss"),
        pytest.param({"gaps": (a_gap(),)}, "▲ LIMITED", id="a gap in facts alone"),
    ],
)
def test_a_source_has_one_state(changes: dict[str, Any], word: str) -> None:
    """Data and latest run are told apart."""
    rows = dict(table(build(changed(**changes), None, NOW), 78).rows)

    assert plain(rows["okta-prod"]).startswith(word + " ")


def test_the_worst_source_is_first() -> None:
    """Who is to blame is on top."""
    assert next(key for key, _ in table(build(mixed(), None, NOW), 78).rows) == "aws"


@pytest.mark.parametrize("width", [98, 118, 158])
def test_numbers_stand_under_their_headings(width: int) -> None:
    """Right-aligned columns end where their heading ends."""
    content = table(build(all_pass(), None, NOW), width)
    head = plain(content.head[0])
    row = " " + plain(dict(content.rows)["okta-prod"])

    assert row.index("43 153") + len("43 153") == head.index("Records") + len("Records")
    assert row.index("24h") + 3 == head.index("Max") + 3


def test_a_failing_source_tells_cause_since_and_error() -> None:
    """The error is wrapped, whole, and harmless."""
    text = told(changed(last_error="401 \x1b[31m" + "word " * 30, cause=Cause.DENIED, failing_since=NOW))

    assert "denied since 2026-11-21 05:30:00Z" in text
    assert text.count("word") == 30
    assert "\x1b" not in text


def test_a_request_plan_is_told_before_and_during_a_run() -> None:
    """N+1 providers say what full coverage costs."""
    plan = {"requests_planned": 1204, "plan_seconds": 360.0, "requests_done": 212}

    assert "1 204 requests, ~6m to full coverage" in told(changed(**plan))
    assert "running, 212 of 1 204 requests" in told(changed(running=True, **plan))
    assert "running, 212 requests so far" in told(changed(running=True, requests_done=212))


def test_gaps_and_affected_checks_are_told() -> None:
    """What is not told, what to do, and which checks suffer."""
    text = told(changed(gaps=(a_gap(),), checks=("admin-mfa",)))

    assert "denied (facts) account.roles: GET /api/v1/iam/assignees answered" in text
    assert "grant okta.roles.read" in text
    assert "✔ PASS   admin-mfa" in text
    assert "no check reads it" in told(changed(checks=()))


def test_every_line_of_the_detail_fits() -> None:
    """Long errors wrap inside the frame."""
    content = detail(build(mixed(), None, NOW), "aws", 60)

    assert max(size(line) for _, line in content.rows) <= 60


def test_requests_limits_and_the_credential_are_told() -> None:
    """What a provider allows, what it cost so far, and when the secret ends."""
    text = told(
        changed(
            requests=1204,
            request_failures={"throttled": 3, "unreachable": 1},
            throttled=3,
            throttle_seconds=90.0,
            quota=Quota(remaining=10, limit=600, reset_at=NOW + timedelta(minutes=1)),
            credential_expires_at=NOW + timedelta(days=3),
        )
    )

    text = " ".join(text.split())
    assert "1 204 requests since the engine started; 4 failed: 3 throttled, 1 unreachable" in text
    assert "told to wait 3 times, held back for 90s" in text
    assert "10 of 600 requests left, anew at 05:31Z" in text
    assert "ends 2026-11-24 05:30:00Z, in 3d00h" in text
    assert "requests" not in told(all_pass())


@pytest.mark.parametrize(("left", "says"), [(timedelta(0), "NOW"), (-timedelta(hours=2), "2h00m ago")], ids=str)
def test_a_credential_that_has_ended_says_so(left: timedelta, says: str) -> None:
    """Never a length of time that is over."""
    assert says in told(changed(credential_expires_at=NOW + left))


async def test_the_last_day_is_drawn_from_its_events() -> None:
    """Where the events are known; where they cannot be fetched there is no strip at all."""
    async with shown() as stage:
        await stage.press("S")
        assert "│ 24h     ✖" in stage.text
        assert "✖  now !" in stage.text, "what the source is now is no cell of the strip"
    async with shown(port=DeafPort(mixed())) as stage:
        await stage.press("S")
        assert "│ 24h " not in stage.text


async def test_a_smaller_population_is_accepted_with_a_reason() -> None:
    """A form asks for it."""
    async with shown() as stage:
        await stage.press("S", "A", "enter")
        assert "why is it right?" in stage.text
        await stage.press(*"merged", "enter")
        assert stage.port.sent == [Accept(source="aws", reason="merged", by=actor())]


async def test_a_check_that_suffers_is_a_click_away() -> None:
    """The names in the detail open their findings."""
    async with shown() as stage:
        await stage.press("S")
        row = next(y for y, text in enumerate(stage.lines) if "checks  " in text)
        await stage.pilot.click(offset=(stage.lines[row].index("admin-mfa") + 1, row))
        await stage.settle()
        assert stage.page == "FamilyScreen"


class DeafPort(CannedPort):
    """A port that gives no events."""

    async def events(self, query: EventQuery) -> Events:
        """Fail."""
        raise TimeoutError("the store is busy")


async def test_r_runs_the_selected_source() -> None:
    """The engine is asked, and its answer is shown."""
    async with shown() as stage:
        await stage.press("S", "j", "r")
        assert stage.port.sent == [Run(source="dumps")]
        assert "✔ dumps runs now" in stage.lines[-1]


async def test_the_detail_follows_the_cursor_and_scrolls() -> None:
    """Enter goes into the detail, whose keys scroll."""
    async with shown() as stage:
        await stage.press("S")
        assert "unreachable since" in stage.text
        await stage.press("enter", "G", "g", "j", "k")
        await stage.press("y")
        assert stage.app.clipboard == "aws"


async def test_zero_goes_home_from_anywhere() -> None:
    """``0`` is the overview."""
    async with shown() as stage:
        await stage.press("2", "2", "S", "0")
        assert stage.page == "OverviewScreen"


async def test_a_small_terminal_shows_the_detail_in_the_tables_place() -> None:
    """At 40×10 enter tells why, and esc goes back to the table before it goes up."""
    async with shown(size=(40, 10)) as stage:
        await stage.press("S")
        assert "unreachable since" not in stage.text
        await stage.press("enter")
        assert "cause   unreachable" in stage.text
        await stage.press("escape")
        assert stage.page == "SourcesScreen"
        assert "worst first" in stage.text
        await stage.press("escape")
        assert stage.page == "OverviewScreen"


def test_what_a_missing_permission_costs_is_told_by_check() -> None:
    """Whom it blinds, how many subjects, and whether the check can pass at all."""
    gap = a_gap()
    first, *rest = changed(gaps=(gap,)).checks
    snapshot = msgspec.structs.replace(
        changed(gaps=(gap,)),
        checks=[msgspec.structs.replace(first, gaps=(Doubted(gap=gap, subjects=6),)), *rest],
    )

    assert "costs   workforce-mfa cannot pass, 6 subjects cannot be judged" in told(snapshot)
    row = plain(dict(table(build(snapshot, None, NOW), 118).rows)["okta-prod"])
    assert row.endswith("denied: roles")


def test_retries_percentiles_and_the_day_are_told() -> None:
    """How often in a row it failed, when it is asked again, how long it takes, how many runs of the day held."""
    failing = {"last_error": "429", "cause": Cause.THROTTLED, "failing_since": NOW, "failures_in_a_row": 9}
    ran = {"runs_24h": 70, "complete_24h": 61, "p50_seconds": 2.1, "p95_seconds": 8.1}
    snapshot = changed(**failing, **ran)
    text = " ".join(told(snapshot).split())

    assert "throttled since 2026-11-21 05:30:00Z, 9 times in a row, asks again 10m" in text
    assert "half within 2.1s, 95 % within 8.1s; 61/70 complete within a day" in text
    assert "nothing turns ✔ without fresh data" in text
    row = plain(dict(table(build(snapshot, None, NOW), 158).rows)["okta-prod"])
    assert row.split()[:12] == [
        "✖",
        "DOWN",
        "okta-prod",
        "4m",
        "24h",
        "61/70",
        "10m",
        "8.1s",
        "43",
        "153",
        "identity,…",
        "2.1s",
    ]


def test_less_than_a_day_is_told_with_its_beginning() -> None:
    """A star in the list, the time in the detail: two runs of an hour are not taken for a day without a failure."""
    snapshot = changed(runs_24h=2, complete_24h=2, known_since=NOW - timedelta(hours=1))
    row = plain(dict(table(build(snapshot, None, NOW), 158).rows)["okta-prod"])

    assert "2/2 complete since 04:30Z" in " ".join(told(snapshot).split())
    assert row.split()[5] == "2/2*"


def test_failures_are_listed_once_each_with_their_recoveries() -> None:
    """The same several times in a row is one line."""
    events = [
        Event(at=NOW - timedelta(minutes=1), kind="source", what="okta-prod", text="complete again"),
        *(Event(at=NOW - timedelta(minutes=m), kind="source", what="okta-prod", text="503 x" * 30) for m in (2, 3, 4)),
    ]
    lines = [plain(line) for _, line in detail(build(all_pass(), None, NOW), "okta-prod", 60, events).rows]

    assert " lately  05:29Z complete again" in lines
    assert any(each.startswith("         05:28Z ×3 503 x") and len(each) <= 60 for each in lines)

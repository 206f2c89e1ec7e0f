"""The history's rows say what was, what nobody saw, and how often it broke, at every width."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

import msgspec
import pytest

from checks.model.state import State
from engine.port import Deadline, KnownTime, Past, Snapshot, Turn
from engine.port.timeline import HOUR, Breach, Gap
from tests.support.clock import NOW
from tests.support.estates import CannedPort, all_blind, all_pass, empty, mixed
from tests.support.pasts import a_day, some_waivers
from tui.ahead import ahead
from tui.breaches import breach_list, waiver_of
from tui.calendar import gap_text, keys, strips, told
from tui.difference import difference
from tui.format import zone_mark
from tui.glance import glance
from tui.lines import plain, size
from tui.model import build
from tui.period import asked, named
from tui.scene import Scene, as_seen, scene
from tui.trends import plots

DAY = timedelta(days=1)
WIDTHS = (39, 59, 77, 109, 159)


def scened(snapshot: Snapshot, width: int = 77, name: str = "30d", pasts: Mapping[str, Past] | None = None) -> Scene:
    """Lay out an estate's past."""
    model = build(snapshot, None, NOW)
    return scene(model, CannedPort(snapshot).pasts if pasts is None else pasts, named(name, NOW), NOW, width)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["24h", "7d", "30d", "90d", "365d"])
def test_every_row_fits(name: str, width: int) -> None:
    """Strips, their ruler and their figures are exactly as wide as the screen."""
    drawn = scened(mixed(), width, name)
    content = strips(drawn, {"mfa", "access"}, 3, "mfa", "")

    assert {size(row) for _, row in content.rows} == {width}
    assert {size(row) for row in content.head} == {width + 1}


@pytest.mark.parametrize("height", [4, 5, 9, 14, 40])
@pytest.mark.parametrize("cursor", [None, 5])
@pytest.mark.parametrize("estate", [mixed(), all_blind()], ids=["mixed", "blind"])
def test_plots_fill_no_more_than_their_height(estate: Snapshot, cursor: int | None, height: int) -> None:
    """A plot is cut to the terminal, and stands under its strip."""
    drawn = scened(estate)
    rows = plots(drawn, "mfa", cursor, height)

    assert len(rows) <= height
    assert max(size(row) for row in rows) <= 78


def test_families_open_in_their_places() -> None:
    """Checks are shown under their family in configured order."""
    items = build(mixed(), None, NOW).items

    assert keys(items, set()) == ["mfa", "access", "backup", "certification"]
    assert keys(items, {"access"})[1:5] == ["access", "access/stale-accounts", "access/leavers", "access/access-keys"]


def test_a_row_tells_days_in_control_coverage_and_breaches() -> None:
    """An auditor's three figures stand beside the strip."""
    pasts = {
        "leavers": Past(
            check="leavers",
            turns=[
                Turn(at=NOW - 60 * DAY, state=State.PASS, passed=9),
                Turn(at=NOW - 5 * DAY, state=State.FAIL, passed=8, failed=1),
                Turn(at=NOW - 4 * DAY, state=State.PASS, passed=9),
            ],
            days=[a_day(ago) for ago in range(40, -1, -1) if ago not in {10, 11}],
        )
    }
    content = strips(scened(all_pass(), pasts=pasts), set(), None, None, "")
    row = plain(dict(content.rows)["access"])

    assert row.split()[3] == "✔" * 18 + "??" + "✔" * 4 + "✖✖" + "✔" * 4
    assert row.split()[4:] == ["26/28", "93.2%", "1"]


def test_a_check_that_nobody_told_of_is_no_data() -> None:
    """Where the port tells nothing, nothing is green."""
    content = strips(scened(all_pass(), pasts={}), set(), None, None, "")

    assert "✔" not in "".join(plain(row) for _, row in content.rows)
    assert "?" in plain(content.rows[0][1])


def test_a_cell_is_told_with_counts_judgements_and_gaps() -> None:
    """The line under the strips says what the cursor's day was."""
    drawn = scened(all_pass())
    first, second = told(drawn, "mfa/workforce-mfa", 24)

    assert plain(first) == (" Mon 16 Nov 2026  ✖ FAIL  workforce-mfa 99.0% of 43 112, 431 fail · 96/96 conclusive")
    assert plain(second) == " no gap here"


def test_a_day_without_data_says_so_and_names_the_gap() -> None:
    """A gap has its times, and is never a pass."""
    drawn = scened(all_pass(), name="90d")
    cell = next(index for index, edge in enumerate(drawn.edges) if edge + 3 * DAY > NOW - 41 * DAY)
    text = "\n".join(plain(each) for each in told(drawn, "mfa", cell))

    assert "NO DATA" in text
    assert "? gap: 09 Oct 23:45–13 Oct 00:00Z (3d00h) no data (nothing was judged) · shown as ?, never as ✔" in text


def test_a_cell_in_the_future_is_told_as_such() -> None:
    """Nothing is foretold."""
    drawn = scened(all_pass(), name="7d")
    early = Scene(drawn.items, drawn.period, NOW - 2 * DAY, drawn.pasts, drawn.limits, drawn.width)

    assert "in the future" in plain(told(early, "mfa", len(early.edges) - 2)[0])


@pytest.mark.parametrize(
    ("gap", "text"),
    [
        (
            Gap(NOW, NOW + timedelta(hours=3), timedelta(hours=3)),
            "gap: 21 Nov 05:30–08:30Z (3h00m) no data",
        ),
        (
            Gap(NOW, NOW + timedelta(hours=8), timedelta(hours=3)),
            "gap: 3h00m without data, somewhere within 21 Nov 05:30–13:30Z",
        ),
    ],
    ids=["placed", "somewhere"],
)
def test_a_gap_says_where_it_is_as_far_as_that_is_known(gap: Gap, text: str) -> None:
    """No place is invented."""
    assert gap_text(gap, UTC) == text


def test_breaches_are_listed_the_latest_first() -> None:
    """Start, end, how long, how it ended, and whose."""
    content = breach_list(scened(mixed()), "mfa/admin-mfa", 60)
    first = plain(content.rows[0][1])
    foot = "\n".join(plain(each) for each in content.foot)

    assert "not over" in first
    assert first.rstrip().endswith("admin-mfa")
    assert "owner    identity" in foot
    assert "evidence not kept" in foot
    assert all(size(row) <= 59 for _, row in content.rows)


@pytest.mark.parametrize("width", [30, 37, 38, 39, 40, 41, 55, 80])
def test_how_long_a_breach_was_is_never_cut(width: int) -> None:
    """Where there is no room for all columns whole ones go, the end before the length."""
    turns = [Turn(at=NOW - 1300 * DAY, state=State.FAIL, failed=1), Turn(at=NOW - DAY, state=State.PASS, passed=1)]
    past = Past(check="admin-mfa", turns=turns, days=[a_day(ago) for ago in range(1300, -1, -1)])
    drawn = scened(all_pass(), width, "365d", {"admin-mfa": past})
    content = breach_list(drawn, "mfa/admin-mfa", width)
    row, head = plain(content.rows[0][1]), plain(content.head[0])

    assert " 3y" in row
    assert "…" not in row[: head.index("Long") + 4]
    assert ("→" in row) is ("Until" in head) is (width >= 39)
    assert size(content.rows[0][1]) <= width - 1


@pytest.mark.parametrize("width", [38, 50, 58, 79, 120])
@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=5, minutes=45))], ids=["UTC", "+05:45"])
def test_what_a_day_changed_fits_or_sheds_whole_columns(zone: tzinfo, width: int) -> None:
    """No clock and no share is cut: a part of one reads as another one."""
    model = build(mixed(), None, NOW.astimezone(zone))
    drawn = scene(model, CannedPort(mixed()).pasts, named("30d", model.now), model.now, width)
    day = max(index for index, edge in enumerate(drawn.edges[:-1]) if edge <= model.now - 2 * DAY)
    rows = difference(drawn, day, 12)[1:]
    told_ = [plain(each) for each in rows if plain(each).strip()]

    assert max(size(each) for each in rows) <= width + 1
    assert all(" → " in each for each in told_)
    assert not any("…" in each[15 + drawn.name_width - 12 :] for each in told_)
    assert any(zone_mark(model.now) in each for each in told_) is (width >= 58)


def test_no_breach_is_said_only_of_what_was_told() -> None:
    """An empty list is praise for a check that was judged, and not for one that was not."""
    lived = Past(check="leavers", turns=[Turn(at=NOW - 60 * DAY, state=State.PASS)], days=[a_day(0)])

    assert "✔" in plain(breach_list(scened(all_pass(), pasts={"leavers": lived}), "access", 60).empty[0])
    assert "✔" not in plain(breach_list(scened(all_pass(), pasts={}), "access", 60).empty[0])


def test_no_breach_of_a_check_that_never_knew_is_no_tick() -> None:
    """Neither it alone nor the family that it belongs to was held; and nothing of its time was covered."""
    days = [a_day(ago) for ago in range(30, -1, -1)]
    never = Past(check="leavers", turns=[Turn(at=NOW - 60 * DAY, state=State.UNKNOWN)], days=days)
    knew = Past(check="stale-accounts", turns=[Turn(at=NOW - 60 * DAY, state=State.PASS)], days=days)
    drawn = scened(all_pass(), pasts={"leavers": never, "stale-accounts": knew})

    assert plain(breach_list(drawn, "access/leavers", 60).empty[0]) == (
        "  ? no breach is known; nothing was conclusive"
    )
    assert "? no breach is known; 1 of 2 checks knew nothing" in plain(breach_list(drawn, "access", 60).empty[0])
    assert "period covered 0.0%" in plain(told(drawn, "access/leavers", None)[0])


@pytest.mark.parametrize(("since", "is_blind"), [(NOW - timedelta(hours=4), True), (None, False)], ids=str)
def test_a_check_that_is_blind_now_is_not_green_in_its_last_cell(since: datetime | None, *, is_blind: bool) -> None:
    """A state goes stale by itself, without a judgement that says so."""
    view = msgspec.structs.replace(mixed().checks[2], state_since=since, blind_by=None)
    item = build(msgspec.structs.replace(mixed(), checks=[view]), None, NOW).items[0]
    past = Past(check=view.name, turns=[Turn(at=NOW - 9 * DAY, state=State.PASS, passed=1)], days=[a_day(0)])
    turns = as_seen(past, item).turns

    assert item.word == "BLIND"
    assert (turns[-1].state is item.state) is (is_blind or item.since is not None)


def test_an_estate_without_checks_has_an_empty_history() -> None:
    """There is nothing to draw, and nothing breaks."""
    drawn = scened(empty())

    assert strips(drawn, set(), None, None, "").rows == []
    assert [plain(each) for each in told(drawn, None, None)] == ["", ""]
    assert plots(drawn, None, None, 10) == [()] * 10


def test_a_family_plots_its_worst_check() -> None:
    """The check that is red now is the one whose coverage is drawn."""
    drawn = scened(mixed())
    lead = drawn.lead("mfa")

    assert lead is not None
    assert lead.view.name == "admin-mfa"
    assert "admin-mfa" in plain(plots(drawn, "mfa", None, 12)[0])


def test_a_gap_is_told_in_the_readers_zone() -> None:
    """With the zone beside it."""
    gap = Gap(NOW, NOW + timedelta(hours=3), timedelta(hours=3))
    assert gap_text(gap, timezone(timedelta(hours=1))) == "gap: 21 Nov 06:30–09:30+01 (3h00m) no data"


@pytest.mark.parametrize(
    ("changes", "told_"),
    [
        ({}, "WV-22"),
        ({"check": "leavers"}, "–"),
        ({"status": "requested"}, "–"),
        ({"ends": NOW - 3 * DAY}, "–"),
        ({"approved_by": "", "status": "revoked"}, "–"),
    ],
    ids=["in force", "another check", "a request", "ended before", "rejected"],
)
def test_a_breach_names_the_waiver_that_was_in_force(changes: dict[str, Any], told_: str) -> None:
    """One that nobody approved never was."""
    breach = Breach("workforce-mfa", NOW - 2 * DAY, None, None, 3, timedelta(0))
    assert waiver_of(breach, NOW, [msgspec.structs.replace(some_waivers()[0], **changes)]) == told_


def test_a_day_of_an_audit_period_is_counted() -> None:
    """How far it has gone is beside its name."""
    drawn = scened(all_pass())
    audit = Scene(drawn.items, asked("2026-10-01 2027-09-30"), NOW, drawn.pasts, drawn.limits, 79)
    assert "day 52/365" in plain(strips(audit, set(), None, None, "").title)


def test_a_day_is_compared_with_its_beginning() -> None:
    """Checks that changed, with state, coverage and counts before and after; the others are counted."""
    drawn = scened(mixed())
    day = next(index for index, edge in enumerate(drawn.edges) if edge.date() == (NOW - 2 * DAY).date())
    text = [plain(each) for each in difference(drawn, day, 12)]

    assert len(text) == 12
    assert "Thu 19 Nov 2026" in text[0]
    assert any("admin-mfa" in each and "✔ → ✖" in each and "0 → 3 fail" in each for each in text)
    assert "puts the cursor on a day" in plain(difference(drawn, None, 4)[1])


def test_what_is_ahead_is_ages_and_ends() -> None:
    """A backup past its RPO is late, a certificate is on an axis, and a waiver ends there too."""
    estate = mixed()
    late = Deadline(source="dumps", id="orders", at=NOW - HOUR, rpo_seconds=86_400.0)
    times = [KnownTime(source="edge", id="www", what="tls_not_after", at=NOW + 20 * DAY, name="www.example.org:443")]
    checks = [
        msgspec.structs.replace(view, deadlines=[late]) if view.name == "backups" else view for view in estate.checks
    ]
    model = build(msgspec.structs.replace(estate, checks=checks, times=times), None, NOW)
    drawn = scened(estate)
    told_ = {
        key: [plain(each) for each in ahead(model, drawn, key, 8, some_waivers())]
        for key in ("backup", "certification", "mfa", "access/leavers")
    }

    assert any("orders" in each and "25h of 24h" in each and "LATE 1h" in each for each in told_["backup"])
    assert any("www.example.org" in each and "20d" in each and "TLS" in each for each in told_["certification"])
    assert any("WV-22" in each and "12d" in each and "waiver" in each for each in told_["mfa"])
    assert "has an age or an end" in told_["access/leavers"][1]
    assert all(len(lines) == 8 for lines in told_.values())


def test_waivers_that_are_not_known_are_not_none() -> None:
    """Neither is it said that none ends, nor that none was in force."""
    model, drawn = build(mixed(), None, NOW), scened(mixed())
    plots_ = {key: "\n".join(plain(each) for each in ahead(model, drawn, key, 8, None)) for key in ("mfa", "backup")}
    content = breach_list(drawn, "mfa", 110, None)

    assert all("! waivers are not fetched: when they end is not known" in text for text in plots_.values())
    assert not any("no waiver ends" in text for text in plots_.values())
    assert all(plain(row)[: -len("evidence")].count(" ? ") for _, row in content.rows)
    assert any("waivers are not fetched" in plain(each) for each in content.foot)


@pytest.mark.parametrize("estate", [mixed(), all_blind()], ids=["known", "blind"])
def test_panel_and_history_vouch_for_the_same_dates(estate: Snapshot) -> None:
    """A date of a source that does not tell is a question mark in both, and has the same name."""
    times = [KnownTime(source="edge", id="10.0.0.1:443@www.example.org:443", what="tls_not_after", at=NOW + 41 * DAY)]
    sources = [source for source in estate.sources if source.name == "edge"]
    model = build(msgspec.structs.replace(estate, times=times), None, NOW)
    rows = [*ahead(model, scened(estate), "certification", 8), *glance(model, None, "certification", 100, 8)]
    found = [plain(each) for each in rows if "www.example.org" in plain(each)]

    assert len(found) == 2
    assert not any("10.0.0.1" in each for each in found)
    assert ["?" in each for each in found] == [sources[0].failing_since is not None] * 2
    assert ["●" in each for each in found] == [sources[0].failing_since is None] * 2


@pytest.mark.parametrize(
    ("as_of", "says"),
    [(NOW - timedelta(minutes=56), "at 04:34Z 99"), (None, "now –")],
    ids=["known then", "never known"],
)
def test_the_coverage_of_a_blind_check_is_not_of_now(as_of: datetime | None, says: str) -> None:
    """What is paused or too old has no coverage now: the plot says when it had one, or none at all."""
    checks = [
        msgspec.structs.replace(each, paused_until=NOW + DAY, as_of=as_of) if each.name == "workforce-mfa" else each
        for each in mixed().checks
        if each.name != "admin-mfa"
    ]
    title = plain(plots(scened(msgspec.structs.replace(mixed(), checks=checks)), "mfa/workforce-mfa", None, 12)[0])

    assert f"workforce-mfa  {says}" in title
    assert "now 9" not in title

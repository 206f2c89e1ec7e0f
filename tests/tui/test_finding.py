"""A finding's page tells since when, why, on what evidence, what to do and what became of it, at every width."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from checks.model.state import State
from engine.port import Detail, Event
from tests.support.clock import NOW
from tests.support.estates import CannedPort, a_detail, a_row, mixed
from tests.support.snapshots import a_check
from tui.finding import Page, note, own, page, title
from tui.lines import plain, size
from tui.model import build

DAY = timedelta(days=1)
KEYS = {
    "do.runbook": "o",
    "waiver.request": "x",
    "do.ack": "a",
    "do.run": "r",
    "finding.raw": "v",
    "finding.similar": "=",
}


def a_finding(**changes: Any) -> Detail:
    """Build a finding of a check of the mixed estate."""
    view = next(view for view in mixed().checks if view.name == "workforce-mfa")
    return a_detail(a_row(**changes), msgspec.structs.replace(view, policy_ref="ISP-07"))


def drawn(detail: Detail, width: int = 78, **shown: Any) -> list[str]:
    """Give the page as text, with the check's past."""
    model = build(mixed(), None, NOW)
    past = CannedPort(mixed()).pasts[detail.check.name]
    known: dict[str, Any] = {"past": past, "told_at": NOW, "similar": 9, "keys": KEYS, **shown}
    return [plain(each) for each in page(Page(detail=detail, model=model, **known), width)]


def test_all_that_matters_is_on_the_first_screenful() -> None:
    """At 80×24 nineteen lines hold since when, owner, reason, rule, evidence, runbook, keys and ninety days."""
    text = "\n".join(drawn(a_finding())[:19])

    wanted = ["since   2026-11-20", "owner   identity", "severity high", "no second factor", "not told", "complete"]
    wanted += [
        "okta-prod ✔",
        "Ask the person to enrol",
        "o       https://runbooks",
        "x request a waiver",
        "a acknowledge",
    ]
    wanted += ["90d     ", "check   ", "breaches, mean ", "v the record"]
    assert [part for part in wanted if part not in text] == []


def test_a_resolved_finding_is_never_a_pass() -> None:
    """That it is not open proves nothing of its subject, which may be gone: title, head and history say no more."""
    ended = Event(at=NOW - DAY, kind="finding", what="x", text="resolved: fail, y", state=State.PASS)
    detail = msgspec.structs.replace(a_finding(resolved_at=NOW - DAY, due=NOW - 2 * DAY), history=[ended])
    lines = [title(detail), *page(Page(detail=detail, model=build(mixed(), None, NOW)), 160)]
    text = "\n".join(map(plain, lines))

    assert "· resolved" in plain(title(detail))
    assert "2026-11-20 05:30:00Z, 1d00h ago: mended, gone or out of scope since" in text
    assert "PASS" not in text
    assert "due " not in text
    assert not [each for each in lines if "resolved" in plain(each) and any(span.role == "pass" for span in each)]


def test_why_and_evidence_stand_side_by_side_where_there_is_room() -> None:
    """And one below the other where there is not."""
    assert any("Why" in each and "Evidence" in each for each in drawn(a_finding(), 78))
    narrow = drawn(a_finding(), 50)
    assert [each.strip() for each in narrow if each.strip() in {"Why", "Do", "Evidence", "History"}] == [
        "Why",
        "Do",
        "Evidence",
        "History",
    ]


@pytest.mark.parametrize("width", [60, 72, 78, 100, 118, 160])
def test_columns_and_rules_fit(width: int) -> None:
    """Headings reach the edge exactly; nothing in a column runs into the other."""
    model = build(mixed(), None, NOW)
    lines = page(Page(detail=a_finding(), model=model, keys=KEYS), width)

    assert {size(each) for each in lines if plain(each).startswith("─")} <= {width}
    bars = {plain(each).index("│") for each in lines if "│" in plain(each)}
    assert len(bars) == (1 if width >= 72 else 0)


def test_what_is_said_about_a_finding_is_at_its_head() -> None:
    """Due, waiver, acknowledgement, regressions, each where it exists."""
    detail = a_finding(due=NOW - DAY, waiver="WV-22", acked="[red]seen", regressions=2)
    text = "\n".join(drawn(detail)[:9])

    wanted = ["due     2026-11-20 05:30:00Z, 1d00h ago", "WV-22", "[red]seen", "2 times after it was resolved"]
    assert [part for part in wanted if part not in text] == []


@pytest.mark.parametrize(
    ("what", "says"), [("opened", "for the first time"), ("regressed", "again"), ("returned", "seen again")]
)
def test_how_it_came_to_be_is_told(what: str, says: str) -> None:
    """A regression is not a first time."""
    event = Event(at=NOW - DAY, kind="finding", what="x", text=f"{what}: fail, gone", state=State.FAIL)
    detail = msgspec.structs.replace(a_finding(), history=[event])

    assert says in drawn(detail)[0]


def test_nothing_that_writes_is_offered_where_it_does_nothing() -> None:
    """Read-only: the keys that ask something of the engine are not on the page."""
    text = "\n".join(drawn(a_finding(), keys={"do.runbook": "o"}))

    assert "https://runbooks.example.org/workforce-mfa" in text
    assert "waiver (" not in text
    assert "acknowledge" not in text


def test_the_days_of_a_finding_are_drawn_from_its_own_events() -> None:
    """Open is a mark of its outcome; a day without it is a dot, which is no tick."""
    edges = [NOW - (10 - number) * DAY for number in range(11)]
    events = [
        Event(at=NOW - 2.5 * DAY, kind="finding", what="x", text="regressed: fail, y", state=State.FAIL),
        Event(at=NOW - 5.5 * DAY, kind="finding", what="x", text="resolved: warn, y"),
        Event(at=NOW - 6.5 * DAY, kind="finding", what="x", text="acknowledged: warn, y"),
        Event(at=NOW - 7.5 * DAY, kind="finding", what="x", text="opened: warn, y", state=State.WARN),
    ]
    strip = own(msgspec.structs.replace(a_finding(), history=events), edges, NOW)

    assert plain(strip) == "··▲▲▲··✖✖✖"
    assert len(list(pairwise(edges))) == size(strip)


def test_without_a_past_nothing_is_drawn_of_the_check() -> None:
    """An answer that is missing is no clean record."""
    lines = drawn(a_finding(), past=None, told_at=None)

    assert not any(each.startswith("  check  ") for each in lines)
    assert not any("breach" in each for each in lines)


def test_the_frame_tells_the_reason_and_how_fresh_the_data_is() -> None:
    """Title and note answer before anything is read."""
    model = build(mixed(), None, NOW)

    assert plain(title(a_finding())) == "✖ FAIL user00001@example.org — no second factor is enrolled"
    assert plain(note(a_finding(), model)) == "data ✔ 4m · workforce-mfa"
    assert plain(note(a_finding(subject="aws/1"), model)) == "data ! STALE 26h · workforce-mfa"
    assert plain(note(a_finding(subject="gone/1"), model)) == "workforce-mfa"


def test_evidence_of_a_source_that_is_gone_says_so() -> None:
    """The digest stays; whose it was is no longer asked."""
    text = "\n".join(drawn(a_finding(subject="gone/1")))

    assert "gone ? not configured any more" in text


def test_nothing_kept_and_nothing_configured_are_told() -> None:
    """No empty line where a person looks for an answer."""
    detail = a_detail(a_row(reason="unheard of"), a_check(runbook="", team=""))
    text = "\n".join(drawn(msgspec.structs.replace(detail, evidence=(), history=(), record=None)))

    assert [
        part for part in ("none is kept", "none configured", "unowned", "nothing is known before") if part not in text
    ] == []


def test_an_instant_among_the_facts_is_told_with_its_distance() -> None:
    """What is no instant stays as it is, also where it looks like one."""
    facts = {"seen": "2026-07-14T13:56:48Z", "ends": "2027-08-13T14:30:36+00:00", "bad": "2026-99-14T13:56:48Z"}
    text = "\n".join(drawn(a_finding(facts=facts), 60))

    assert "seen    14 Jul 13:56Z (129d ago)" in text
    assert "ends    13 Aug 2027 (265d)" in text
    assert "bad     2026-99-14T13:56:48Z" in text


def test_however_many_facts_there_are_what_to_do_is_in_sight() -> None:
    """Do stands above Why where the page is wide, and History comes below."""
    lines = drawn(a_finding(facts={f"fact_{number}": number for number in range(30)}))
    place = {name: next(at for at, each in enumerate(lines) if each.startswith(f"─{name} ")) for name in _PARTS}

    assert list(place) == sorted(place, key=place.__getitem__)
    assert place["Do"] < 5


_PARTS = ("Do", "Why", "History", "Similar", "Check")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"acked": "ticket 7", "acked_by": "lee\x1b[2J"}, "ack     ticket 7, by lee[2J, as claimed"),
        ({"acked": "ticket 7"}, "ack     ticket 7"),
        ({"acked": "", "acked_by": "lee"}, "ack     by lee, as claimed"),
    ],
    ids=["who", "nobody knows who", "without a note"],
)
def test_who_acknowledged_is_told_as_claimed(changes: dict[str, Any], says: str) -> None:
    """Beside the note stands who made it, which nobody has proven."""
    assert says in [each.strip() for each in drawn(a_finding(**changes))]

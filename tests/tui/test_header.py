"""The top of the screen tells whether the monitor lives, before it tells anything else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, timezone
from typing import Any

import msgspec
import pytest

from checks.model.doubt import Cause
from engine.port import BlindBy, EvidenceView, Selftest, Snapshot
from tests.support.clock import NOW
from tests.support.estates import all_blind, all_pass, empty, mixed, starting
from tests.support.snapshots import a_standing
from tui.header import banner, header, pulse
from tui.lines import plain, size
from tui.model import Word, build


@pytest.mark.parametrize(
    ("snapshot", "fault", "late", "says"),
    [
        pytest.param(all_pass(), None, 0, "LIVE 05:30Z", id="live"),
        pytest.param(None, None, 0, " STARTING ", id="no snapshot yet"),
        pytest.param(starting(), None, 0, " STARTING 1d00h ", id="first run"),
        pytest.param(all_pass(), None, 30, "LIVE 05:30Z", id="just young enough"),
        pytest.param(all_pass(), None, 31, " STALLED 00:31 ", id="stalled"),
        pytest.param(all_pass(), None, 150, " STALLED 02:30 ", id="stalled for minutes"),
        pytest.param(all_pass(), None, -300, "LIVE 05:30Z", id="clocks differ by minutes"),
        pytest.param(all_pass(), None, -3_600, " CLOCK +1h ", id="a wrong clock"),
        pytest.param(all_pass(), "died", 150, " ENGINE DOWN 02:30 ", id="engine down"),
        pytest.param(None, "died", 0, " ENGINE DOWN ", id="down at once"),
        pytest.param(msgspec.structs.replace(all_pass(), phase="stopping"), None, 0, " STOPPING ", id="stopping"),
    ],
)
def test_the_pulse_is_unmistakable(snapshot: Snapshot | None, fault: str | None, late: int, says: str) -> None:
    """LIVE is shown only while snapshots come."""
    assert pulse(build(snapshot, fault, NOW + timedelta(seconds=late))).text == says


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"config_error": "line 3\x1b[2J"}, "CONFIGURATION REFUSED", id="configuration"),
        pytest.param({"evidence_error": "disk full"}, "EVIDENCE CANNOT BE WRITTEN  disk full", id="evidence"),
        pytest.param({"waivers_error": "bad"}, "WAIVERS CANNOT BE READ", id="waivers"),
        pytest.param({"selftest": Selftest(passed_at=NOW, error="x")}, "SELF-TEST FAILED", id="self-test"),
    ],
)
def test_what_everybody_must_know_has_a_banner(changes: dict[str, Any], says: str) -> None:
    """A fault of the monitor itself takes a whole line, harmless in its text."""
    told = banner(build(msgspec.structs.replace(all_pass(), **changes), None, NOW))

    assert told is not None
    assert told[0].startswith(says)
    assert "\x1b" not in told[0]


def test_when_no_source_answers_it_says_offline() -> None:
    """One banner for all sources, with since when."""
    told = banner(build(all_blind(), None, NOW))

    assert told == ("OFFLINE  none of 7 sources has answered since 19 Nov 05:30Z", "chip.stale")
    assert banner(build(mixed(), None, NOW)) is None


def test_a_wrong_clock_has_a_banner() -> None:
    """A snapshot of the future proves nothing about how old it is."""
    told = banner(build(all_pass(), None, NOW - timedelta(minutes=66)))

    assert told == ("CLOCK  the engine is 1h06m ahead of this screen: nobody knows how old anything is", "chip.stale")


@pytest.mark.parametrize("width", [40, 60, 80, 100, 160, 240])
@pytest.mark.parametrize("estate", [all_pass(), mixed(), all_blind(), empty(), starting(), None], ids=range(6))
def test_the_header_fits_every_width(estate: Snapshot | None, width: int) -> None:
    """No terminal makes a header line longer than itself."""
    lines = header(build(estate, None, NOW), "controlwatch ▸ Attestations & TLS ▸ certificates", width)

    assert [size(line) for line in lines if line] == [width for line in lines if line]


def test_the_five_words_are_spelled_out_at_eighty_columns() -> None:
    """Counts never rely on a colour or a glyph alone where there is room."""
    first = plain(header(build(mixed(), None, NOW), "controlwatch", 80)[0])

    assert first == " controlwatch  ✖ 2 FAIL  ? 2 BLIND  ▲ 1 WARN  ◆ 1 WAIVED  ✔ 2 PASS  LIVE 05:30Z "


def test_chips_say_demo_and_read_only() -> None:
    """Nobody takes a demo for the truth."""
    snapshot = msgspec.structs.replace(all_pass(), demo=True, read_only=True)

    assert " DEMO   READ-ONLY " in plain(header(build(snapshot, None, NOW), "controlwatch", 80)[1])


def test_a_broken_chain_of_evidence_is_the_first_thing_told() -> None:
    """Nothing that was proven before can be shown to an auditor any more."""
    bad = EvidenceView(chain_valid=False, chain_fault="entry 7: digest differs")
    snapshot = msgspec.structs.replace(all_pass(), evidence=bad)

    assert banner(build(snapshot, None, NOW)) == ("EVIDENCE CHAIN BROKEN  entry 7: digest differs", "chip.fail")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, "engine ✔ lag <10ms │ /metrics – off │ LIVE"),
        ({"loop_lag_max_seconds": 0.2}, "engine ✔ lag <500ms"),
        ({"loop_lag_max_seconds": 2.0}, "engine ! lag 2.0s"),
        ({"metrics_address": "127.0.0.1:1", "started_at": NOW - timedelta(minutes=4)}, "/metrics … not read yet │"),
        ({"metrics_address": "127.0.0.1:1"}, "/metrics ! nobody reads │"),
        ({"metrics_address": "127.0.0.1:1", "demo": True}, "/metrics not read │"),
        ({"metrics_address": "127.0.0.1:1", "scraped_at": NOW - timedelta(seconds=15)}, "/metrics ✔ read │ LIVE"),
        ({"metrics_address": "x", "scraped_at": NOW - timedelta(minutes=12)}, "/metrics ! not read for 12m"),
    ],
    ids=["well", "some lag", "lags", "not read yet", "never read", "never read in a demo", "read", "no longer read"],
)
def test_a_wide_header_tells_whether_engine_and_metrics_live(changes: dict[str, Any], says: str) -> None:
    """Whoever is on call sees that alerts can come at all."""
    model = build(msgspec.structs.replace(all_pass(), **changes), None, NOW)

    assert says in plain(header(model, "controlwatch", 160)[0])


@pytest.mark.parametrize(
    ("late", "says"),
    [(10, "engine ✔ lag <10ms"), (12, "engine … 12s ago"), (30, "engine … 30s ago")],
    ids=["in time", "late", "nearly stalled"],
)
def test_an_engine_that_was_not_heard_of_lately_is_not_said_to_be_well(late: int, says: str) -> None:
    """Long before it counts as stalled, the tick gives way to how long ago; its clock stands still beside it."""
    model = build(all_pass(), None, NOW + timedelta(seconds=late))
    first = plain(header(model, "controlwatch", 160)[0])

    assert says in first
    assert "LIVE 05:30:00Z" in first
    assert model.is_counting is (late > 10)


def test_an_attached_screen_says_so() -> None:
    """Whoever quits it knows that the engine goes on."""
    model = build(all_pass(), None, NOW)

    assert " ATTACHED " in plain(header(model, "controlwatch", 80, rights=["ATTACHED"])[1])
    assert "ATTACHED" not in plain(header(model, "controlwatch", 80)[1])


def test_a_frozen_engine_is_not_said_to_be_well() -> None:
    """Nothing newer than the snapshot is known."""
    assert "engine ✔" not in plain(header(build(all_pass(), "died", NOW), "controlwatch", 160)[0])


def test_a_check_that_breaks_inside_controlwatch_has_a_chip_of_its_own() -> None:
    """It is blind, and no source is to blame."""
    first, *rest = all_pass().checks
    broken = msgspec.structs.replace(
        first,
        standing=a_standing(tally=None, completed=False, valid_until=None),
        blind_by=BlindBy(source="", cause=Cause.INTERNAL, since=NOW, detail="TypeError"),
    )
    model = build(msgspec.structs.replace(all_pass(), checks=[broken, *rest]), None, NOW)

    assert " E1 CHECK ERROR " in plain(header(model, "controlwatch", 120)[1])


def test_sources_that_are_down_are_named_where_there_is_room() -> None:
    """Cause and since beside the name; in a narrow terminal the count."""
    model = build(mixed(), None, NOW)

    assert plain(header(model, "controlwatch", 120)[1]).endswith("! 1 down: aws unreachable 4h  6/7 sources fresh ")
    assert plain(header(model, "controlwatch", 60)[1]).endswith("! 1 down, 6/7 sources fresh ")


@pytest.mark.parametrize(
    ("each", "fault", "counts", "says"),
    [
        pytest.param(2, None, "✖2 ?2 ▲2 ◆2 ✔2  ", "LIVE 14:30+09", id="a few checks"),
        pytest.param(180, None, "✖180 ?180 ▲180 ◆180 ✔180  ", "LIVE 14:30+09 ", id="many"),
        pytest.param(1_800, None, "✖1.8k ?1.8k ▲1.8k ◆1.8k ✔1.8k  ", "LIVE", id="thousands"),
        pytest.param(43_112, None, "✖43k ?43k ▲43k ◆43k ✔43k  ", "LIVE 14:30 ", id="more"),
        pytest.param(2, "died", "✖2 ?2 ▲2 ◆2 ✔2  ", "ENGINE DOWN", id="engine down"),
    ],
)
def test_the_five_counts_outlive_title_and_zone(each: int, fault: str | None, counts: str, says: str) -> None:
    """On the narrowest screen the title is cut and the zone goes; what is red never does, nor whether it lives."""
    now = NOW.astimezone(timezone(timedelta(hours=9)))
    model = replace(build(mixed(), fault, now), counts=dict.fromkeys(Word, each))
    drawn = header(model, "controlwatch ▸ MFA coverage", 40)[0]

    assert size(drawn) <= 40
    assert counts in plain(drawn)
    assert says in plain(drawn)

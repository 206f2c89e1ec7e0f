"""What becomes of a waiver is noted once and for good, with neither a name nor a subject in the chain."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from engine.store import Chained, StoreError
from engine.store.sqlite import SqliteStore, open_sqlite
from engine.waiver_notes import TOLD_AT_ONCE, Noted, Phase, WaiverNotes, changes, last_notes, standings
from engine.waivers import NONE, Waivers, parse
from tests.support.clock import NOW
from tests.support.judging import KEY
from tests.support.waivers import REASON

GOOD: Final[Mapping[str, object]] = {
    "id": "w1",
    "check": "mfa",
    "subjects": ["okta-prod/bea"],
    "reason": REASON,
    "requested_by": "ana",
    "approved_by": "bob",
    "starts": "2026-11-01T00:00:00Z",
    "expires": "2026-12-01T00:00:00Z",
}
LOST: Final = Waivers(faults=("waivers.toml: not valid TOML",), readable=False)
PAST: Final = "2026-11-20T00:00:00Z"
SOON: Final = "2026-11-25T00:00:00Z"
REVOKED: Final = {"revoked": PAST, "revoked_by": "cal", "revoked_reason": "the hardware came"}


def written(*entries: Mapping[str, object]) -> Waivers:
    """Read a waiver file, each of whose entries is an approved one with some keys changed."""
    tables = [{**GOOD, **entry} for entry in entries]
    blocks = ("".join(f"{key} = {_value(key, value)}\n" for key, value in table.items()) for table in tables)
    return parse("".join(f"[[waiver]]\n{block}" for block in blocks).encode(), "waivers.toml", ["mfa"])


def _value(key: str, value: object) -> str:
    return str(value) if key in {"starts", "expires", "revoked"} else json.dumps(value)


def noted(phase: Phase, entry: str = "sha256:0") -> dict[str, Noted]:
    """Remember one waiver as something."""
    return {"w1": Noted(waiver="w1", check="mfa", phase=phase, entry=entry)}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """Give an empty store."""
    opened = open_sqlite(tmp_path / "store.sqlite", subject_key=KEY, clock=lambda: NOW)
    yield opened
    await opened.close()


async def phases(store: SqliteStore) -> list[tuple[str, str]]:
    """Give what the chain says of waivers: id and what it is."""
    return [(body["waiver"], body["is"]) for body in map(json.loads, await store.bodies("waiver"))]


@pytest.mark.parametrize(
    ("entry", "phase", "by", "text"),
    [
        pytest.param({}, "active", "bob", "approved by bob (claimed), in force until 2026-12-01 00:00Z", id="active"),
        pytest.param(
            {"approved_by": ""},
            "requested",
            "ana",
            "requested by ana (claimed); it waives nothing until another person approves it",
            id="requested",
        ),
        pytest.param(
            {"starts": SOON},
            "future",
            "bob",
            "approved by bob (claimed), from 2026-11-25 00:00Z until 2026-12-01 00:00Z",
            id="future",
        ),
        pytest.param(REVOKED, "revoked", "cal", "revoked by cal (claimed): the hardware came", id="revoked"),
        pytest.param({"revoked": PAST}, "revoked", "", "revoked by nobody named (claimed)", id="by-whom"),
        pytest.param({"expires": PAST}, "expired", "", "has ended", id="expired"),
        pytest.param(
            {"expires": PAST, "approved_by": ""},
            "expired",
            "",
            "ended without approval",
            id="never-approved",
        ),
        pytest.param(
            {
                "emergency": True,
                "approved_by": "",
                "starts": "2026-11-21T00:00:00Z",
                "expires": "2026-11-22T00:00:00Z",
            },
            "active",
            "ana",
            "EMERGENCY by ana (claimed), whom nobody approved, in force until 2026-11-22 00:00Z",
            id="emergency",
        ),
    ],
)
def test_a_waiver_is_told_with_who_decided(entry: dict[str, object], phase: str, by: str, text: str) -> None:
    """Names are the file's claims, and are called so."""
    now = standings(written(entry), {}, NOW)["w1"]
    assert (now.phase, now.by, now.text) == (phase, by, f"mfa: {text}")


def test_a_malformed_waiver_is_told_by_its_keys_and_without_its_subjects() -> None:
    """A fault may repeat what stands in the entry, and events are read by many."""
    now = standings(written({"check": "mfaa", "subjects": ["*"]}), {}, NOW)["w1"]
    assert (now.phase, now.text) == ("malformed", "mfaa: malformed (check, subjects), so it waives nothing")


@pytest.mark.parametrize(
    ("waivers", "before", "after"),
    [
        pytest.param(NONE, "active", "removed", id="taken-out-of-the-file"),
        pytest.param(LOST, "active", "unreadable", id="file-lost-while-active"),
        pytest.param(LOST, "requested", "unreadable", id="file-lost-while-requested"),
        pytest.param(LOST, "revoked", None, id="file-lost-after-its-revocation"),
        pytest.param(LOST, "expired", None, id="file-lost-after-its-end"),
    ],
)
def test_a_waiver_that_is_not_in_the_file_is_told_by_what_was_noted(
    waivers: Waivers, before: Phase, after: Phase | None
) -> None:
    """Of a file that cannot be read nothing is said of what was over."""
    found = standings(waivers, noted(before), NOW)
    assert [now.phase for now in found.values()] == ([] if after is None else [after])


def test_only_what_differs_from_the_last_note_is_a_change() -> None:
    """A waiver whose phase and entry are as noted is none; one whose entry was edited is."""
    found = standings(written({}), {}, NOW)
    same = noted("active", found["w1"].entry)
    assert list(changes(same, found)) == []
    assert [name for name, _ in changes(noted("active", "sha256:0"), found)] == ["w1"]
    assert [name for name, _ in changes(noted("future", found["w1"].entry), found)] == ["w1"]


async def test_a_change_is_noted_once_and_over_restarts(store: SqliteStore) -> None:
    """The chain says what was noted last, so a second engine over the same store notes nothing again."""
    first = await WaiverNotes(store).note(written({}), NOW)
    again = WaiverNotes(store)

    assert (sorted(first.checks), [event.what for event in first.events]) == (["mfa"], ["w1"])
    assert (await again.note(written({}), NOW)).events == []
    assert again.known() == {"w1"}
    assert await phases(store) == [("w1", "active")]


async def test_the_chain_holds_neither_a_name_nor_a_subject(store: SqliteStore) -> None:
    """Who decided is a keyed hash."""
    await WaiverNotes(store).note(written({}), NOW)

    (body,) = await store.bodies("waiver")
    assert json.loads(body)["by"] == store.hashed("bob")
    assert not [word for word in ("ana", "bob", "bea", REASON) if word in body.decode()]


async def test_what_was_over_before_it_was_first_seen_is_noted_and_no_news(store: SqliteStore) -> None:
    """A file with a long history brings no flood of events."""
    changed = await WaiverNotes(store).note(written(REVOKED), NOW)

    assert changed.events == []
    assert await phases(store) == [("w1", "revoked")]


async def test_an_edited_entry_is_told_as_that(store: SqliteStore) -> None:
    """Its phase is the same, and the event says what changed."""
    notes = WaiverNotes(store)
    await notes.note(written({}), NOW)

    (event,) = (await notes.note(written({"ticket": "SEC-1"}), NOW)).events
    assert event.text.endswith("in force until 2026-12-01 00:00Z (its entry was changed)")


@pytest.mark.parametrize(("more", "events"), [(0, TOLD_AT_ONCE), (1, 1)], ids=["as-many", "one-more"])
async def test_more_changes_than_can_be_read_are_one_event(store: SqliteStore, more: int, events: int) -> None:
    """Each is still an entry of the chain."""
    count = TOLD_AT_ONCE + more
    changed = await WaiverNotes(store).note(written(*({"id": f"w{number}"} for number in range(count))), NOW)

    assert (len(changed.events), len(await phases(store))) == (events, count)
    assert more == 0 or changed.events[0].text == f"changed: {count} active"


@pytest.mark.parametrize(
    ("entry", "border"),
    [
        pytest.param({}, "2026-12-01T00:00:00Z", id="its-end"),
        pytest.param({"starts": SOON}, SOON, id="its-start"),
    ],
)
async def test_a_note_is_due_when_time_alone_changes_a_waiver(
    store: SqliteStore, entry: dict[str, object], border: str
) -> None:
    """Not before, and not before the first note either, which the start makes."""
    at, notes = datetime.fromisoformat(border), WaiverNotes(store)
    assert not notes.due(at)

    await notes.note(written(entry), NOW)
    assert (notes.due(at - timedelta(seconds=1)), notes.due(at)) == (False, True)


async def test_a_note_that_could_not_be_made_is_due_again(store: SqliteStore) -> None:
    """What was not written was not noted."""
    notes = WaiverNotes(store)
    await store.close()
    with pytest.raises(StoreError):
        await notes.note(written({}), NOW)

    assert notes.due(NOW)
    assert notes.known() == frozenset()


async def test_an_entry_of_the_chain_in_another_form_is_passed_over(store: SqliteStore) -> None:
    """What it spoke of is noted again, which is true; guessing would not be."""
    await store.append([Chained(kind="waiver", body=b'{"waiver":"w1","state":"active"}')])

    assert await last_notes(store) == {}
    await WaiverNotes(store).note(written({}), NOW)
    assert list(await last_notes(store)) == ["w1"]

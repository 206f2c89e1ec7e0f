"""An evidence pack: what is in it, that its digests hold, and that no cell of it is a formula."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import pytest

from checks.model.state import State
from engine.chain import Head, Verified, link
from engine.pack.files import archive, stem
from engine.pack.tables import Table, tables
from engine.pack.told import Checked, Kept, Told
from engine.port import Day, Lapse, Past, PolicyValue, Turn
from engine.waivers import parse
from tests.support.clock import NOW

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
START: Final = datetime(2026, 11, 18, tzinfo=UTC)
FILE: Final = b"""
[[waiver]]
id = "W-1"
check = "mfa"
subjects = ["=cmd|calc"]
reason = "-2+3 is why this was accepted by us"
requested_by = "ana"
approved_by = "bob"
starts = 2026-11-19
expires = 2027-01-01

[[waiver]]
id = "W-0"
check = "mfa"
subjects = ["idp/long-gone"]
reason = "it ended long before the period began"
requested_by = "ana"
approved_by = "bob"
starts = 2026-01-01
expires = 2026-02-01
"""


def told(**changes: Any) -> Told:
    """Build three days of one check: it fails for six hours, and nobody looked for three."""
    days = [
        Day(
            day=(START + number * DAY).date(),
            judged=90,
            conclusive=90,
            first_at=START + number * DAY,
            last_at=START + number * DAY + DAY - timedelta(minutes=15),
            longest_gap_seconds=3 * 3600.0 if number == 0 else 900.0,
            lapses=[Lapse(start=START + 2 * HOUR, end=START + 5 * HOUR)] if number == 0 else [],
        )
        for number in range(-1, 3)
    ]
    turns = [
        Turn(at=START - DAY, state=State.PASS, verdict="pass", passed=9),
        Turn(at=START + 30 * HOUR, state=State.FAIL, verdict="fail", passed=8, failed=1, evidence=("sha256:aa",)),
        Turn(at=START + 36 * HOUR, state=State.PASS, verdict="pass", passed=9),
    ]
    check = Checked(
        name="mfa",
        check="mfa_coverage",
        family="mfa",
        severity="high",
        team="identity",
        policy_ref="ISP-07",
        controls=("soc2:CC6.1",),
        sources=("idp",),
        threshold=1.0,
        max_age=DAY,
        limit=HOUR,
        policy={"min_coverage": PolicyValue(value=1.0, origin="default")},
        digest="sha256:cc",
    )
    found = parse(FILE, "waivers.toml", ["mfa"])
    one = link(Head(), "config", "2026-11-18T01:00:00Z", b'{"source":"idp"}')
    facts: dict[str, Any] = {
        "since": START,
        "until": START + 3 * DAY,
        "at": START + 3 * DAY,
        "version": "1.2.3",
        "config_digest": "sha256:dd",
        "checks": [check],
        "pasts": [Past(check="mfa", turns=turns, days=days)],
        "waivers": found.waivers,
        "malformed": found.malformed,
        "manifests": [Kept(digest="sha256:ee", source="idp", finished_at=NOW, body='{"a":1}', tombstoned_at=None)],
        "links": [one],
        "verified": Verified(entries=1, head=Head(1, one.hash)),
    }
    return Told(**{**facts, **changes})


def opened(one: Told) -> dict[str, bytes]:
    """Make the archive and give its files by name."""
    made = io.BytesIO()
    count = archive(one, made)
    with zipfile.ZipFile(made) as packed:
        assert len(packed.infolist()) == count
        assert {each.external_attr >> 16 for each in packed.infolist()} == {0o100600}
        return {each.filename.partition("/")[2]: packed.read(each) for each in packed.infolist()}


def rows(files: dict[str, bytes], name: str) -> list[dict[str, str]]:
    """Read a table's CSV."""
    return list(csv.DictReader(io.StringIO(files[f"{name}.csv"].decode(), newline="")))


def test_every_file_has_its_digest() -> None:
    """``SHA256SUMS`` names all others, with the digests that ``sha256sum -c`` would find."""
    files = opened(told())
    lines = [line.split("  ") for line in files["SHA256SUMS"].decode().splitlines()]
    sums = {name: digest for digest, name in lines}
    assert sums == {name: hashlib.sha256(data).hexdigest() for name, data in files.items() if name != "SHA256SUMS"}


def test_the_same_period_is_the_same_archive() -> None:
    """Byte for byte, so that two people can compare what they hold."""
    one, other = io.BytesIO(), io.BytesIO()
    assert archive(told(), one) == archive(told(), other)
    assert one.getvalue() == other.getvalue()
    assert stem(told()) == "controlwatch-evidence-2026-11-18-2026-11-20"


def test_a_gap_is_told_with_its_place_and_is_no_pass() -> None:
    """The day on which nobody looked for three hours is not in control."""
    files = opened(told())
    [gap] = rows(files, "gaps")
    assert (gap["start"], gap["end"], gap["exact"]) == ("2026-11-18T02:00:00Z", "2026-11-18T05:00:00Z", "yes")
    [summary] = rows(files, "summary")
    assert (summary["days_in_control"], summary["days_judged"], summary["breaches"]) == ("1", "3", "1")
    assert summary["days_conclusive"] == "3"


def test_a_breach_names_owner_waivers_and_evidence() -> None:
    """And how long it was, and what ended it."""
    [breach] = rows(opened(told()), "breaches")
    assert (breach["seconds"], breach["ended_by"], breach["owner"]) == ("21600.0", "pass", "identity")
    assert (breach["waivers"], breach["evidence"]) == ("W-1", "sha256:aa")


def test_waivers_are_those_that_touch_the_period() -> None:
    """One that ended before is not among them; no cell of one is a formula, and the JSON has it as it was written."""
    files = opened(told())
    [waiver] = rows(files, "waivers")
    assert waiver["id"] == "W-1"
    assert waiver["subjects"] == "'=cmd|calc"
    assert waiver["reason"].startswith("'-2+3")
    assert json.loads(files["waivers.json"])[0]["subjects"] == ["=cmd|calc"]


def test_a_malformed_waiver_is_told_too() -> None:
    """With its fault: it waived nothing."""
    found = parse(b'[[waiver]]\nid = "W-9"\n', "waivers.toml", ["mfa"])
    rows_ = rows(opened(told(waivers=found.waivers, malformed=found.malformed)), "waivers")
    assert [(each["id"], each["status"]) for each in rows_] == [("W-9", "malformed")]
    assert "missing" in rows_[0]["fault"]


def test_manifests_and_the_chain_can_be_digested_again() -> None:
    """A manifest is its exact bytes on a line of its own, and an entry of the chain holds what its hash covers."""
    files = opened(told())
    assert files["manifests.jsonl"] == b'{"a":1}\n'
    [entry] = map(json.loads, files["chain.jsonl"].decode().splitlines())
    frame = "\n".join(str(entry[key]) for key in ("prev", "seq", "kind", "at", "body"))
    assert hashlib.sha256(frame.encode()).hexdigest() == entry["hash"]


def test_what_is_missing_is_told_by_name() -> None:
    """A blob that no rule let go, and a manifest that a change cites: for people, for programs, and in a row."""
    one = Kept(digest="sha256:m1", source="idp", finished_at=NOW, body="{}", tombstoned_at=None, blob="sha256:b1")
    manifests = [
        one,
        replace(one, digest="sha256:m2", blob="sha256:b2", present=False),
        replace(one, digest="sha256:m3", blob="sha256:b3", present=False, tombstoned_at=NOW),
    ]
    files = opened(told(manifests=manifests, lost=["sha256:m4"]))
    about = json.loads(files["pack.json"])

    assert [row["blob_is"] for row in rows(files, "manifests")] == ["kept", "missing", "let go"]
    assert about["blobs"] == {"kept": 1, "let go": 1, "missing": 1}
    assert about["missing"] == ["manifest sha256:m4", "blob sha256:b2"]
    assert "THESE ARE MISSING" in files["README.md"].decode()
    assert "- blob sha256:b2\n" in files["README.md"].decode()
    assert "None was missing." in opened(told())["README.md"].decode()


def test_a_broken_chain_is_told_first() -> None:
    """By the page for people and by the one for programs."""
    files = opened(told(verified=Verified(entries=0, head=Head(), first_bad=1, why="entry 1 was changed")))
    assert "IT IS BROKEN at entry 1 (entry 1 was changed)" in files["README.md"].decode()
    assert json.loads(files["pack.json"])["chain"]["valid"] is False


def test_a_period_that_goes_on_is_known_until_now() -> None:
    """What is ahead is neither a gap nor in control."""
    files = opened(told(until=START + 30 * DAY))
    assert json.loads(files["pack.json"])["known_until"] == "2026-11-21T00:00:00Z"
    assert rows(files, "summary")[0]["days_judged"] == "3"


def test_a_check_that_was_never_conclusive_covers_nothing() -> None:
    """Its days were judged, and nothing of the period is known."""
    turns = [Turn(at=START, state=State.UNKNOWN, verdict="unknown", unknown=3)]
    days = [msgspec.structs.replace(day, conclusive=0) for day in told().pasts[0].days]
    [summary] = rows(opened(told(pasts=[Past(check="mfa", turns=turns, days=days)])), "summary")
    assert (summary["days_in_control"], summary["days_judged"], summary["days_conclusive"]) == ("0", "3", "0")
    assert (summary["period_covered"], summary["breaches"]) == ("0.0", "0")


@pytest.mark.parametrize("text", ["=1", "\t=1", "\u2066=1+1", "\x1b=1"], ids=ascii)
def test_no_cell_begins_like_a_formula(text: str) -> None:
    """Whatever comes before the sign."""
    table = Table("waivers", ("id", "subjects"), [(text, [text, "b\n"])])

    assert [each[:1] for line in csv.reader(io.StringIO(table.csv().decode())) for each in line[:2]][2:] == ["'", "'"]
    assert table.csv().count(b"\n") == 2


def test_an_empty_table_is_an_empty_list() -> None:
    """Its columns are told all the same."""
    table = Table("days", ("check", "day"), [])
    assert (table.csv(), table.json()) == (b"check,day\r\n", b"[]\n")
    assert {each.name for each in tables(told())} >= {"days", "turns", "breaches", "waivers", "policy", "manifests"}

"""A waiver waives what it names, for as long as it says; a malformed one is named and waives nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from checks.model.doubt import STRUCTURAL, Cause
from engine.store import Live
from engine.waivers import LONGEST_FILE, Waivers, load
from tests.support.clock import NOW
from tests.support.denied import denied

CHECKS = ("workforce-mfa", "keys")
REASON = "the kiosk has no second factor until the new hardware comes"
GOOD = {
    "id": '"w1"',
    "check": '"workforce-mfa"',
    "subjects": '["okta-prod/00u1", "kiosk-*"]',
    "reason": f'"{REASON}"',
    "requested_by": '"ana"',
    "approved_by": '"bob"',
    "starts": "2026-11-01",
    "expires": "2026-12-01",
}
STRUCTURAL_ONE = {"subjects": "[]", "source": '"okta-prod"', "cause": '"denied"'}


def read(folder: Path, *written: dict[str, str]) -> Waivers:
    """Write waivers, each a good one with some keys changed, and load them; an empty value leaves a key out."""
    tables = [{**GOOD, **changes} for changes in written]
    blocks = ("\n".join(f"{key} = {value}" for key, value in table.items() if value) for table in tables)
    path = folder / "waivers.toml"
    path.write_text("".join(f"[[waiver]]\n{block}\n" for block in blocks), encoding="utf-8")
    return load(path, CHECKS)


def test_a_good_waiver_covers_its_subjects_while_it_lives(tmp_path: Path) -> None:
    """It is given to the store with the instants at which it begins and ends."""
    found = read(tmp_path, {})

    assert found.faults == ()
    ends = datetime(2026, 12, 1, 23, 59, 59, 999_999, tzinfo=UTC)
    starts = datetime(2026, 11, 1, tzinfo=UTC)
    live = Live(id="w1", subjects=("okta-prod/00u1", "kiosk-*"), starts=starts, ends=ends)
    assert found.live_for("workforce-mfa", NOW) == [live]
    assert found.live_for("keys", NOW) == []
    assert found.structural_for("workforce-mfa", NOW) == {}


def test_a_structural_waiver_covers_an_unknown_and_no_subject(tmp_path: Path) -> None:
    """It is found by source and cause."""
    found = read(tmp_path, STRUCTURAL_ONE)

    assert found.faults == ()
    assert list(found.structural_for("workforce-mfa", NOW)) == [("okta-prod", Cause.DENIED)]
    assert found.live_for("workforce-mfa", NOW) == []


def test_live_waivers_are_grouped_by_the_check_that_they_name(tmp_path: Path) -> None:
    """Structural ones count; one that has ended counts as expired, and one to come as neither."""
    over, later = {"expires": "2026-11-20"}, {"starts": "2026-11-25"}
    written = [{}, STRUCTURAL_ONE, {"check": '"keys"'}, over, later]
    found = read(tmp_path, *({"id": f'"w{index}"', **one} for index, one in enumerate(written)))

    live = found.live_by_check(NOW)

    assert found.faults == ()
    assert {name: [item.written.id for item in items] for name, items in live.items()} == {
        "workforce-mfa": ["w0", "w1"],
        "keys": ["w2"],
    }
    assert (found.expired(NOW), Waivers().expired(NOW)) == (1, 0)


@pytest.mark.parametrize(
    ("starts", "expires", "status"),
    [
        pytest.param("2026-11-21", "2026-11-21", "active", id="a-day-to-its-end"),
        pytest.param("2026-11-22", "2026-11-23", "future", id="tomorrow"),
        pytest.param("2026-11-01", "2026-11-20", "expired", id="yesterday"),
        pytest.param("2026-11-01", "2026-11-21T05:30:00Z", "expired", id="the-end-itself"),
        pytest.param("2026-11-01", "2026-11-21T05:30:01Z", "active", id="a-second-before-the-end"),
        pytest.param("2026-11-21T05:30:00Z", "2026-11-23", "active", id="the-start-itself"),
        pytest.param("2026-11-21T06:30:00+01:00", "2026-11-23", "active", id="another-zone"),
        pytest.param("2026-11-21T06:00:00", "2026-11-23", "future", id="no-zone-is-utc"),
    ],
)
def test_a_waiver_ends_by_itself(tmp_path: Path, starts: str, expires: str, status: str) -> None:
    """A date begins with its day and ends with it, UTC."""
    (waiver,) = read(tmp_path, {"starts": starts, "expires": expires}).waivers

    assert waiver.status(NOW) == status
    assert waiver.live(NOW) is (status == "active")


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        pytest.param({"id": ""}, "id: missing", id="no-id"),
        pytest.param({"reasn": '"x"'}, 'reasn: unknown key, did you mean "reason"?', id="unknown-key"),
        pytest.param({"subjects": '"00u1"'}, 'subjects: expected a list, found "00u1"', id="wrong-type"),
        pytest.param(
            {"check": '"workforce"'},
            'check: no configured check "workforce", did you mean "workforce-mfa"?',
            id="no-such-check",
        ),
        pytest.param({"reason": '"because            "'}, "reason: say why in 20 characters or more", id="no-reason"),
        pytest.param({"subjects": "[]"}, "subjects: name subjects, or a source and a cause, not both", id="nothing"),
        pytest.param(
            {"source": '"okta-prod"', "cause": '"denied"'},
            "subjects: name subjects, or a source and a cause, not both",
            id="both",
        ),
        pytest.param(
            {"subjects": '["a", "*"]'},
            "subjects: a waiver of everything is not a waiver; name the subjects",
            id="everything",
        ),
        pytest.param(
            {"subjects": '["?*"]'}, "subjects: a waiver of everything is not a waiver; name the subjects", id="anything"
        ),
        pytest.param(
            {"subjects": '[""]'}, "subjects: a waiver of everything is not a waiver; name the subjects", id="blank"
        ),
        pytest.param(
            {**STRUCTURAL_ONE, "source": ""},
            "source: missing; a structural unknown is waived by check, source and cause",
            id="no-source",
        ),
        pytest.param({"approved_by": '"ana"'}, "approved_by: another person than the requester approves", id="self"),
        pytest.param({"approved_by": '"Ana "'}, "approved_by: another person than the requester approves", id="case"),
        pytest.param({"approved_by": '" A n a\\u200b"'}, "approved_by: another person than", id="unseen-signs"),
        pytest.param({"approved_by": '"\\uff41\\uff4e\\uff41"'}, "approved_by: another person than", id="wide-letters"),
        pytest.param({"requested_by": '""'}, "requested_by: say who asks", id="no-requester"),
        pytest.param({"requested_by": '" \\u200b"'}, "requested_by: say who asks", id="an-unseen-requester"),
        pytest.param({"id": '" "'}, "id: missing", id="blank-id"),
        pytest.param({"revoked_by": '"cal"'}, "revoked: missing; say from when it holds no more", id="revoked-never"),
        pytest.param({"revoked": '"now"'}, 'revoked: expected a date such as 2027-03-31, found "now"', id="no-end"),
        pytest.param({"expires": "2026-10-31"}, "expires: lies before its start", id="backwards"),
        pytest.param({"expires": "2027-05-01"}, "expires: at most 180 days after its start", id="too-long"),
        pytest.param(
            {"expires": "2027-04-30T00:00:01Z"}, "expires: at most 180 days after its start", id="a-second-too-long"
        ),
        pytest.param(
            {"vendor": "true", "expires": "2027-11-02"}, "expires: at most 365 days after its start", id="vendor"
        ),
        pytest.param(
            {"emergency": "true", "expires": "2026-11-02"}, "expires: at most 24 hours after its start", id="emergency"
        ),
        pytest.param({"expires": '"soon"'}, 'expires: expected a date such as 2027-03-31, found "soon"', id="no-date"),
    ],
)
def test_a_malformed_waiver_is_named_and_waives_nothing(tmp_path: Path, changes: dict[str, str], fault: str) -> None:
    """The others in the file still count."""
    found = read(tmp_path, changes, {"id": '"w2"'})

    assert len(found.faults) == 1
    assert found.faults[0].startswith(f"waivers.toml: waiver[0].{fault}")
    assert [waiver.written.id for waiver in found.waivers] == ["w2"]
    assert [item.index for item in found.malformed] == [0]


@pytest.mark.parametrize("cause", list(Cause))
def test_only_what_somebody_must_decide_can_be_waived_by_its_cause(tmp_path: Path, cause: Cause) -> None:
    """What passes with time is waited for."""
    found = read(tmp_path, {**STRUCTURAL_ONE, "cause": f'"{cause}"'})

    assert bool(found.waivers) is (cause in STRUCTURAL)
    assert bool(found.faults) is (cause not in STRUCTURAL)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"expires": "2027-04-30"}, id="180-days-and-the-end-of-that-day"),
        pytest.param({"expires": "2027-04-30T00:00:00Z"}, id="180-days-exactly"),
        pytest.param({"vendor": "true", "expires": "2027-11-01"}, id="a-vendor-365-days"),
        pytest.param({**STRUCTURAL_ONE, "expires": "2027-11-01"}, id="structural-365-days"),
        pytest.param({"emergency": "true", "approved_by": "", "expires": "2026-11-01"}, id="an-emergency-day"),
        pytest.param(
            {
                "emergency": "true",
                "approved_by": "",
                "starts": "2026-11-01T18:00:00Z",
                "expires": "2026-11-02T18:00:00Z",
            },
            id="an-emergency-of-24-hours",
        ),
    ],
)
def test_the_longest_that_is_allowed_is_allowed(tmp_path: Path, changes: dict[str, str]) -> None:
    """Each length is tried at its border."""
    assert read(tmp_path, changes).faults == ()


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        pytest.param({"approved_by": ""}, "requested", id="nobody"),
        pytest.param({"approved_by": '" "'}, "requested", id="a-space"),
        pytest.param({"approved_by": '"\\u200b"'}, "requested", id="an-unseen-sign"),
        pytest.param({"approved_by": "", "starts": "2026-12-01"}, "requested", id="of-the-future"),
        pytest.param({**STRUCTURAL_ONE, "approved_by": ""}, "requested", id="structural"),
        pytest.param({"approved_by": "", "expires": "2026-11-20"}, "expired", id="that-was-not-approved-in-time"),
        pytest.param({"approved_by": "", "revoked": "2026-11-20"}, "revoked", id="taken-back"),
        pytest.param({"revoked": "2026-11-21"}, "revoked", id="revoked-today-from-its-start-on"),
        pytest.param({"revoked": "2026-11-21T05:30:00Z"}, "revoked", id="revoked-now"),
        pytest.param({"starts": "2026-11-25", "revoked": "2026-11-20"}, "revoked", id="revoked-before-it-began"),
    ],
)
def test_a_request_and_a_revoked_waiver_are_no_fault_and_waive_nothing(
    tmp_path: Path, changes: dict[str, str], status: str
) -> None:
    """They are told for what they are, and no check sees them."""
    found = read(tmp_path, changes)
    (waiver,) = found.waivers

    assert found.faults == ()
    assert (waiver.status(NOW), waiver.live(NOW)) == (status, False)
    assert found.live_for("workforce-mfa", NOW) == []
    assert found.structural_for("workforce-mfa", NOW) == {}
    assert found.live_by_check(NOW) == {}


@pytest.mark.parametrize(
    ("changes", "status", "ends"),
    [
        pytest.param({"revoked": "2026-11-21T05:30:01Z"}, "active", NOW + timedelta(seconds=1), id="in-a-second"),
        pytest.param(
            {"revoked": "2027-11-21", "expires": "2026-11-22T00:00:00Z"},
            "active",
            datetime(2026, 11, 22, tzinfo=UTC),
            id="after-its-end",
        ),
    ],
)
def test_a_revocation_to_come_can_only_shorten(
    tmp_path: Path, changes: dict[str, str], status: str, ends: datetime
) -> None:
    """Until its instant the waiver holds, and never past ``expires``."""
    (waiver,) = read(tmp_path, changes).waivers

    assert (waiver.status(NOW), waiver.ends) == (status, ends)


def test_a_request_that_nobody_approved_is_not_counted_as_a_waiver_that_ended(tmp_path: Path) -> None:
    """It never was one."""
    over = {"expires": "2026-11-20"}
    found = read(tmp_path, {**over, "approved_by": ""}, {**over, "id": '"w2"'}, {"revoked": "2026-11-20", "id": '"w3"'})

    assert found.expired(NOW) == 2


@pytest.mark.parametrize(
    "text",
    [pytest.param(f"[[waiver]]\nid = 0x{'f' * 6000}\n", id="number"), pytest.param("x = " + "[" * 9000, id="deep")],
)
def test_what_cannot_be_told_again_is_a_fault_and_no_crash(tmp_path: Path, text: str) -> None:
    """A file that somebody prepared must not end the engine."""
    path = tmp_path / "waivers.toml"
    path.write_text(text)

    found = load(path, CHECKS)

    assert (found.waivers, found.readable, len(found.faults)) == ((), False, 1)


def test_a_file_that_is_too_long_is_not_read_in_part(tmp_path: Path) -> None:
    """Its end may revoke what its start says."""
    read(tmp_path, {})
    path = tmp_path / "waivers.toml"
    path.write_bytes(path.read_bytes() + b"#" * LONGEST_FILE)

    found = load(path, CHECKS)

    assert (found.waivers, found.readable) == ((), False)
    assert "longer than 4 MiB" in found.faults[0]


def test_all_faults_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    """One round of review is enough."""
    found = read(tmp_path, {"reason": '"x"', "approved_by": '"ana"'}, {"id": '"w2"', "check": '"x"'})

    assert len(found.faults) == 3
    assert found.waivers == ()


def test_an_id_that_is_there_twice_counts_once(tmp_path: Path) -> None:
    """Evidence cites a waiver by its id, so the second is malformed."""
    found = read(tmp_path, {}, {"subjects": '["okta-prod/00u2"]'})

    assert found.faults == ('waivers.toml: waiver[1].id: "w1" is there twice',)
    assert [waiver.written.subjects[0] for waiver in found.waivers] == ["okta-prod/00u1"]


def test_a_file_that_is_not_there_holds_none(tmp_path: Path) -> None:
    """Nobody has to have waivers."""
    assert load(tmp_path / "waivers.toml", CHECKS) == Waivers()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        pytest.param("[[waiver]\n", "not valid TOML: Expected", id="no-toml"),
        pytest.param("[[waivers]]\n", "waivers: unknown section, did you mean", id="another-section"),
        pytest.param("[waiver]\n", "waiver: write [[waiver]], one table a waiver", id="no-list"),
        pytest.param("waiver = [1]\n", "waiver[0]: expected a table, found 1", id="no-table"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_and_waives_nothing(tmp_path: Path, text: str, fault: str) -> None:
    """It is never read as one without waivers in silence."""
    (tmp_path / "waivers.toml").write_text(text, encoding="utf-8")

    found = load(tmp_path / "waivers.toml", CHECKS)

    assert len(found.faults) == 1
    assert found.faults[0].startswith(f"waivers.toml: {fault}")
    assert found.waivers == ()


def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    """A missing permission is no missing file."""
    read(tmp_path, {})

    with denied(tmp_path, "waivers.toml") as path:
        [fault] = load(path, CHECKS).faults
        assert fault.startswith("waivers.toml: ")
        assert "may not be read" in fault
        assert fault.endswith("it waives nothing")


def test_a_byte_order_mark_is_accepted(tmp_path: Path) -> None:
    """Editors of other systems write one."""
    path = tmp_path / "waivers.toml"
    read(tmp_path, {})
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())

    assert len(load(path, CHECKS).waivers) == 1


def test_a_waiver_lives_for_no_longer_than_it_says(tmp_path: Path) -> None:
    """Past its end nothing is covered, without anybody doing anything."""
    found = read(tmp_path, {})

    assert found.live_for("workforce-mfa", NOW + timedelta(days=11)) == []

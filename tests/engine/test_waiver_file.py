"""The waiver file is edited and nothing else in it moves; a waiver never lives without two people."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
import tomli
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine import waiver_file
from engine.port.people import person
from engine.waiver_file import Asked, WaiverRefused, approve, request, revoke
from engine.waivers import Waiver, load
from tests.support.clock import NOW
from tests.support.denied import denied
from tests.support.waivers import REASON, WRITTEN

CHECKS: Final = ("workforce-mfa", "keys")


def asked(**changes: Any) -> Asked:
    """Build a request that is in order."""
    told: dict[str, Any] = {"check": "workforce-mfa", "subjects": ("okta-prod/00u1",), "reason": REASON, "by": "ana"}
    return Asked(**(told | changes))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give the path of a file that is not there yet."""
    return tmp_path / "waivers.toml"


def one(path: Path, name: str) -> Waiver:
    """Read one waiver back, as the engine does; the file is without a fault."""
    found = load(path, CHECKS)
    assert found.faults == ()
    return next(item for item in found.waivers if item.written.id == name)


def test_a_request_is_written_and_waives_nothing(path: Path) -> None:
    """It has an id, its requester and its end, and no approver."""
    waiver = request(path, asked(ticket="SEC-1", compensating_control="a guard"), CHECKS, NOW)

    assert waiver.status(NOW) == "requested"
    assert one(path, "W-2026-0001") == waiver
    assert (waiver.written.ticket, waiver.written.compensating_control) == ("SEC-1", "a guard")
    assert waiver.written.expires == date(2027, 2, 19)
    assert "approved_by" not in path.read_text()


def test_a_waiver_lives_from_its_approval_to_its_revocation(path: Path) -> None:
    """Every step leaves its entry in the file."""
    name = request(path, asked(), CHECKS, NOW).written.id
    approved = approve(path, name, "bob", CHECKS, NOW)
    revoked = revoke(path, name, "cal", "the hardware came", CHECKS, NOW)

    assert (approved.status(NOW), approved.written.approved_by) == ("active", "bob")
    assert (revoked.status(NOW), revoked.ends) == ("revoked", NOW)
    assert (revoked.written.revoked_by, revoked.written.revoked_reason) == ("cal", "the hardware came")
    assert one(path, name).written.approved_by == "bob"


def test_an_emergency_is_of_one_person_and_ends_within_a_day(path: Path) -> None:
    """It is flagged, and nobody approves it afterwards."""
    waiver = request(path, asked(emergency=True, days=90), CHECKS, NOW)

    assert (waiver.status(NOW), waiver.written.emergency) == ("active", True)
    assert waiver.ends - waiver.starts == timedelta(hours=24)
    with pytest.raises(WaiverRefused, match="is active; only a request can be approved"):
        approve(path, waiver.written.id, "bob", CHECKS, NOW)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"check": "workforce"}, '"workforce", did you mean "workforce-mfa"?', id="check"),
        pytest.param({"subjects": ("*",)}, "a waiver of everything is not a waiver", id="everything"),
        pytest.param({"subjects": ("okta-prod/*",)}, "a waiver of everything is not a waiver", id="a-whole-source"),
        pytest.param({"subjects": ()}, "name subjects, or a source and a cause, not both", id="nothing"),
        pytest.param({"subjects": (), "cause": "denied"}, "a structural unknown is waived by", id="no-source"),
        pytest.param(
            {"subjects": (), "source": "okta-prod", "cause": "unreachable"}, "only structural causes", id="transient"
        ),
        pytest.param({"reason": "because"}, "say why in 20 characters or more", id="no-reason"),
        pytest.param({"by": " "}, "say who asks", id="nobody"),
        pytest.param({"days": 181}, "at most 180 days after its start", id="too-long"),
        pytest.param({"days": 10**12}, "at most 180 days after its start", id="for-ever"),
        pytest.param({"days": -1}, "lies before its start", id="backwards"),
        pytest.param({"days": -(10**12)}, "lies before its start", id="far-backwards"),
        pytest.param({"vendor": True, "days": 366}, "at most 365 days after its start", id="vendor-too-long"),
        pytest.param({"until": date(2027, 6, 1)}, "at most 180 days after its start", id="until-too-late"),
        pytest.param(
            {"emergency": True, "until": NOW + timedelta(hours=25)}, "at most 24 hours after its start", id="emergency"
        ),
        pytest.param({"reason": f"{REASON} \ud800"}, "was not changed", id="what-no-file-can-hold"),
    ],
)
@pytest.mark.parametrize("text", [None, WRITTEN], ids=["no-file", "a-file"])
def test_a_request_out_of_order_is_refused_in_the_words_of_the_file(
    path: Path, text: str | None, changes: dict[str, Any], said: str
) -> None:
    """The file stays as it was; none is made."""
    if text is not None:
        path.write_text(text)

    with pytest.raises(WaiverRefused, match=said.replace("?", r"\?")):
        request(path, asked(**changes), CHECKS, NOW)

    assert (path.read_text() if path.exists() else None) == text
    assert len(list(path.parent.iterdir())) == (text is not None)


@pytest.mark.parametrize(
    ("by", "user", "said"),
    [
        pytest.param("ana", "", "another person than the requester approves", id="same"),
        pytest.param(" A N A ", "", "another person than the requester approves", id="case-and-spaces"),
        pytest.param("bob", "ana", "another person than the requester approves", id="another-name-by-the-same-user"),
        pytest.param(" ", "", "say who approves", id="nobody"),
    ],
)
def test_nobody_approves_what_they_requested(path: Path, by: str, user: str, said: str) -> None:
    """The refusal says what to do: somebody else, or an emergency."""
    name = request(path, asked(), CHECKS, NOW).written.id
    before = path.read_bytes()

    with pytest.raises(WaiverRefused, match=said):
        approve(path, name, by, CHECKS, NOW, user=user)

    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(lambda path: approve(path, "vendr", "bob", CHECKS, NOW), 'did you mean "vendor"', id="no-such"),
        pytest.param(
            lambda path: approve(path, "vendor", "bob", CHECKS, NOW + timedelta(days=30)),
            "is expired; only a request can be approved; request a new one",
            id="too-late",
        ),
        pytest.param(lambda path: revoke(path, "vendor", "bob", " ", CHECKS, NOW), "say why it is revoked", id="why"),
        pytest.param(lambda path: revoke(path, "vendor", "", "so", CHECKS, NOW), "say who revokes", id="who"),
        pytest.param(
            lambda path: revoke(path, "vendor", "bob", "so", CHECKS, NOW + timedelta(days=30)),
            "is expired already",
            id="over",
        ),
        pytest.param(lambda path: revoke(path, "vendor", "bob", "so", ("x",), NOW), "is malformed .check:", id="bad"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    path: Path, change: Callable[[Path], Waiver], said: str
) -> None:
    """With what to do next."""
    path.write_text(WRITTEN)

    with pytest.raises(WaiverRefused, match=said):
        change(path)

    assert path.read_text() == WRITTEN


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "byte-order-mark"])
@pytest.mark.parametrize("last", [False, True], ids=["no-final-newline", "final-newline"])
def test_an_edit_changes_its_own_lines_and_no_other_byte(path: Path, end: str, mark: str, *, last: bool) -> None:
    """Spacing, comments, quotes, line ends, a missing last one and a byte order mark stay as they are."""
    text = mark + (WRITTEN + "\n" * last).replace("\n", end)
    path.write_bytes(text.encode())

    approve(path, "W-2026-0003", "bob", CHECKS, NOW)
    approve(path, "vendor", "bob", CHECKS, NOW)
    revoke(path, "W-2026-0003", "cal", 'said "no"\nand meant it', CHECKS, NOW)
    fresh = request(path, asked(), CHECKS, NOW)

    assert fresh.written.id == "W-2026-0004"
    first = f'requested_by\t=\t"ana"   # asked on Monday{end}'
    expires = f"expires = 2026-12-01 # reviewed with the audit committee{end}"
    revoked = [
        "revoked = 2026-11-21T05:30:00Z",
        'revoked_by = "cal"',
        'revoked_reason = "said \\"no\\"\\nand meant it"',
    ]
    wanted = text.replace(first, f'{first}approved_by = "bob"{end}')
    wanted = wanted.replace('approved_by = "" # to be done', 'approved_by = "bob" # to be done')
    wanted = wanted.replace(expires, expires + "".join(f"{line}{end}" for line in revoked))
    got = path.read_bytes().decode()
    assert got.startswith(wanted)
    added = got.removeprefix(wanted)
    assert added.startswith(end + end * (not last) + "[[waiver]]" + end)
    assert added.endswith("\n") is last
    assert added.count("\n") == added.count(end)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[[waiver]\n", id="no-toml"),
        pytest.param('x = "\x00"', id="a-sign-that-may-not-be"),
        pytest.param("waiver = [{}]\n", id="entries-in-a-list"),
        pytest.param("[waiver]\n", id="no-entries"),
    ],
)
def test_a_file_that_cannot_be_edited_is_not_touched(path: Path, text: str) -> None:
    """What to mend is said."""
    path.write_text(text)

    with pytest.raises(WaiverRefused, match=r"mend it first|write \[\[waiver\]\]"):
        request(path, asked(), CHECKS, NOW)

    assert path.read_text() == text


def test_an_entry_that_is_written_otherwise_is_left_to_a_person(path: Path) -> None:
    """Where no line can be added, the key is named."""
    table = (
        '{id = "w1", check = "keys", subjects = ["legacy"], reason = "the vendor moves it next quarter",'
        ' requested_by = "ana", starts = 2026-11-01, expires = 2026-12-01}'
    )
    path.write_text(f"waiver = [{table}]\n")

    with pytest.raises(WaiverRefused, match="w1 cannot be changed as it is written; set approved_by by hand"):
        approve(path, "w1", "bob", CHECKS, NOW)


def test_other_faults_of_the_file_do_not_bar_a_revocation(path: Path) -> None:
    """Ending a waiver must not wait for somebody else's entry."""
    path.write_text(f"{WRITTEN}\n[[waiver]]\nid = 7\n[other]\n")

    revoke(path, "vendor", "bob", "not needed any more", CHECKS, NOW)

    assert 'revoked_by = "bob"' in path.read_text()


def test_an_id_that_is_there_twice_is_not_guessed_at(path: Path) -> None:
    """The wrong entry could be approved."""
    path.write_text(WRITTEN.replace("'W-2026-0003'", '"vendor"'))

    with pytest.raises(WaiverRefused, match="is there twice"):
        approve(path, "vendor", "bob", CHECKS, NOW)


def test_an_id_is_never_given_again(path: Path) -> None:
    """Neither that of an entry of the file, nor that of one that is in the evidence and no more in the file."""
    first = request(path, asked(), CHECKS, NOW, ["W-2026-0007"])
    assert (first.written.id, request(path, asked(), CHECKS, NOW).written.id) == ("W-2026-0008", "W-2026-0009")


def test_mode_and_link_survive_an_edit(path: Path, tmp_path: Path) -> None:
    """The file that a link leads to is edited, and nothing is left beside it."""
    target = tmp_path / "shared" / "real.toml"
    target.parent.mkdir()
    target.write_text(WRITTEN)
    target.chmod(0o640)
    path.symlink_to(Path("shared") / "real.toml")

    approve(path, "vendor", "bob", CHECKS, NOW)

    assert path.is_symlink()
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert one(path, "vendor").written.approved_by == "bob"
    assert [item.name for item in target.parent.iterdir()] == ["real.toml"]


def test_a_file_that_changed_meanwhile_is_not_overwritten(path: Path) -> None:
    """What somebody else wrote in between stands; the edit is to be tried again."""
    path.write_text(WRITTEN)
    before = path.read_bytes()
    path.write_text(f"{WRITTEN}\n# mine\n")

    with pytest.raises(WaiverRefused, match="was changed meanwhile; nothing was written, try again"):
        waiver_file._replace(path, before, b"# theirs\n")

    assert path.read_text().endswith("# mine\n")
    with pytest.raises(WaiverRefused, match="was changed meanwhile"):
        waiver_file._replace(path, None, b"# theirs\n")
    assert [item.name for item in path.parent.iterdir()] == [path.name]


def test_edits_at_the_same_time_are_all_kept(path: Path) -> None:
    """One after the other holds the folder; each id is given once."""
    names: list[str] = []

    def ask() -> None:
        names.extend(request(path, asked(), CHECKS, NOW).written.id for _ in range(3))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(names) == [f"W-2026-{number:04}" for number in range(1, 13)]
    assert len(load(path, CHECKS).waivers) == 12


def test_a_folder_that_is_held_for_long_is_said_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for ever."""
    monkeypatch.setattr(waiver_file, "LOCK_SECONDS", 0.05)

    with waiver_file._locked(path.parent), pytest.raises(WaiverRefused, match="is being edited by another process"):
        request(path, asked(), CHECKS, NOW)


def test_a_file_that_may_not_be_read_or_is_none_is_refused(path: Path, tmp_path: Path) -> None:
    """With the reason, and without a trace."""
    path.write_text(WRITTEN)
    with denied(tmp_path, path.name), pytest.raises(WaiverRefused, match="may not be read"):
        approve(path, "vendor", "bob", CHECKS, NOW)
    with pytest.raises(WaiverRefused, match="No such file or directory"):
        request(tmp_path / "nowhere" / "waivers.toml", asked(), CHECKS, NOW)
    os.mkfifo(tmp_path / "pipe.toml")
    with pytest.raises(WaiverRefused, match="is no regular file"):
        request(tmp_path / "pipe.toml", asked(), CHECKS, NOW)


PEOPLE: Final = ["ana", "Ana ", " a n a", "bob", "BOB", "cal", ""]
COMMENT: Final = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12)
Step = tuple[str, str, int, str]
STEP: Final = st.tuples(
    st.sampled_from(["request", "emergency", "approve", "revoke", "comment"]),
    st.sampled_from(PEOPLE),
    st.integers(1, 4),
    COMMENT,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEP, max_size=12), end=st.sampled_from(["\n", "\r\n"]), text=st.text(max_size=20))
def test_whatever_people_do_comments_stay_and_two_people_stand_behind_what_lives(
    tmp_path: Path, steps: list[Step], end: str, text: str
) -> None:
    """Any sequence of requests, approvals and revocations, with comments put in between by hand."""
    path = tmp_path / "waivers.toml"
    path.write_bytes(WRITTEN.replace("\n", end).encode())
    approvals: dict[str, set[str]] = {}
    comments = [line for line in WRITTEN.split("\n") if line.startswith("#")]
    for step in steps:
        before = path.read_bytes()
        try:
            if step[0] == "comment":
                path.write_bytes(before + f"{end}# {step[3]}{end}".encode())
                comments.append(f"# {step[3]}")
            else:
                _done(path, step, text, approvals)
        except WaiverRefused:
            assert path.read_bytes() == before
        else:
            _only_lines_were_added(before, path.read_bytes())
        found = load(path, CHECKS)
        assert found.faults == ()
        live = [item.written for item in found.waivers if item.live(NOW)]
        assert all(one.emergency or len(approvals[one.id] - {""}) == 2 for one in live)
    after = path.read_bytes().decode()
    assert all(comment in after for comment in comments)
    assert after.count("\n") == after.count(end) or end == "\n"


def _done(path: Path, step: Step, text: str, approvals: dict[str, set[str]]) -> None:
    """Have somebody ask for, approve or revoke a waiver, and note who stands behind it; raises ``WaiverRefused``."""
    what, by, number, _ = step
    name = f"W-2026-{number:04}"
    match what:
        case "approve":
            approve(path, name, by, CHECKS, NOW)
            approvals.setdefault(name, {"ana"}).add(person(by))
        case "revoke":
            revoke(path, name, by, f"over {text}", CHECKS, NOW)
        case _:
            wanted = asked(by=by, emergency=what == "emergency", reason=f"{REASON} {text}")
            approvals[request(path, wanted, CHECKS, NOW).written.id] = {person(by)}


def _only_lines_were_added(before: bytes, after: bytes) -> None:
    """Hold that every line of the one text is in the other, in order, but for one empty approver that was filled."""
    rest = iter(after.splitlines())
    old = [line for line in before.splitlines() if line != b'approved_by = "" # to be done']
    assert all(line in rest for line in old)
    assert tomli.loads(after.decode())

"""What a finding's page is made from is asked once for findings that share it, and anew when a check says otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import msgspec

from engine.port import Past, PastQuery, Query, Rows
from tests.support.clock import NOW
from tests.support.estates import CannedPort, a_row, mixed
from tui.dossier import Dossier
from tui.finding import page
from tui.lines import plain
from tui.model import Model, build

KEYS = {"finding.similar": "l"}


class Counting(CannedPort):
    """A port that counts what it is asked, and may not answer."""

    def __init__(self) -> None:
        super().__init__(mixed(), [a_row(1), a_row(2), a_row(3, reason="another"), a_row(4, check="admin-mfa")])
        self.seen: list[str] = []
        self.failing = False

    async def past(self, query: PastQuery) -> Sequence[Past]:
        """Note the question, and answer it."""
        self._note(f"past {query.checks[0]}")
        return await super().past(query)

    async def rows(self, query: Query) -> Rows:
        """Note the question, and answer it."""
        self._note(f"rows {query.check} {query.reason_is}")
        return await super().rows(query)

    def _note(self, what: str) -> None:
        self.seen.append(what)
        if self.failing:
            raise TimeoutError("the store is busy")


def later(minutes: int = 0) -> Model:
    """Give the model, so much later."""
    return build(mixed(), None, NOW + timedelta(minutes=minutes))


async def asked(dossier: Dossier, port: Counting, finding: int, model: Model) -> list[str]:
    """Look at a finding, and say what was asked besides itself."""
    port.seen.clear()
    await dossier.find(port, finding)
    await dossier.look_around(port, model)
    return list(port.seen)


async def test_what_findings_share_is_asked_once() -> None:
    """The next finding of the check with the same reason costs its own evidence alone."""
    dossier, port = Dossier(), Counting()
    seen = [
        await asked(dossier, port, finding, later(minutes)) for finding, minutes in ((1, 0), (2, 0), (3, 0), (2, 6))
    ]

    assert seen == [
        ["rows workforce-mfa no second factor is enrolled", "past workforce-mfa"],
        [],
        ["rows workforce-mfa another"],
        ["past workforce-mfa"],
    ]


async def test_a_check_that_was_judged_again_is_asked_again() -> None:
    """What was true of the judgement before may not be of this one."""
    dossier, port = Dossier(), Counting()
    first = await asked(dossier, port, 1, later())
    views = [msgspec.structs.replace(each, as_of=NOW) for each in mixed().checks]

    again = await asked(dossier, port, 1, build(msgspec.structs.replace(mixed(), checks=views), None, NOW))

    assert again == first


async def test_the_page_counts_the_others_alone() -> None:
    """The finding itself is none of those that are alike."""
    dossier = Dossier()
    _ = await asked(dossier, Counting(), 1, later())
    sheet = dossier.sheet(later(), KEYS)

    assert sheet is not None
    assert sheet.similar == 1
    assert "  1 other open finding  l shows them" in [plain(each) for each in page(sheet, 42)]


async def test_a_row_is_told_before_its_evidence_is_there() -> None:
    """Until then evidence and history are under way, never none."""
    dossier = Dossier()
    _ = await asked(dossier, Counting(), 1, later())
    sheet = dossier.sheet(later(), KEYS, a_row(2))

    assert sheet is not None
    told = [plain(each) for each in page(sheet, 42)]
    assert [told[told.index(name) + 1] for name in (" Evidence", " History", " Similar")] == ["  …"] * 3


async def test_without_an_answer_nothing_is_told() -> None:
    """A store that is busy leaves a gap in the page; a finding that is gone leaves no page."""
    dossier, port = Dossier(), Counting()
    port.failing = True
    _ = await asked(dossier, port, 1, later())
    sheet = dossier.sheet(later(), KEYS)

    assert sheet is not None
    assert (sheet.past, sheet.similar) == (None, None)
    await dossier.find(port, 99)
    assert dossier.sheet(later(), KEYS) is None


async def test_a_longer_reason_with_the_same_words_is_another() -> None:
    """What is told to be alike has the very same reason, letter by letter."""
    dossier, port = Dossier(), Counting()
    words = "is enrolled: no second factor, and none was"
    port.findings = [a_row(1), a_row(2, reason=f"{a_row(1).reason} any more"), a_row(3, reason=words)]

    _ = await asked(dossier, port, 1, later())
    sheet = dossier.sheet(later(), KEYS)

    assert sheet is not None
    assert sheet.similar == 0


class WaivedPort(Counting):
    """A port to which waived findings are open, as they are to the store."""

    async def rows(self, query: Query) -> Rows:
        """Give all that have the reason."""
        found = [row for row in self.findings if query.reason_is in {"", row.reason}]
        return Rows(rows=found[: query.limit], matching=len(found), total=len(found))


async def test_a_waived_finding_is_not_like_itself() -> None:
    """Waived findings are open; the one that is shown is none of the others."""
    dossier, port = Dossier(), WaivedPort()
    port.findings = [a_row(1, waiver="WV-22"), a_row(2, waiver="WV-22"), a_row(3)]

    _ = await asked(dossier, port, 1, later())
    sheet = dossier.sheet(later(), KEYS)

    assert sheet is not None
    assert sheet.similar == 2

"""A form stays until what it asks for is answered, and keeps what was typed where that was refused or went wrong."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from textual.widgets import Input

from engine.port import Ack, Command, NotSent, Packed, PackQuery, Pause, PortFault, Reply, RequestWaiver
from tests.support.estates import CannedPort, many_rows, mixed
from tests.support.screens import SMALL, Shown, shown
from tui.screens import page

REASON = "the vendor mends it in the first quarter"


class Moody(CannedPort):
    """A port whose engine answers when it is let, and with a fault as long as it has one."""

    def __init__(self, fault: Exception | None = None, *, refusal: str = "") -> None:
        super().__init__(mixed(), many_rows(40))
        self.wrong = fault
        self.refusal = refusal
        self.gate = asyncio.Event()
        self.gate.set()

    async def _answer(self) -> None:
        await self.gate.wait()
        if self.wrong is not None:
            raise self.wrong

    async def send(self, command: Command) -> Reply:
        """Fail, refuse, or take the command."""
        await self._answer()
        return Reply(ok=False, message=self.refusal) if self.refusal else await super().send(command)

    async def pack(self, query: PackQuery) -> Packed:
        """Fail, or make a pack."""
        await self._answer()
        return await super().pack(query)


async def fill(stage: Shown, **values: str) -> None:
    """Type into the form's inputs, by their place, and send."""
    for (_, value), field in zip(values.items(), stage.app.screen.query(Input), strict=False):
        field.value = value
    await stage.press("ctrl+s")


def typed(stage: Shown) -> list[str]:
    """Give what stands in the form's inputs."""
    return [each.value for each in stage.app.screen.query(Input)]


@pytest.mark.parametrize(
    ("port", "says"),
    [
        (Moody(NotSent("the engine is down")), "pause of admin-mfa was not sent: the engine is down"),
        (Moody(PortFault("no answer in 30s")), "no answer to the pause of admin-mfa: it may have been done"),
        (Moody(refusal="the ledger is full"), "the ledger is full"),
    ],
    ids=["not sent", "uncertain", "refused"],
)
async def test_a_form_is_kept_where_the_engine_did_not_do_it(port: Moody, says: str) -> None:
    """It says why and keeps what was typed; sent again once the engine does it, it closes, and the page says so."""
    async with shown(port=port, size=SMALL) as stage:
        await stage.press("p")
        await fill(stage, reason=REASON, length="2h")
        assert stage.page == "Form"
        assert says in stage.text
        assert typed(stage) == [REASON, "2h"]
        port.wrong, port.refusal = None, ""
        await stage.press("ctrl+s")
        assert stage.page == "OverviewScreen"
        assert "✔ done" in stage.lines[-1]
        assert [each.reason for each in port.sent if isinstance(each, Pause)] == [REASON]


async def test_while_the_engine_is_asked_keys_do_not_act_twice() -> None:
    """The form says that it asks; esc leaves it, the page says what is asked, and the answer is told there."""
    port = Moody()
    port.gate.clear()
    async with shown(port=port, size=SMALL) as stage:
        await stage.press("p")
        stage.app.screen.query(Input).first().value = REASON
        await stage.pilot.press("ctrl+s", "ctrl+s", "enter", "tab", "x")
        await stage.pilot.pause()
        assert "… asking the engine" in stage.text
        assert typed(stage)[0] == REASON
        await stage.pilot.press("escape")
        await stage.pilot.pause()
        assert stage.page == "OverviewScreen"
        assert "… asking the engine: pause of admin-mfa" in stage.lines[-1]
        port.gate.set()
        await stage.settle()
        assert "✔ done" in stage.lines[-1]
        assert len(port.sent) == 1


async def test_an_acknowledgement_goes_on_with_what_was_not_done() -> None:
    """What was taken before the fault is not sent again."""

    class Second(Moody):
        async def send(self, command: Command) -> Reply:
            if len(self.sent) == 1 and self.wrong is not None:
                raise self.wrong
            return await CannedPort.send(self, command)

    port = Second(NotSent("the engine is down"))
    async with shown(port=port, size=SMALL) as stage:
        await stage.press("1", "1", "space", "space", "a")
        await fill(stage, note="seen", ticket="T-1", count="2")
        assert "(1 of 2 done)" in stage.text
        port.wrong = None
        await stage.press("ctrl+s")
        assert stage.page == "FamilyScreen"
        found = [each.finding for each in port.sent if isinstance(each, Ack)]
        assert len(found) == len(set(found)) == 2


async def test_a_request_for_a_waiver_is_kept() -> None:
    """As it was typed, with why it was not taken."""
    port = Moody(refusal="the file of waivers cannot be written")
    async with shown(port=port, size=SMALL) as stage:
        await stage.press("1", "1", "x")
        inputs = {each.placeholder: each for each in stage.app.screen.query(Input)}
        assert inputs
        list(stage.app.screen.query(Input))[2].value = REASON
        await stage.press("ctrl+s")
        assert "the file of waivers cannot be written" in stage.text
        assert REASON in typed(stage)
        port.refusal = ""
        await stage.press("ctrl+s")
        assert [each.reason for each in port.sent if isinstance(each, RequestWaiver)] == [REASON]


async def test_a_file_that_cannot_be_written_leaves_its_form(tmp_path: Path) -> None:
    """Another name is typed into the same form."""
    async with shown(rows=many_rows(4), size=SMALL) as stage:
        await stage.press("1", "1", "w")
        await fill(stage, path="/proc/x.csv")
        assert stage.page == "Form"
        assert "x.csv was not written" in stage.text
        assert typed(stage) == ["/proc/x.csv"]
        await fill(stage, path=str(tmp_path / "x.csv"))
        assert stage.page == "FamilyScreen"
        assert "rows in x.csv" in stage.lines[-1]


async def test_a_file_that_is_not_to_be_replaced_leaves_its_form(tmp_path: Path) -> None:
    """No is an answer, too: what is there stays, and another name can be typed."""
    there = tmp_path / "x.csv"
    there.write_text("mine")
    async with shown(rows=many_rows(4), size=SMALL) as stage:
        await stage.press("1", "1", "w")
        await fill(stage, path=str(there))
        await stage.press("n")
        assert stage.page == "Form"
        assert typed(stage) == [str(there)]
        assert there.read_text() == "mine"
        await stage.press("ctrl+s", "y")
        assert stage.page == "FamilyScreen"
        assert there.read_text() != "mine"


async def test_a_pack_that_is_refused_leaves_its_form(tmp_path: Path) -> None:
    """Where it was to go stays typed."""
    port = Moody(PortFault("the engine keeps no evidence"))
    async with shown(port=port, size=SMALL) as stage:
        await stage.press("h", "w")
        await fill(stage, to=str(tmp_path / "x.zip"))
        assert stage.page == "Form"
        assert "the engine keeps no evidence" in stage.text
        port.wrong = None
        await stage.press("ctrl+s")
        assert stage.page == "HistoryScreen"
        assert (tmp_path / "x.zip").exists()


async def test_what_went_wrong_stays_until_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """It stands for a while whatever is typed, and after that until the next key."""
    monkeypatch.setattr(page, "MESSAGE_SECONDS", 0.05)
    async with shown(port=Moody(PortFault("no answer in 30s")), size=SMALL) as stage:
        await stage.press("r")
        await stage.pilot.pause(0.2)
        assert "it may have been done" in stage.lines[-1]
        await stage.press("j")
        assert "? help" in stage.lines[-1]

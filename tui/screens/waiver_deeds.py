"""Approving, rejecting, revoking and extending a waiver: each a form with a typed confirm, and one command."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from checks.model.doubt import Cause
from engine.port import ApproveWaiver, Command, RejectWaiver, RevokeWaiver, WaiverView
from tui.actor import actor
from tui.format import clean
from tui.fuzzy import nearest
from tui.lines import Line
from tui.screens.form import Field, Form, Values, at_least
from tui.screens.page import Page
from tui.screens.waive import request_waiver
from tui.waiver_page import not_approvable, not_extendable, not_rejectable, not_revocable, page
from tui.waivers import REASON_CHARACTERS
from tui.work import start


def approve_waiver(on: Page, waiver: WaiverView, send: Callable[[Command], object]) -> None:
    """Ask for the waiver's id, and approve it; say why where this user cannot."""
    by = actor()
    why = not_approvable(waiver, on.model.now, by)
    if why:
        on.say(why, "warn")
        return
    typed = typed_id(
        waiver, "approve", f"approved as {clean(by)}, which is claimed: a reviewed commit of the file proves it"
    )
    _confirmed(
        on,
        f"Approve {waiver.id}",
        waiver,
        [typed],
        lambda _values: send(ApproveWaiver(id=waiver.id, entry=waiver.entry, by=by)),
    )


def revoke_waiver(on: Page, waiver: WaiverView, send: Callable[[Command], object]) -> None:
    """Ask for a reason, and end a waiver or take a request back; say why where there is nothing to end."""
    why = not_revocable(waiver, on.model.now)
    if why:
        on.say(why, "warn")
        return
    fields = [
        typed_id(waiver, "revoke", "it ends at once; what it covers fails again"),
        Field(
            name="reason",
            label="Reason",
            hint="why it ends; the entry stays in the file with its end",
            fault=at_least(REASON_CHARACTERS, f"say why in {REASON_CHARACTERS} characters or more"),
        ),
    ]
    _confirmed(
        on,
        f"Revoke {waiver.id}",
        waiver,
        fields,
        lambda values: send(RevokeWaiver(id=waiver.id, entry=waiver.entry, reason=values["reason"], by=actor())),
    )


def reject_waiver(on: Page, waiver: WaiverView, send: Callable[[Command], object]) -> None:
    """Ask for the request's id and a reason, and turn it down; say why where this user cannot."""
    by = actor()
    why = not_rejectable(waiver, on.model.now, by, on.home.keymap)
    if why:
        on.say(why, "warn")
        return
    fields = [
        typed_id(waiver, "reject", f"rejected as {clean(by)}, which is claimed"),
        Field(
            name="reason",
            label="Reason",
            hint="why it is turned down; the entry stays in the file",
            fault=at_least(REASON_CHARACTERS, f"say why in {REASON_CHARACTERS} characters or more"),
        ),
    ]
    _confirmed(
        on,
        f"Reject {waiver.id}",
        waiver,
        fields,
        lambda values: send(RejectWaiver(id=waiver.id, entry=waiver.entry, reason=values["reason"], by=by)),
    )


def extend_waiver(on: Page, waiver: WaiverView) -> None:
    """Ask for a waiver to go on: a request like it, to be approved anew."""
    why = not_extendable(waiver, on.model.now)
    if why:
        on.say(why, "warn")
        return
    cause = next((each for each in Cause if each.value == waiver.cause), None)
    request_waiver(on, waiver.check, waiver.subjects, source=waiver.source, cause=cause, like=waiver)


def waiver_by_name(on: Page, what: str, name: str) -> None:
    """Do what the command line asks for with a waiver, after the form that its key shows."""
    start(on, partial(_by_name, on, what, name), group="waiver")


async def _by_name(on: Page, what: str, name: str) -> None:
    try:
        waivers = await on.home.port.waivers()
    except (OSError, TimeoutError) as error:
        on.say(f"waivers not fetched: {error}", "fail")
        return
    waiver = next((each for each in waivers if each.id == name), None)
    if waiver is None:
        on.say(f"no waiver {name!r}{nearest(name, [each.id for each in waivers])}", "warn")
        return
    match what:
        case "approve":
            approve_waiver(on, waiver, on.send)
        case "reject":
            reject_waiver(on, waiver, on.send)
        case "revoke":
            revoke_waiver(on, waiver, on.send)
        case _:
            extend_waiver(on, waiver)


def typed_id(waiver: WaiverView, verb: str, hint: str) -> Field:
    """Ask for the waiver's id, so that nobody does it by accident."""
    name = clean(waiver.id, 40)
    return Field(
        name="id",
        label="Type its id",
        hint=f"type {name}: {hint}",
        fault=lambda value, _values: "" if value == waiver.id else f"type {name} to {verb} it",
    )


def _confirmed(
    on: Page, title: str, waiver: WaiverView, fields: Sequence[Field], then: Callable[[Values], object]
) -> None:
    def about(_values: Values, width: int) -> list[Line]:
        return page(waiver, on.model, width)

    def done(values: Values) -> None:
        _ = then(values)

    on.fill(Form(title, fields, about=about), done)

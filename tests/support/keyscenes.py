"""What a person must see after each key of each screen: one row a key, walked in a real terminal."""

from __future__ import annotations

from typing import Final

from tests.support.keysteps import (
    CHARACTER_KEYS,
    ESCAPE,
    EVENTS,
    FAMILY,
    FAMILY_NARROW,
    FINDING,
    FORM,
    GONE,
    HISTORY,
    INIT,
    KEYS,
    OVERVIEW,
    SOURCES,
    STAYS,
    WAIVERS,
    Scene,
    Step,
    Way,
    asked,
    everywhere,
    moves,
    panels,
    scrolls,
)
from tui.keys import EVERYWHERE

TO_FAMILY: Final = (("1", "▌.*workforce"), ("1", FAMILY), ("g", "row 1/300"))
TO_FINDING: Final = (*TO_FAMILY, ("enter", FINDING))

OVERVIEW_SCENE: Final = Scene(
    screen="overview",
    home=OVERVIEW,
    steps={
        **everywhere(OVERVIEW),
        **moves(r"▌.*admin-mfa", r"▌.*leavers"),
        "move.open": Step(seen=FAMILY, before=(("g", "▌.*admin-mfa"),), back=(("escape", OVERVIEW),)),
        "go.overview": Step(seen="▌.*admin-mfa", before=(("1", "▌.*workforce"),)),
        "go.backward": Step(seen=SOURCES, before=(("S", SOURCES), ("0", OVERVIEW)), back=(("0", OVERVIEW),)),
        "go.last": Step(seen=SOURCES, before=(("S", SOURCES), ("0", OVERVIEW)), back=(("0", OVERVIEW),)),
        "go.back": Step(seen="▌.*admin-mfa", before=(("d", "▌.*→"),)),
        "go.panel1": Step(seen="▌.*workforce-mfa", back=(("0", "▌.*admin-mfa"),)),
        "go.panel2": Step(seen="▌.*stale-accounts", back=(("0", "▌.*admin-mfa"),)),
        "go.panel3": Step(seen="▌.*backups", back=(("0", "▌.*admin-mfa"),)),
        "go.panel4": Step(seen="▌.*certificates", back=(("0", "▌.*admin-mfa"),)),
        "overview.changed": Step(seen="▌.*→", back=(("d", OVERVIEW),)),
        "move.next_bad": Step(cursor=1, before=(("g", "▌.*admin-mfa"),)),
        "move.previous_bad": Step(cursor=-1, before=(("G", "▌.*leavers"),)),
        "do.zoom": Step(gone="Stale access", back=(("z", "Stale access"),)),
        **asked("do.run", "do.run_all", "do.pause", "do.runbook", "do.copy"),
        "waiver.request": Step(seen="nothing here is structurally unknown"),
    },
)
_ALONE: Final = (("right", r"row 1/2\d\d"),)
_AT_TOP: Final = (("g", "▌.*user00036@"), ("K", ""), ("K", "│ +since "))
FAMILY_SCENE: Final = Scene(
    screen="family",
    home=FAMILY,
    way=TO_FAMILY,
    steps={
        **everywhere(FAMILY),
        **moves("▌.*user00036@", "▌.*user00290@"),
        **panels(FAMILY),
        "go.panel1": STAYS,
        "move.open": Step(seen=FINDING, back=(("escape", FAMILY),)),
        "do.zoom": Step(gone="^. Do|│ Do", before=(("g", "Do"),), back=(("z", "Do"),)),
        "list.filter": Step(seen="status:", back=ESCAPE),
        "list.view": Step(
            seen="view all", back=(("v", "view new"), ("v", "view waived"), ("v", "view resolved"), ("v", "view open"))
        ),
        "list.sort": Step(seen="Sort by", back=ESCAPE),
        "list.reverse": Step(seen="worst ▲", back=(("equals_sign", "worst ▼"),)),
        "list.sort_right": Step(seen="sort label", back=(("less_than_sign", "sort worst"),)),
        "list.sort_left": Step(seen="sort worst", before=(("greater_than_sign", "sort label"),)),
        "list.columns": Step(seen="Columns of view", back=ESCAPE),
        "list.freeze": Step(seen="PAUSED", back=(("f", "LIVE"),)),
        "mark.one": Step(seen="1 marked", back=(("U", FAMILY),)),
        "mark.all": Step(seen="300 marked", back=(("U", FAMILY),)),
        "mark.none": Step(gone="1 marked", before=(("space", "1 marked"),)),
        "list.alike": Step(seen="reason:", back=(("escape", "^ 300 of"),)),
        "detail.down": Step(gone="│ +since ", before=_AT_TOP),
        "detail.up": Step(seen="│ +since ", before=(*_AT_TOP, ("J", f"{GONE}│ +since "))),
        "list.export": Step(seen="Write 300 findings", back=ESCAPE),
        "list.check": Step(seen="check workforce-mfa", back=(("left", "/300"),)),
        "list.check_back": Step(seen="/300", before=(("right", "check workforce-mfa"),)),
        "move.next_bad": Step(cursor=1, before=(("g", "▌.*user00036@"),)),
        "move.previous_bad": Step(cursor=-1, before=(("G", "▌.*user00290@"),)),
        **asked("do.run", "do.run_all", "do.pause", "do.ack", "waiver.request", "do.runbook"),
        "do.copy": Step(seen=r"(?s)Copy.*row as text", back=ESCAPE),
    },
)
_MANY: Final = (
    ("1", FAMILY_NARROW),
    ("c", "Columns of view"),
    ("G", r"▌\( \)"),
    ("space", r"▌\(\*\)"),
    ("k", r"▌\( \)"),
    ("space", r"▌\(\*\)"),
    ("enter", "> *$"),
)
NARROW_SCENE: Final = Scene(
    screen="family",
    name="family, narrow",
    home=FAMILY_NARROW,
    way=_MANY,
    size=(44, 20),
    steps={
        "list.shift_right": Step(seen=r"^ +State.*< ", back=(("shift+left", ""),)),
        "list.shift_left": Step(gone=r"< ", before=(("shift+right", r"^ +State.*< "),)),
    },
)
FINDING_SCENE: Final = Scene(
    screen="finding",
    home=FINDING,
    way=TO_FINDING,
    size=(100, 24),
    steps={
        **everywhere(FINDING, up=FAMILY),
        **panels(FINDING),
        **panels(FINDING),
        **scrolls("^│ +since ", "^│.*Similar"),
        "move.open": STAYS,
        "do.zoom": STAYS,
        "finding.next": Step(seen="okta-prod/00u76", back=(("left", "okta-prod/00u36"),)),
        "finding.previous": Step(seen="okta-prod/00u36", before=(("right", "okta-prod/00u76"),)),
        "finding.similar": Step(seen="reason:", back=(("left_square_bracket", FINDING),)),
        "finding.raw": Step(seen="Record", back=(("v", "Why"),)),
        **asked("do.run", "do.pause", "do.ack", "waiver.request", "do.runbook", "do.copy"),
    },
)
SOURCES_SCENE: Final = Scene(
    screen="sources",
    home=SOURCES,
    way=(("S", SOURCES),),
    steps={
        **everywhere(SOURCES),
        **panels(SOURCES),
        **panels(SOURCES),
        **moves("▌.*aws", "▌.*register"),
        "move.open": Step(gone="▌", back=(("escape", "▌"),)),
        "do.zoom": Step(gone="digest", back=(("z", "digest"),)),
        "source.accept": Step(seen="Accept that", back=ESCAPE),
        **asked("do.run", "do.run_all", "do.copy"),
        "waiver.request": Step(seen="nothing here is structurally unknown"),
    },
)
_ANY_TIME: Final = (("t", ""), ("t", ""), ("t", ""), ("t", "1 000 events"))
EVENTS_SCENE: Final = Scene(
    screen="events",
    home=EVENTS,
    way=(("e", EVENTS),),
    steps={
        **everywhere(EVENTS),
        **panels(EVENTS),
        **panels(EVENTS),
        **moves(
            "▌.*05:30:00",
            "▌.*controlwatch +started",
            **{"move.page_up": Step(body=True, before=(("G", "▌.*started"),))},
        ),
        "move.open": Step(seen=SOURCES, before=(("g", "▌.*aws"),), back=(("left_square_bracket", EVENTS),)),
        "do.zoom": Step(gone="object +", before=(("g", "object +aws"),), back=(("z", "object +"),)),
        "list.filter": Step(gone="▌", back=(("escape", "▌"),)),
        "events.kinds": Step(seen="250 events", back=(("escape", "1 000 events"),)),
        "events.follow": Step(seen="follow off", back=(("f", "FOLLOW on"),)),
        "events.pause": Step(seen="PAUSED", back=(("p", "LIVE"),)),
        "events.range": Step(gone="1 000 events", back=_ANY_TIME),
        "events.all": Step(
            gone="of aws",
            before=(("0", OVERVIEW), ("S", SOURCES), ("e", "of aws")),
            back=(("0", OVERVIEW), ("e", EVENTS)),
        ),
        **asked("do.copy"),
    },
)
WAIVERS_SCENE: Final = Scene(
    screen="waivers",
    home=WAIVERS,
    way=(("X", WAIVERS),),
    steps={
        **everywhere(WAIVERS),
        **panels(WAIVERS),
        **panels(WAIVERS),
        **moves("▌.*WV-23", "▌.*WV-7"),
        "move.open": Step(seen=FAMILY, before=(("g", "▌.*WV-23"),), back=(("left_square_bracket", WAIVERS),)),
        "do.zoom": Step(gone="instead", back=(("z", "instead"),)),
        "waiver.request": Step(seen="Request a waiver", back=ESCAPE),
        "waiver.approve": Step(seen="Approve WV-23", before=(("g", "▌.*WV-23"),), back=ESCAPE),
        "waiver.reject": Step(seen="Reject|Turn down", before=(("g", "▌.*WV-23"),), back=ESCAPE),
        "waiver.extend": Step(seen=FORM, before=(("g", "▌.*WV-23"), ("G", "▌.*WV-7")), back=ESCAPE),
        "waiver.log": Step(gone="│ +reason ", back=(("v", "│ +reason "),)),
        "waiver.revoke": Step(seen="Revoke WV-23", before=(("g", "▌.*WV-23"),), back=ESCAPE),
        "list.filter": Step(gone="▌", back=(("escape", "▌"),)),
        **asked("do.copy", "do.runbook"),
    },
)
_ADMINS: Final = (("g", "▌.*MFA coverage"), ("j", "▌.*workforce"), ("j", "▌.*admin-mfa"))
_RANGES: Final = ("1h", "24h", "7d", "30d")
HISTORY_SCENE: Final = Scene(
    screen="history",
    home=HISTORY,
    way=(("h", HISTORY),),
    steps={
        **everywhere(HISTORY),
        **panels(HISTORY),
        **panels(HISTORY),
        **moves("▌.*MFA coverage", "▌.*attestations"),
        "move.open": Step(gone="^.▼ MFA", before=(("g", "▌▼ MFA"),), back=(("enter", "▌▼ MFA"),)),
        "do.zoom": Step(gone="Coverage", back=(("z", "Coverage"),)),
        "history.later": Step(seen="Sat 21 Nov 2026", before=(("right", ""), ("left", "20 Nov 2026"))),
        "history.earlier": Step(seen="Fri 20 Nov 2026", before=(("right", "21 Nov 2026"),)),
        "history.range": Step(seen="History 90d", back=(("t", "365d"), *((("t", each)) for each in _RANGES))),
        "history.closer": Step(seen="History zoom", back=(("t", "History 30d"),)),
        "history.further": Step(seen="History zoom", back=(("t", "History 30d"),)),
        "history.difference": Step(seen="─ Changes ", back=(("d", f"{GONE}─ Changes "),)),
        "history.ahead": Step(seen="v coverage again", back=(("v", f"{GONE}v coverage again"),)),
        "history.pack": Step(seen=FORM, back=ESCAPE),
        "history.period": Step(seen="First day", back=ESCAPE),
        "history.breaches": Step(gone="^▌", back=(("b", "^▌"),)),
        "history.previous": Step(seen="19 Nov 2026", before=_ADMINS),
        "history.next": Step(seen="19 Nov 2026", before=(*_ADMINS, ("N", "24 Oct 2026"))),
        "history.expand": Step(gone="^.▼ MFA", before=(("g", "▌▼ MFA"),), back=(("space", "▌▼ MFA"),)),
        **asked("do.pause", "do.runbook", "do.copy"),
    },
)


def _typed(text: str) -> Way:
    return tuple((CHARACTER_KEYS.get(each, each), "") for each in text)


HELP_SCENE: Final = Scene(
    screen="help",
    home=KEYS,
    way=(("question_mark", KEYS),),
    steps={
        "help.list": Step(seen="^│▌"),
        "help.search": Step(gone="^│▌", before=(("down", "^│▌"),)),
        "help.run": Step(
            seen=WAIVERS,
            before=(*_typed("waivers"), ("colon", "─ 1 ─")),
            back=(("0", OVERVIEW), ("question_mark", KEYS)),
        ),
    },
)
COMMAND_SCENE: Final = Scene(
    screen="command",
    home="tab completes",
    way=(("colon", "tab completes"),),
    steps={
        "command.complete": Step(seen="^:theme", before=(("t", "^:t$"), ("h", "^:th$"))),
        "command.run": Step(
            seen=WAIVERS, before=(*_typed("\b" * 9), *_typed("waivers")), back=(("0", OVERVIEW), ("colon", "^:$"))
        ),
        "command.earlier": Step(seen="^:waivers"),
        "command.later": Step(gone="^:waivers", before=(("up", "^:waivers"),)),
        "command.cancel": Step(gone="tab completes", back=(("colon", "tab completes"),)),
    },
)
MENU_SCENE: Final = Scene(
    screen="menu",
    home="Sort by",
    way=(*TO_FAMILY, ("s", "Sort by")),
    steps={
        "menu.pick": Step(seen="worst ▲", back=(("equals_sign", "worst ▼"), ("s", "Sort by"))),
        "menu.cancel": Step(gone="Sort by", back=(("s", "Sort by"),)),
    },
)
COLUMNS_SCENE: Final = Scene(
    screen="columns_menu",
    home="Columns of view",
    way=(*TO_FAMILY, ("c", "Columns of view")),
    steps={
        "columns.toggle": Step(seen=r"▌\( \) State", back=(("space", r"▌\(\*\) State"),)),
        "columns.down": Step(cursor=1, back=(("K", r"\) State.*\n.*\) Subject"),)),
        "columns.up": Step(cursor=-1, before=(("J", r"\) Subject.*\n▌.*\) State"),)),
        "columns.automatic": Step(gone="Columns of view", back=(("c", "Columns of view"),)),
        "menu.pick": Step(gone="Columns of view", back=(("c", "Columns of view"),)),
        "menu.cancel": Step(gone="Columns of view", back=(("c", "Columns of view"),)),
    },
)
FORM_SCENE: Final = Scene(
    screen="form",
    home=FORM,
    way=(("p", "Pause .*BLIND"),),
    steps={
        "form.next": Step(seen="^▌ For", back=(("shift+tab", "a pause needs"),)),
        "form.previous": Step(seen="^▌ For", back=(("tab", "a pause needs"),)),
        "form.enter": Step(seen="^▌ For", back=(("up", "a pause needs"),)),
        "form.send": Step(seen="✔ done", before=(("w", "Reason +w"),), back=(("p", "^▌ Reason"),)),
        "form.cancel": Step(gone=FORM, back=(("p", FORM),)),
    },
)
_OTHER: Final = (("e", "events: no engine"),)
NOT_IN_INIT: Final = {
    key.id: Step(seen=f"{key.label}: no engine runs here", before=_OTHER if key.id == "go.command" else ())
    for key in EVERYWHERE
    if key.action.startswith("app.") and key.id not in {"go.help", "app.quit", "do.theme"}
}
"""What needs an engine says so."""
_ADDED: Final = (("g", "▌.*okta"), ("j", "▌.*edge"), ("a", FORM), ("ctrl+s", "▌.*REACHED"))
INIT_SCENE: Final = Scene(
    screen="init",
    home=INIT,
    words=("init", "0", "unicode"),
    ready="kubeconfig",
    steps={
        **NOT_IN_INIT,
        "go.back": Step(gone="as it would be written", before=(("v", "as it would be written"),)),
        "go.help": everywhere(INIT)["go.help"],
        "do.theme": Step(painted=True),
        **moves("▌.*okta", "▌.*TLS"),
        "move.open": Step(seen=FORM, before=(("g", "▌.*okta"),), back=ESCAPE),
        "do.zoom": Step(gone="Address", before=(("g", "Address"),), back=(("z", "Address"),)),
        "init.add": Step(seen=FORM, before=(("g", "▌.*okta"),), back=ESCAPE),
        "init.preview": Step(seen="as it would be written", back=(("v", "▌"),)),
        "init.again": Step(seen="GET /users again", before=_ADDED),
        "init.drop": Step(seen="▌.*FOUND", before=_ADDED),
        "init.write": Step(seen="controlwatch check", before=_ADDED),
        "app.quit": Step(seen="^(wrote|nothing was written)"),
    },
)
SCENES: Final = (
    OVERVIEW_SCENE,
    FAMILY_SCENE,
    NARROW_SCENE,
    FINDING_SCENE,
    SOURCES_SCENE,
    EVENTS_SCENE,
    WAIVERS_SCENE,
    HISTORY_SCENE,
    HELP_SCENE,
    COMMAND_SCENE,
    MENU_SCENE,
    COLUMNS_SCENE,
    FORM_SCENE,
    INIT_SCENE,
)

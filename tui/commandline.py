"""The command line's grammar: that of ``controlwatch`` where there is one; pure, from text to what is meant.

Every key is a command by its id too, so that nothing can be done by keys alone; and each command is what some key
does, only with names instead of a cursor. What writes is not there while read-only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tui.deeds import pause_fault
from tui.format import clean
from tui.fuzzy import found, meant, nearest
from tui.meaning import Act, Ask, Fault, Go, Meaning, Take, Vocabulary
from tui.place import Place

THEMES = ("dark", "light", "ansi")
ELSEWHERE = ("serve", "demo", "attach", "init", "config", "secret", "evidence", "rules", "dashboard")
"""Commands of the program that have no screen."""
WAIVER_VERBS = ("list", "request", "approve", "reject", "revoke", "extend")
SUGGESTED_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """One command."""

    name: str
    usage: str
    help: str
    read: Callable[[str, str, Vocabulary], Meaning]
    """From the arguments, the filter behind a slash, and the vocabulary."""
    names: Callable[[Vocabulary], Sequence[str]] = lambda _words: ()
    """What its first argument may be."""
    more: Callable[[str, Vocabulary], Sequence[str]] = lambda _first, _words: ()
    """What its second argument may be after the first."""
    writes: bool = False


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What the line may become, and what that does."""

    line: str
    help: str
    shown: str = ""
    """Instead of the line, in the list."""


def parse(typed: str, words: Vocabulary) -> Meaning:
    """Say what a line means."""
    text = " ".join(typed.strip().lstrip(":").split()).removeprefix("controlwatch ").strip()
    if text.startswith("/"):
        return Go((), text[1:].strip())
    name, _, rest = text.partition(" ")
    if not name:
        return Fault("type a command: " + ", ".join(verb.name for verb in verbs(words)))
    key = next((each for each in words.keys if each.id == name), None)
    if key is not None:
        return Act(key.id)
    verb = _verb(name, words)
    if isinstance(verb, Fault):
        return verb
    said, slash, narrowed = rest.partition("/") if rest.startswith("/") else rest.partition(" /")
    return verb.read(said.strip(), narrowed.strip() if slash else "", words)


def verbs(words: Vocabulary) -> list[Verb]:
    """Give the commands there are; without those that write while read-only."""
    return [verb for verb in VERBS if not (verb.writes and words.read_only)]


def suggestions(typed: str, words: Vocabulary) -> list[Suggestion]:
    """Give what the line may become, the likeliest first."""
    text = typed.lstrip(" :")
    name, space, rest = text.partition(" ")
    if not space:
        if "." in name:
            keys = {key.id: Suggestion(key.id, f"{key.shown:<8} {key.help}") for key in words.keys}
            return [keys[each] for each in found(name, keys)][:SUGGESTED_MAX]
        known = {verb.name: Suggestion(verb.name, verb.help, verb.usage) for verb in verbs(words)}
        return [known[each] for each in found(name, known)]
    verb = _verb(name, words)
    if isinstance(verb, Fault):
        return []
    head, slash, narrowed = text.rpartition("/")
    if slash:
        *before, _last = narrowed.split(" ") or [""]
        stem = " ".join([*before, ""])
        return [Suggestion(f"{head}/{stem}{each}", "") for each in words.narrowings(narrowed)][:SUGGESTED_MAX]
    return [Suggestion(each, verb.help) for each in _arguments(name, rest.lstrip(), verb, words)][:SUGGESTED_MAX]


def _arguments(name: str, rest: str, verb: Verb, words: Vocabulary) -> list[str]:
    """Give what a line may become that ends in an argument of a command."""
    first, gap, second = rest.partition(" ")
    more = verb.more(first, words) if gap else ()
    said, head, names = (second.strip(), f"{name} {first}", more) if more else (rest.strip(), name, verb.names(words))
    return [] if " " in said else [f"{head} {each}" for each in found(said, names)]


def _verb(name: str, words: Vocabulary) -> Verb | Fault:
    known = {verb.name: verb for verb in verbs(words)}
    wanted = ALIASES.get(name, name)
    if wanted not in known and any(verb.name == wanted for verb in VERBS):
        return Fault(f"{wanted}: this screen is read-only")
    matching = [wanted] if wanted in known else meant(name, list(known), strict=True)
    if len(matching) == 1:
        return known[matching[0]]
    if matching:
        return Fault(f"{name}: which of {', '.join(matching)}?")
    if name in ELSEWHERE:
        return Fault(f"{name} has no screen: run controlwatch {name} in a shell")
    near = nearest(name, known)
    return Fault(f"no command {clean(name, 40)!r}{near or ': one of ' + ', '.join(known)}")


def _one(kind: str, typed: str, names: Sequence[str], *, strict: bool = False) -> str | Fault:
    """Give the name that is meant, or say which there are."""
    if not typed:
        return Fault(f"which {kind}? {_some(names)}")
    matching = meant(typed, names, strict=strict)
    if len(matching) == 1 or typed in matching:
        return typed if typed in matching else matching[0]
    if matching:
        return Fault(f"{clean(typed, 40)}: which {kind}? {_some(matching)}")
    return Fault(f"no {kind} {clean(typed, 40)!r}{nearest(typed, names) or ': ' + _some(names)}")


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + (f" … {len(names) - 8} more" if len(names) > 8 else "") if names else "there is none"


def _family(said: str, narrowed: str, words: Vocabulary) -> Meaning:
    titles = {title.casefold(): name for name, title in words.families.items()}
    name = titles.get(said.casefold()) or _one("family", said, list(words.families))
    return name if isinstance(name, Fault) else Go((Place("family", name),), narrowed)


def _check(said: str, narrowed: str, words: Vocabulary) -> Meaning:
    name = _one("check", said, list(words.checks))
    if isinstance(name, Fault):
        return name
    return Go((), narrowed, name)


def _source(said: str, _narrowed: str, words: Vocabulary) -> Meaning:
    first, _, rest = said.partition(" ")
    if not said or first in {"list", "kinds"}:
        return Go((Place("sources"),))
    if first == "test" and first not in words.sources:
        return _run(rest, "", words)
    if first == "accept" and first not in words.sources:
        return _accept(rest, "", words)
    name = _one("source", said, list(words.sources))
    return name if isinstance(name, Fault) else Go((Place("sources", name),))


def _run(said: str, _narrowed: str, words: Vocabulary) -> Meaning:
    if words.read_only:
        return Fault("run: this screen is read-only")
    if not said:
        return Act("do.run_all")
    if said in words.checks:
        return Ask("run", [name for name, checks in words.sources.items() if said in checks])
    name = _one("source or check", said, [*words.sources, *words.checks], strict=True)
    if isinstance(name, Fault):
        return name
    return _run(name, "", words) if name in words.checks else Ask("run", [name])


def _accept(said: str, _narrowed: str, words: Vocabulary) -> Meaning:
    if words.read_only:
        return Fault("accept: this screen is read-only")
    first, _, reason = said.partition(" ")
    name = _one("source", first, list(words.sources), strict=True)
    return name if isinstance(name, Fault) else Ask("accept", [name], reason.removeprefix("--reason").strip(" ='\""))


def _pause(said: str, _narrowed: str, words: Vocabulary) -> Meaning:
    first, _, rest = said.partition(" ")
    span, _, reason = rest.strip().partition(" ")
    name = _one("check", first, list(words.checks), strict=True)
    if isinstance(name, Fault):
        return name
    fault = pause_fault(span) if span else ""
    return Fault(f"pause {name}: {fault}") if fault else Ask("pause", [name], reason.strip(), span)


def _resume(said: str, _narrowed: str, words: Vocabulary) -> Meaning:
    name = _one("check", said, list(words.checks), strict=True)
    return name if isinstance(name, Fault) else Ask("resume", [name])


def _history(said: str, _narrowed: str, words: Vocabulary) -> Meaning:
    name = _one("check", said, list(words.checks)) if said else ""
    return name if isinstance(name, Fault) else Go((Place("history", name),))


def _events(said: str, narrowed: str, words: Vocabulary) -> Meaning:
    name = _one("source or check", said, [*words.sources, *words.checks]) if said else ""
    return name if isinstance(name, Fault) else Go((Place("events", name),), narrowed)


def _waiver(said: str, narrowed: str, words: Vocabulary) -> Meaning:
    first, _, rest = said.partition(" ")
    if first in {"request", "approve", "reject", "revoke", "extend"}:
        if words.read_only:
            return Fault(f"waiver {first}: this screen is read-only")
        if first == "request":
            return Act("waiver.request")
        name = rest.strip()
        return Ask(f"waiver {first}", [name]) if name else Fault(f"waiver {first}: which? waiver list shows their ids")
    if first not in {"", "list"}:
        return Fault(f"waiver {clean(first, 40)}: one of list, request, approve ID, reject ID, revoke ID, extend ID")
    return Go((Place("waivers"),), narrowed)


def _theme(said: str, _narrowed: str, _words: Vocabulary) -> Meaning:
    name = _one("theme", said, THEMES) if said else ""
    if isinstance(name, Fault):
        return name
    return Take("theme", name) if name else Act("do.theme")


def _ack(said: str, _narrowed: str, _words: Vocabulary) -> Meaning:
    return Ask("ack", (), said)


def _act(key: str) -> Callable[[str, str, Vocabulary], Meaning]:
    return _bare(Act(key))


def _set(what: str, value: str) -> Callable[[str, str, Vocabulary], Meaning]:
    return _bare(Take(what, value))


def _bare(meaning: Meaning) -> Callable[[str, str, Vocabulary], Meaning]:
    def read(said: str, _narrowed: str, _words: Vocabulary) -> Meaning:
        return meaning if not said else Fault(f"nothing may follow this command, {clean(said, 40)!r} does")

    return read


def _filter(said: str, narrowed: str, _words: Vocabulary) -> Meaning:
    return Go((), narrowed or said)


VERBS: Sequence[Verb] = (
    Verb(name="overview", usage="overview", help="the overview", read=_act("go.overview")),
    Verb(
        name="family",
        usage="family NAME [/FILTER]",
        help="the findings of a family",
        read=_family,
        names=lambda words: list(words.families),
    ),
    Verb(
        name="check",
        usage="check NAME [/FILTER]",
        help="the findings of a check",
        read=_check,
        names=lambda words: list(words.checks),
    ),
    Verb(
        name="source",
        usage="source [NAME]",
        help="a source, or all",
        read=_source,
        names=lambda words: list(words.sources),
    ),
    Verb(
        name="history",
        usage="history [CHECK]",
        help="what became of a check, or of all, over a period",
        read=_history,
        names=lambda words: list(words.checks),
    ),
    Verb(
        name="events",
        usage="events [NAME] [/FILTER]",
        help="what happened, newest first",
        read=_events,
        names=lambda words: [*words.sources, *words.checks],
    ),
    Verb(
        name="waiver",
        usage="waiver [list|request|…]",
        help="the waivers; request one for what is selected; approve, reject, revoke, extend ID",
        read=_waiver,
        names=lambda words: ("list",) if words.read_only else WAIVER_VERBS,
        more=lambda first, words: () if words.read_only else words.waivers.get(first, ()),
    ),
    Verb(
        name="run",
        usage="run [SOURCE|CHECK]",
        help="ask a source to run now, those of a check, or all (asks first)",
        read=_run,
        names=lambda words: [*words.sources, *words.checks],
        writes=True,
    ),
    Verb(
        name="pause",
        usage="pause CHECK [4h REASON]",
        help="pause a check: blind in the ledger, silent in alerts",
        read=_pause,
        names=lambda words: list(words.checks),
        writes=True,
    ),
    Verb(
        name="resume",
        usage="resume CHECK",
        help="end a pause",
        read=_resume,
        names=lambda words: list(words.checks),
        writes=True,
    ),
    Verb(name="ack", usage="ack [NOTE]", help="acknowledge what is selected or marked", read=_ack, writes=True),
    Verb(
        name="accept",
        usage="accept SOURCE [REASON]",
        help="accept that a source's population shrank",
        read=_accept,
        names=lambda words: list(words.sources),
        writes=True,
    ),
    Verb(name="filter", usage="filter TEXT", help="filter what is listed; /TEXT alone does the same", read=_filter),
    Verb(name="export", usage="export", help="write the list as it is filtered to a file", read=_act("list.export")),
    Verb(name="copy", usage="copy", help="copy what is selected", read=_act("do.copy")),
    Verb(name="runbook", usage="runbook", help="show and copy the runbook's address", read=_act("do.runbook")),
    Verb(
        name="theme",
        usage="theme [dark|light|ansi]",
        help="another theme",
        read=_theme,
        names=lambda _words: THEMES,
    ),
    Verb(name="utc", usage="utc", help="times in UTC", read=_set("zone", "utc")),
    Verb(name="local", usage="local", help="times in the terminal's own zone", read=_set("zone", "local")),
    Verb(name="zoom", usage="zoom", help="the panel that has the cursor alone, and back", read=_act("do.zoom")),
    Verb(name="backward", usage="backward", help="the view before this one", read=_act("go.backward")),
    Verb(name="forward", usage="forward", help="the view after this one", read=_act("go.forward")),
    Verb(name="last", usage="last", help="between this view and the last one", read=_act("go.last")),
    Verb(name="help", usage="help", help="the keys of this screen", read=_act("go.help")),
    Verb(name="quit", usage="quit", help="quit", read=_act("app.quit")),
)
ALIASES: Mapping[str, str] = {
    "q": "quit",
    "exit": "quit",
    "src": "source",
    "sources": "source",
    "waivers": "waiver",
    "w": "export",
    "h": "help",
    "?": "help",
    "back": "backward",
    "acknowledge": "ack",
}

"""Identity checks judge live accounts of certain classes; only told facts put an account out of scope."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checks.model.facts import Facts, compared
from checks.model.judgement import Judgement, excluded
from checks.model.untold import foreign_word, not_told, untold

if TYPE_CHECKING:
    from checks.model.records import Account

LIVE = frozenset({"active", "locked"})
"""A locked account is live: unlocking is routine, and its access comes back with it."""
GONE = {"pending": excluded("pending"), "disabled": excluded("disabled"), "deleted": excluded("deleted")}
"""Without a sign-in. A pending account has none yet; it enters the population when it is activated."""
CLASSES = frozenset({"human", "service", "guest", "bot", "break_glass"})
SCOPE_NOT_TOLD = "is not told to be in scope"
NEW_WORD = "has a status or a class that is new to us"
SCOPE_EXPLAIN = {
    SCOPE_NOT_TOLD: "Grant the source the permission to read it, or classify the account with a `classify` rule.",
    NEW_WORD: "Report the provider's word, or classify the account with a `classify` rule.",
}
"""What to do about each of them."""
_OTHER_CLASS = {klass: excluded(klass) for klass in sorted(CLASSES)}


def out_of_scope(account: Account, classes: frozenset[str]) -> Judgement | None:
    """Exclude an account that is told to be out of scope, doubt one whose scope is not told; None: it is in scope."""
    if account.status in LIVE and account.klass in classes:
        return None
    gone = GONE.get(account.status or "")
    if gone is not None:
        return gone
    if account.klass in CLASSES and account.klass not in classes:
        return _OTHER_CLASS[account.klass]
    missing = not_told(account, ("status", "klass"))
    if missing:
        return untold(account, SCOPE_NOT_TOLD, missing)
    return foreign_word(NEW_WORD, compared(status=account.status, klass=account.klass))


def classed(account: Account) -> Facts:
    """Say which class an account has and who says so; part of the facts of every finding about an account."""
    return compared(klass=account.klass, klass_basis=account.klass_basis)


SCOPE_READS = frozenset({"account.status", "account.klass", "account.klass_basis"})
"""The fields that this module reads."""

"""Second factors are weak, strong or phishing-resistant; a provider that says only yes or no proves no strength."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from checks.model.untold import foreign_word, not_told, untold

if TYPE_CHECKING:
    from checks.model.judgement import Judgement
    from checks.model.records import Account

Strength = Literal["any", "strong", "phishing_resistant"]

WORDS = frozenset({"weak", "strong", "phishing_resistant"})
_ENOUGH = {
    "any": WORDS,
    "strong": frozenset({"strong", "phishing_resistant"}),
    "phishing_resistant": frozenset({"phishing_resistant"}),
}

FACTOR_READS = frozenset({"account.mfa", "account.factors"})
"""The fields that this module reads."""

NOT_TOLD = "is not told to have a second factor"
STRENGTH_NOT_TOLD = "has a second factor of a strength that is not told"
NEW_KIND = "has a second factor of a kind that is new to us"
FACTOR_EXPLAIN = {
    NOT_TOLD: "Grant the source the permission that `controlwatch source test` names, or join the identity provider.",
    STRENGTH_NOT_TOLD: 'The provider says only yes or no. Ask the identity provider, or set `strength = "any"`.',
    NEW_KIND: "Report the provider's word, so that its strength can be rated.",
}
"""What to do about each of them."""


def enrolled(account: Account, strength: Strength) -> bool | None:
    """Tell whether a factor of the strength is enrolled; None when it is not told.

    True takes both the provider's own yes (``mfa``) and a factor that suffices, so that a source which contradicts
    itself proves nothing; with ``any`` the provider's yes or no decides alone.
    """
    factors = account.factors
    if strength == "any":
        return False if account.mfa is None and factors == () else account.mfa
    if account.mfa is False or factors == ():
        return False
    if factors is None:
        return None
    enough, doubt = _ENOUGH[strength], False
    for factor in factors:
        if factor.strength in enough:
            return account.mfa
        doubt = doubt or factor.strength not in WORDS
    return None if doubt else False


def undecided(account: Account, strength: Strength) -> Judgement:
    """Say why it cannot be told whether a factor of the strength is enrolled."""
    missing = not_told(account, ("mfa",) if strength == "any" else ("mfa", "factors"))
    if missing == ("factors",):
        return untold(account, STRENGTH_NOT_TOLD, missing)
    if missing:
        return untold(account, NOT_TOLD, missing)
    return foreign_word(NEW_KIND, {"factors": factor_names(account)})


def factor_names(account: Account) -> str | None:
    """List the kinds of the factors told, sorted; None when they are not told."""
    return None if account.factors is None else ", ".join(sorted(factor.kind for factor in account.factors))

"""Who is the same person: two people stand behind a waiver, however each spells a name; pure."""

from __future__ import annotations

import unicodedata


def person(name: str) -> str:
    """Give what two spellings of one name have in common: no case, no spaces, nothing that cannot be seen."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(sign for sign in folded if not sign.isspace() and unicodedata.category(sign)[0] != "C")


def same_person(one: str, other: str) -> bool:
    """Tell whether two names are two spellings of one."""
    return person(one) == person(other)

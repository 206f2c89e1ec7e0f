"""Values of a configuration that are more than TOML's own types: durations and references to secrets."""

from __future__ import annotations

from typing import Any

from checks.model.units import Duration, parse_duration

SECRET_PREFIXES = ("keyring:", "env:", "file:")


class Secret(str):
    """A reference to a secret: ``keyring:NAME``, ``env:NAME`` or ``file:PATH``; never the secret itself."""

    __slots__ = ()


def from_toml(kind: type, value: Any) -> Any:
    """Convert one value for msgspec (its ``dec_hook``); raises ``ValueError`` that says what is allowed."""
    if kind is Duration:
        if not isinstance(value, str):
            message = f'expected a duration such as "90d", found {type(value).__name__} {value!r}'
            raise ValueError(message)
        return parse_duration(value)
    if kind is Secret:
        if not isinstance(value, str) or not value.startswith(SECRET_PREFIXES):
            message = (
                "a secret is written as a reference: keyring:NAME, env:NAME or file:PATH (never the secret itself)"
            )
            raise ValueError(message)
        return Secret(value)
    raise NotImplementedError(kind)

"""Room for connections is shared out between the addresses that they come from: the newest always gets in.

A fixed number for each address would lock out those who share one, behind a proxy, a tunnel or NAT, and leave room
to lock out the others. Instead, when there is no room, one gives way from the address that holds most.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterable
from typing import Protocol, TypeVar


class Guest(Protocol):
    """One who holds room."""

    @property
    def home(self) -> str:
        """Whom it belongs to, as ``home`` gives it."""

    @property
    def trusted(self) -> bool:
        """Whether it has shown a password or a certificate that lets it in."""

    @property
    def has_asked(self) -> bool:
        """Whether a request has come."""

    @property
    def since(self) -> int:
        """Grows with every arrival, and with every request."""


SomeGuest = TypeVar("SomeGuest", bound=Guest)


def home(address: str) -> str:
    """Tell whom an address belongs to: itself for IPv4, the network of 64 bits for IPv6, where one has them all."""
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if known.version == 4:
        return str(known)
    if known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    return str(ipaddress.IPv6Network((known, 64), strict=False).network_address)


def who_gives_way(guests: Iterable[SomeGuest]) -> SomeGuest:
    """Choose who goes: a stranger before one who is trusted, and of the most crowded home; raises for nobody at all.

    There, who has asked nothing goes before who has, and the oldest first.
    """
    held = tuple(guests)
    crowd = Counter(guest.home for guest in held if not guest.trusted)
    return min(held, key=lambda guest: (guest.trusted, -crowd[guest.home], guest.has_asked, guest.since))

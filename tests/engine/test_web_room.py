"""Room is shared out: who came from where most come from gives way, and who is trusted last."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from engine.web_room import home, who_gives_way


@dataclass(frozen=True)
class Held:
    """A connection, as far as room goes."""

    home: str
    since: int
    has_asked: bool = False
    trusted: bool = False


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        pytest.param("192.0.2.7", "192.0.2.7", id="IPv4"),
        pytest.param("::ffff:192.0.2.7", "192.0.2.7", id="IPv4 in IPv6"),
        pytest.param("2001:db8:1:2::7", "2001:db8:1:2::", id="IPv6"),
        pytest.param("2001:db8:1:2:ffff::1", "2001:db8:1:2::", id="its neighbour"),
        pytest.param("fe80::1%eth0", "fe80::", id="with a zone"),
        pytest.param("::1", "::", id="loopback"),
        pytest.param("", "", id="unknown"),
    ],
)
def test_a_home_is_an_address_or_a_network(address: str, expected: str) -> None:
    """An IPv6 host has as many addresses as it likes within its 64 bits."""
    assert home(address) == expected


@pytest.mark.parametrize(
    ("held", "since"),
    [
        pytest.param([Held("a", 1), Held("a", 2)], 1, id="the oldest"),
        pytest.param([Held("a", 1), Held("b", 2), Held("b", 3)], 2, id="of the most crowded home"),
        pytest.param([Held("a", 1, has_asked=True), Held("a", 2)], 2, id="who asked nothing before who did"),
        pytest.param(
            [Held("a", 1), Held("b", 2, has_asked=True), Held("b", 3, has_asked=True)], 2, id="asking makes no room"
        ),
        pytest.param(
            [Held("a", 1, has_asked=True, trusted=True), Held("a", 2, has_asked=True, trusted=True), Held("b", 3)],
            3,
            id="a stranger before many who are trusted",
        ),
        pytest.param(
            [Held("a", 2, has_asked=True, trusted=True), Held("b", 1, has_asked=True, trusted=True)],
            1,
            id="among the trusted who asked longest ago",
        ),
    ],
)
def test_one_gives_way(held: list[Held], since: int) -> None:
    """There is always one who does, so that the newest always gets in."""
    assert who_gives_way(held).since == since

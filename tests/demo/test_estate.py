"""The synthetic company is the same for the same seed, and holds nothing of anybody."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime, timedelta

import pytest

from demo.cast import ADMIN_ACTORS, CAST_SIZE, HIRE_ACTORS, LEAVER_ACTORS
from demo.estate import DEFAULT_ACCOUNTS, FEWEST, MOST, Estate
from demo.people import Member
from demo.tenants import github_login

RESERVED = re.compile(r"[a-z0-9.-]+@(partner\.example|example\.(org|net|com))")
"""Domains that RFC 2606 keeps free for examples."""


def _everybody(estate: Estate) -> list[Member]:
    return [
        *(estate.workforce(number) for number in range(estate.workforce_size)),
        *(estate.office(number) for number in range(estate.office_size)),
        *(estate.engineer(number) for number in range(estate.code_size)),
    ]


@pytest.mark.parametrize("accounts", [FEWEST, DEFAULT_ACCOUNTS, 12_345, MOST])
def test_the_accounts_asked_for_are_there(accounts: int, now: datetime) -> None:
    """The three directories share the accounts out, and the cast fits into the smallest."""
    estate = Estate(1, accounts, now)
    assert estate.workforce_size + estate.office_size + estate.code_size == accounts
    assert estate.workforce_size > CAST_SIZE


def test_the_same_seed_gives_the_same_company_and_another_gives_another(now: datetime) -> None:
    """Everything is a function of seed, size and time."""
    one, same, other = Estate(4, 300, now), Estate(4, 300, now), Estate(5, 300, now)
    assert _everybody(one) == _everybody(same)
    assert one.tokens == same.tokens
    assert list(one.people()) == list(same.people())
    assert [member.login for member in _everybody(one)] != [member.login for member in _everybody(other)]


def test_a_member_of_a_large_company_costs_nothing_but_itself(now: datetime) -> None:
    """The millionth account is known without the others."""
    estate = Estate(1, MOST, now)
    assert estate.workforce(estate.workforce_size - 1).number == estate.workforce_size - 1
    assert estate.workforce(CAST_SIZE + 1) == Estate(1, 1_000, now).workforce(CAST_SIZE + 1)


@pytest.mark.parametrize("seed", [0, 1, 99, -3])
def test_names_are_synthetic_on_reserved_domains_and_no_two_are_alike(seed: int, now: datetime) -> None:
    """No login leads to anybody: first names and trees, at domains that are kept for examples."""
    estate = Estate(seed, 9_000, now)
    everybody = _everybody(estate)
    assert all(RESERVED.fullmatch(member.login) for member in everybody)
    handles = [github_login(estate, number) for number in range(estate.code_size)]
    assert [login for login, times in Counter(member.login for member in everybody).items() if times > 1] == []
    assert len(set(handles)) == len(handles)
    assert all(site.host.endswith((".example.org", ".example.net")) for site in estate.sites)
    assert all(item.vendor == "self" or item.vendor.startswith("Example ") for item in estate.attestations)


def test_facts_keep_away_from_the_limits_that_they_are_compared_with(now: datetime) -> None:
    """Idleness is an hour or more away from where a verdict turns, lag included, so a slow machine judges alike."""
    limits = [timedelta(days=days) for days in (38, 45, 46, 83, 90, 90 + 1 / 24, 91)]
    for member in _everybody(Estate(3, 5_000, now)):
        if member.seen_at is not None:
            idle = now - member.seen_at
            assert all(abs(idle - limit) > timedelta(hours=1) for limit in limits), member


def test_the_actors_of_the_story_are_what_it_needs(now: datetime) -> None:
    """Administrators have one factor to lose, leavers are ordinary, hires wait for their first day."""
    estate = Estate(1, FEWEST, now)
    assert all(estate.workforce(number).factors == ("key",) for number in ADMIN_ACTORS)
    assert all(estate.workforce(number).admin for number in ADMIN_ACTORS)
    assert all(estate.workforce(number).live and not estate.workforce(number).admin for number in LEAVER_ACTORS)
    assert all(estate.workforce(number).status == "pending" for number in HIRE_ACTORS)

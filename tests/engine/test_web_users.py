"""Users of the metrics listener are checked by bcrypt, off the loop, and a verdict is found out once."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator

import bcrypt
import pytest

from engine import web_users
from engine.web_users import Passwords, credentials, password_hash_fault
from tests.support.web import PASSWORD, USER, basic, hashed


@pytest.fixture
async def passwords() -> AsyncIterator[Passwords]:
    """Give a checker of passwords, ended with the test."""
    checker = Passwords()
    yield checker
    checker.close()


@pytest.mark.parametrize(
    ("header", "matches"),
    [
        pytest.param(basic(USER, PASSWORD), True, id="right"),
        pytest.param(basic(USER, PASSWORD).replace("Basic", "bAsIc"), True, id="the scheme has no case"),
        pytest.param(basic(USER, "wrong"), False, id="wrong"),
        pytest.param(basic(USER, ""), False, id="empty"),
        pytest.param(basic(USER, PASSWORD + "\0x"), False, id="right up to a NUL"),
        pytest.param(basic("nobody", PASSWORD), False, id="nobody"),
        pytest.param(basic("", PASSWORD), False, id="no name"),
        pytest.param("", False, id="no header"),
        pytest.param("Bearer " + basic(USER, PASSWORD)[6:], False, id="another scheme"),
        pytest.param("Basic", False, id="nothing told"),
        pytest.param("Basic !!!", False, id="not base64"),
        pytest.param("Basic " + base64.b64encode(b"prometheus").decode(), False, id="no colon"),
        pytest.param("Basic " + base64.b64encode(b"\xff\xfe:x").decode(), False, id="not UTF-8"),
    ],
)
async def test_only_the_right_password_of_a_user_matches(passwords: Passwords, header: str, *, matches: bool) -> None:
    """Twice the same: from bcrypt, and from memory."""
    users = {USER: hashed().encode()}
    assert [await passwords.match(users, header) for _ in range(2)] == [matches, matches]


@pytest.mark.parametrize("variant", ["2a", "2b", "2y"])
async def test_every_tool_s_hashes_are_known(passwords: Passwords, variant: str) -> None:
    """``htpasswd`` writes 2y, most libraries 2b, old ones 2a."""
    users = {USER: hashed().replace("$2b$", f"${variant}$").encode()}
    assert await passwords.match(users, basic(USER, PASSWORD))


async def test_a_long_password_counts_as_far_as_bcrypt_reads_it(passwords: Passwords) -> None:
    """72 bytes, as with every tool that made such a hash."""
    users = {USER: hashed("x" * 72).encode()}
    assert await passwords.match(users, basic(USER, "x" * 90))
    assert not await passwords.match(users, basic(USER, "x" * 71))


async def test_a_verdict_is_found_out_once(passwords: Passwords) -> None:
    """Right or wrong, also when many ask at the same time, and again when the hash changes."""
    users = {USER: hashed().encode()}
    for header in (basic(USER, PASSWORD), basic(USER, "wrong"), basic("nobody", "x")):
        before = passwords.checked
        for _ in range(3):
            await passwords.match(users, header)
        assert passwords.checked == before + 1
    assert await passwords.match({USER: hashed().encode()}, basic(USER, PASSWORD))
    assert passwords.checked == 4


@pytest.mark.parametrize("name", ["dear", "middling", "cheap", "nobody"])
async def test_a_wrong_password_costs_the_same_for_every_name(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Bcrypt runs as many rounds as for the dearest user, whether a name is the dearest's, a cheaper one's or nobody's.

    A hash of cost n takes 2^n rounds.
    """
    users = {each: hashed(cost=cost).encode() for each, cost in (("cheap", 4), ("middling", 5), ("dear", 7))}
    rounds: list[int] = []
    check = bcrypt.checkpw

    def counted(password: bytes, told: bytes) -> bool:
        rounds.append(2 ** int(told.split(b"$")[2]))
        return check(password, told)

    monkeypatch.setattr(bcrypt, "checkpw", counted)
    assert not await passwords.match(users, basic(name, "wrong"))
    assert sum(rounds) == 2**7


async def test_guesses_hold_up_neither_the_loop_nor_who_was_seen_before(passwords: Passwords) -> None:
    """While two threads work through a flood, a known right password is answered without waiting."""
    users = {USER: hashed(cost=10).encode()}
    assert await passwords.match(users, basic(USER, PASSWORD))
    flood = [asyncio.create_task(passwords.match(users, basic(USER, f"guess {n}"))) for n in range(40)]
    await asyncio.sleep(0)
    assert await passwords.match(users, basic(USER, PASSWORD))
    assert not all(task.done() for task in flood)
    for task in flood:
        task.cancel()
    await asyncio.wait(flood)
    assert passwords.checked < 40


async def test_guesses_push_no_right_verdict_out(passwords: Passwords, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is remembered is bounded, and the wrong have a place of their own."""
    monkeypatch.setattr(web_users, "MOST_WRONG", 3)
    users = {USER: hashed().encode()}
    await passwords.match(users, basic(USER, PASSWORD))
    for number in range(6):
        await passwords.match(users, basic(USER, f"guess {number}"))
    before = passwords.checked
    await passwords.match(users, basic(USER, PASSWORD))
    await passwords.match(users, basic(USER, "guess 5"))
    assert passwords.checked == before
    await passwords.match(users, basic(USER, "guess 0"))
    assert passwords.checked == before + 1


async def test_no_password_is_kept(passwords: Passwords) -> None:
    """Memory holds keyed hashes, which differ from process to process."""
    users = {USER: hashed().encode()}
    other = Passwords()
    for checker in (passwords, other):
        await checker.match(users, basic(USER, PASSWORD))
    other.close()
    assert not passwords._right.keys() & other._right.keys()
    assert PASSWORD.encode() not in b"".join(passwords._right)


@pytest.mark.parametrize(
    ("told", "fault"),
    [
        pytest.param(hashed(), None, id="a hash"),
        pytest.param("correct horse", "not a bcrypt hash", id="a password"),
        pytest.param(12345, "not a bcrypt hash", id="a number"),
        pytest.param("$apr1$abc$def", "not a bcrypt hash", id="another hash"),
        pytest.param(hashed()[:-1], "not a bcrypt hash", id="cut off"),
        pytest.param("$2b$03$" + "a" * 53, "cost 3", id="too cheap"),
        pytest.param("$2b$15$" + "a" * 53, "cost 15", id="too dear for a scrape"),
    ],
)
def test_a_hash_is_held_to_its_form(told: object, fault: str | None) -> None:
    """What is no hash may be the password, so it is never repeated."""
    said = password_hash_fault(told)
    assert said is None if fault is None else (said is not None and fault in said)
    assert said is None or str(told) not in said


def test_credentials_may_hold_colons() -> None:
    """The first colon ends the name (RFC 7617)."""
    assert credentials(basic("a", "b:c")) == (b"a", b"b:c")

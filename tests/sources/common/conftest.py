"""What the tests of the common part share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from sources.common.http import Api, Explain, static_header
from sources.common.limits import LIMITS, Limits, Timing
from tests.support.context import LentContext, lent_context


class Hourglass:
    """A clock that only sleeping moves, so a test of an hour takes no time."""

    def __init__(self) -> None:
        """Start at zero."""
        self.at = 0.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        """Seconds since the start."""
        return self.at

    async def sleep(self, seconds: float) -> None:
        """Move the clock on at once."""
        self.slept.append(seconds)
        self.at += seconds

    def timing(self, chance: float = 0.0) -> Timing:
        """Give the clock, with a constant in place of chance."""
        return Timing(self.monotonic, self.sleep, lambda: chance)


MakeApi = Callable[..., Api]


@pytest.fixture
async def ctx(tmp_path: Path) -> AsyncIterator[LentContext]:
    """Lend a context named ``okta-prod`` with a deadline of a minute."""
    async with lent_context(tmp_path, name="okta-prod") as lent:
        yield lent


@pytest.fixture
def glass() -> Hourglass:
    """Give a clock that only sleeping moves."""
    return Hourglass()


@pytest.fixture
def api(ctx: LentContext, glass: Hourglass) -> MakeApi:
    """Build an ``Api`` that sends a bearer token and sleeps on the hourglass."""

    def make(base: str, limits: Limits = LIMITS, explain: Explain | None = None, chance: float = 0.0) -> Api:
        authorize = static_header("Authorization", "Bearer s3cret-token")
        return Api(ctx, base, authorize, limits, explain=explain, timing=glass.timing(chance))

    return make

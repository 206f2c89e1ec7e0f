"""Waivers as a screen sees them, and an estate that they cover."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec

from checks.model.state import Tally
from engine.port import WaiverView
from tests.support.clock import NOW
from tests.support.estates import mixed
from tests.support.pasts import some_waivers
from tests.support.snapshots import a_standing
from tui.model import Model, build

DAY = timedelta(days=1)


def a_waiver(**changes: Any) -> WaiverView:
    """Build an active waiver that ends in 60 days."""
    waiver = msgspec.structs.replace(some_waivers()[0], ends=NOW + 60 * DAY, alone=2)
    return msgspec.structs.replace(waiver, **changes)


def an_estate(**counts: Any) -> Model:
    """Build an estate whose first check has these counts."""
    estate = mixed()
    first, *rest = estate.checks
    tallied = msgspec.structs.replace(first, standing=a_standing(tally=Tally(**counts)))
    return build(msgspec.structs.replace(estate, checks=[tallied, *rest]), None, NOW)

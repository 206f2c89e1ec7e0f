"""The catalogue is every metric in one table: its series, its page of the docs and its tests come from here.

Times are instants and never ages, so Prometheus does the arithmetic and a hung engine shows. A time that is not set has
no series; where that matters, a ``…_never_…`` series says so. Counts of a check that was never judged are not told, so
they have no series either: zero would be a claim.

A file holds the families of one subject, and this table is all of them: what is not in it is not exposed.
"""

from __future__ import annotations

from typing import Final

from engine.catalogue.checks import CHECKS
from engine.catalogue.monitor import ENGINE
from engine.catalogue.named import TIMES
from engine.catalogue.own import OWN
from engine.catalogue.sources import SOURCES

__all__ = ["CATALOGUE", "CHECKS", "ENGINE", "OWN", "SOURCES", "TIMES"]

CATALOGUE: Final = (*ENGINE, *CHECKS, *SOURCES, *TIMES)
"""All that is read off a snapshot, in the order of the exposition."""

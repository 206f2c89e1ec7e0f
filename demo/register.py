"""The register of attestations: our own, and those of vendors that do not exist."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_AUDITED, _OPINION = "soc2_type2", "unqualified"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouched:
    """An attestation in the register; days count back from today."""

    vendor: str
    offering: str
    kind: str
    status: str = "issued"
    period_end: int | None = None
    issued: int | None = None
    valid_until: int | None = None
    """Days ahead."""
    surveillance_due: int | None = None
    """Days ahead."""
    opinion: str | None = None
    document: bool = True
    reviewed: int | None = None


REGISTER: Final = (
    Vouched(
        vendor="self",
        offering="Platform",
        kind=_AUDITED,
        period_end=150,
        issued=100,
        opinion=_OPINION,
        reviewed=90,
    ),
    Vouched(
        vendor="self",
        offering="Platform",
        kind="iso27001",
        issued=400,
        valid_until=600,
        surveillance_due=200,
        reviewed=390,
    ),
    Vouched(
        vendor="Example Cloud",
        offering="Compute",
        kind=_AUDITED,
        period_end=390,
        issued=340,
        opinion=_OPINION,
        reviewed=330,
    ),
    Vouched(
        vendor="Example Models",
        offering="Inference API",
        kind=_AUDITED,
        period_end=120,
        issued=60,
        opinion=_OPINION,
        reviewed=50,
    ),
    Vouched(
        vendor="Example Mail",
        offering="Relay",
        kind=_AUDITED,
        period_end=500,
        issued=450,
        opinion=_OPINION,
        reviewed=440,
    ),
    Vouched(vendor="Example Vision", offering="Labelling", kind=_AUDITED, status="in_progress"),
    Vouched(vendor="Example Pay", offering="Cards", kind="pci_aoc", issued=200, reviewed=190),
    Vouched(vendor="Example Labs", offering="External test", kind="pentest", issued=330, reviewed=320),
    Vouched(vendor="Example HR", offering="Payroll", kind="dpa", issued=300, valid_until=400, document=False),
)

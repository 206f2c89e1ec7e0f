"""Dates are found in names, and nothing else is taken for one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.common.named_dates import compiled, named_in

FORMS = [
    "%Y-%m-%d",
    "%Y%m%d",
    "%Y_%m_%d",
    "%Y.%m.%d",
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y%m%dT%H%M%SZ",
    "%Y-%m-%d_%H-%M-%S",
    "%Y%m%d%H%M%S",
]


@given(st.datetimes(datetime(1990, 1, 1), datetime(2098, 12, 31)), st.sampled_from(FORMS))  # noqa: DTZ001 - made aware below
def test_every_usual_form_is_found(moment: datetime, form: str) -> None:
    """The day is the one written, and the second too where there is one."""
    written = moment.replace(microsecond=0, tzinfo=UTC)
    named = named_in(f"db-{written.strftime(form)}.sql.gz", UTC)
    assert named is not None
    whole_day = "%H" not in form
    start = written.replace(hour=0, minute=0, second=0) if whole_day else written
    assert (named.start, named.end) == (start, start + timedelta(days=1) if whole_day else start)


@pytest.mark.parametrize(
    "name", ["db.sql", "v1.2.3.tar", "1763604180.sql", "db-20261301.sql", "db-202611.sql", "x-12026-11-20"]
)
def test_other_digits_are_no_date(name: str) -> None:
    """Versions, epochs, months and impossible days are not dates."""
    assert named_in(name, UTC) is None


def test_a_name_comes_before_its_folders() -> None:
    """Only where the name tells no date do the folders, and of several dates the oldest stands."""
    named = named_in("archive-2024-01-01/db-2026-11-20.sql", UTC)
    folder = named_in("2026-11-19/part-2026-11-18/db.sql", UTC)
    assert named is not None
    assert folder is not None
    assert (named.start.date(), folder.start.date()) == (date(2026, 11, 20), date(2026, 11, 18))


@pytest.mark.parametrize("template", ["%Y-%m", "%d.%m.", "%Y%m%d%Q", "%Y%m%d%", "daily"])
def test_a_template_without_a_day_or_with_an_unknown_directive_is_refused(template: str) -> None:
    """It would date files by a part of what they tell."""
    with pytest.raises(ValueError, match=r"it names no|is not supported"):
        compiled(template)

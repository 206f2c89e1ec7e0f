"""Okta's search and filter expressions select what Okta says that they select."""

from __future__ import annotations

import pytest

from demo.replicas.okta_search import parse_filter, parse_search

USER = {
    "id": "00u1",
    "status": "LOCKED_OUT",
    "created": "2024-01-15T09:00:00.000Z",
    "lastUpdated": "2024-06-01T00:00:00.000Z",
    "profile.login": 'an"a@example.org',
    "profile.lastName": "Silva and Sons",
    "profile.department": "Engineering",
}


@pytest.mark.parametrize(
    ("expression", "selected"),
    [
        ('status eq "LOCKED_OUT"', True),
        ('status EQ "locked_out"', True),
        ('status eq "ACTIVE"', False),
        ('status eq "ACTIVE" or status eq "LOCKED_OUT"', True),
        ('created gt "1970-01-01T00:00:00.000Z"', True),
        ('created gt "2024-01-15T09:00:00.000Z"', False),
        ('created ge "2024-01-15T09:00:00.000Z"', True),
        ('lastUpdated lt "2024-01-01T00:00:00.000Z"', False),
        ('status eq "ACTIVE" and id eq "00u1" or id eq "00u1"', True),
        ('status eq "ACTIVE" and (id eq "00u1" or id eq "00u1")', False),
        ('profile.lastName eq "silva AND sons"', True),
        ('profile.lastName co "and"', True),
        ('profile.department sw "eng"', True),
        ('profile.login eq "an\\"a@example.org"', False),
        ("activated pr", False),
        ("  created pr  ", True),
    ],
)
def test_a_search_selects(expression: str, *, selected: bool) -> None:
    """Comparisons, precedence and parentheses, with values in any case."""
    assert parse_search(expression)(USER.get) is selected


@pytest.mark.parametrize(
    "expression",
    [
        pytest.param('status ne "ACTIVE"', id="ne is not supported"),
        pytest.param('lastLogin lt "2024-01-01T00:00:00.000Z"', id="lastLogin is not searchable"),
        pytest.param('Status eq "ACTIVE"', id="names are case-sensitive"),
        pytest.param('id co "00u"', id="co only with names and addresses"),
        pytest.param("", id="nothing"),
        pytest.param("status eq", id="no value"),
        pytest.param('(status eq "ACTIVE"', id="an open parenthesis"),
        pytest.param('status eq "ACTIVE" status', id="words after the end"),
        pytest.param('status eq "ACTIVE', id="an open quote"),
    ],
)
def test_what_okta_refuses_is_refused(expression: str) -> None:
    """An expression that Okta does not take selects nothing by accident."""
    with pytest.raises(ValueError, match="Invalid search criteria"):
        parse_search(expression)


@pytest.mark.parametrize("expression", ['created gt "1970"', 'status sw "A"', 'profile.department eq "x"'])
def test_a_filter_knows_less_than_a_search(expression: str) -> None:
    """What is searchable is not thereby filterable."""
    parse_search(expression)
    with pytest.raises(ValueError, match="Invalid search criteria"):
        parse_filter(expression)


def test_a_filter_selects_by_status_and_date() -> None:
    """The documented examples work."""
    expression = 'lastUpdated gt "2013-06-01T00:00:00.000Z" and (status eq "LOCKED_OUT" or status eq "RECOVERY")'
    assert parse_filter(expression)(USER.get)

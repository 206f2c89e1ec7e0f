"""The replicas are furnished with the estate's accounts in their vendors' words, and with no limit to meet."""

from __future__ import annotations

from datetime import datetime

from demo.estate import FEWEST, MOST, Estate
from demo.replicas.graph_tenant import GLOBAL_ADMINISTRATOR
from demo.tenants import tenants


def test_a_member_is_written_in_each_vendors_words(now: datetime) -> None:
    """Status, factors, roles and kinds are Okta's, Graph's and GitHub's own."""
    estate = Estate(1, FEWEST, now)
    told = tenants(estate)
    users = told.okta.users
    assert {user.status for user in users} == {"ACTIVE", "LOCKED_OUT", "STAGED", "DEPROVISIONED"}
    assert users[0].roles == ["SUPER_ADMIN"]
    assert users[16].factors == ["sms"]
    assert [len(group.members) for group in told.okta.groups if group.roles] == [2]
    assert {assignment.role_definition_id for assignment in told.graph.role_assignments} == {GLOBAL_ADMINISTRATOR}
    assert {user.user_type for user in told.graph.users} == {"Member", "Guest"}
    assert {member.two_factor for member in told.github.members} == {"secure", "insecure", "disabled"}
    assert len(told.github.owners) == 2


def test_sweeps_every_few_seconds_meet_no_limit(now: datetime) -> None:
    """A demo asks more often than a vendor would bear, so its replicas bear it."""
    told = tenants(Estate(1, FEWEST, now))
    assert min(told.okta.per_minute.values()) > 1_000_000
    assert min(told.github.per_hour.values()) > 1_000_000
    assert told.graph.units_per_10s > 1_000_000


def test_a_million_accounts_are_made_only_when_they_are_asked_for(now: datetime) -> None:
    """Furnishing a large company is as quick as furnishing a small one, and the last user is there."""
    told = tenants(Estate(1, MOST, now))
    assert len(told.okta.users) + len(told.graph.users) + len(told.github.members) == MOST
    assert told.okta.users[-1].login.endswith("@example.org")


def test_a_change_of_the_story_lasts(now: datetime) -> None:
    """The user that the story changes is the one that the replica serves."""
    told = tenants(Estate(1, FEWEST, now))
    told.okta_users.keep(5).factors = []
    assert told.okta.users[5].factors == []

"""A bucket allows its limit in each window and says when the next one starts."""

from __future__ import annotations

from demo.replicas.limits import Bucket


def test_a_bucket_allows_its_limit_and_refuses_the_next_request() -> None:
    """Three requests fit into a bucket of three, the fourth does not and learns the reset."""
    bucket = Bucket(limit=3, window_s=60)
    readings = [bucket.take(120.5) for _ in range(4)]
    assert [reading.allowed for reading in readings] == [True, True, True, False]
    assert [reading.remaining for reading in readings] == [2, 1, 0, 0]
    assert (readings[-1].reset, readings[-1].retry_after) == (180, 60)


def test_a_new_window_has_the_whole_budget_again() -> None:
    """After the reset the bucket is full."""
    bucket = Bucket(limit=1, window_s=60)
    assert not [bucket.take(59.0), bucket.take(59.9)][-1].allowed
    assert bucket.take(60.0).allowed


def test_a_refused_request_spends_nothing() -> None:
    """A costly request that does not fit leaves room for a cheap one."""
    bucket = Bucket(limit=3, window_s=10)
    assert bucket.take(0.0, cost=2).allowed
    assert not bucket.take(0.0, cost=2).allowed
    assert bucket.take(0.0, cost=1).allowed

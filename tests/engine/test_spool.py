"""Records are spooled as they arrive, one per id, with the class that a rule tells; memory stays bounded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.model import codec
from checks.model.doubt import Cause
from checks.model.records import Account, Record
from engine.blobs import FolderBlobs
from engine.settings import Classify
from engine.spool import Seen, Spooler
from tests.support.builders import account, credential

NAME = "okta-prod"


def spooled(
    folder: Path, pages: Sequence[Sequence[Record]], rules: Sequence[Classify] = ()
) -> tuple[Spooler, list[Record]]:
    """Spool pages, and read back what was kept."""
    blobs = FolderBlobs(folder)
    spooler = Spooler(NAME, blobs.spool(), rules)
    for page in pages:
        spooler.add(page)
    return spooler, list(codec.decode_lines(blobs.get(spooler.commit().digest)))


def test_records_are_kept_in_the_order_of_their_arrival(tmp_path: Path) -> None:
    """A page border leaves no trace."""
    spooler, kept = spooled(tmp_path, [[account("b"), account("a")], [], [credential("c")]])

    assert [record.id for record in kept] == ["b", "a", "c"]
    assert (spooler.read, spooler.merged, dict(spooler.kept)) == (3, 0, {"account/1": 2, "credential/1": 1})


@pytest.mark.parametrize(
    "cut",
    [
        pytest.param([["a", "b", "a"]], id="within-a-page"),
        pytest.param([["a", "b"], ["a"]], id="over-pages"),
        pytest.param([["a"], ["b", "a", "a"]], id="three-times"),
    ],
)
def test_an_equal_repetition_is_merged_wherever_it_comes(tmp_path: Path, cut: list[list[str]]) -> None:
    """The same record again is the same subject."""
    spooler, kept = spooled(tmp_path, [[account(ident) for ident in page] for page in cut])

    assert [record.id for record in kept] == ["a", "b"]
    assert spooler.merged == sum(map(len, cut)) - 2
    assert not spooler.gaps


@pytest.mark.parametrize("together", [True, False], ids=["within-a-page", "over-pages"])
def test_an_unequal_repetition_is_doubt_that_is_told_once(tmp_path: Path, *, together: bool) -> None:
    """The first is kept, and one gap stands for all of them."""
    records = [account("a", mfa=True), account("a", mfa=False), account("b"), account("b", mfa=None)]

    spooler, kept = spooled(tmp_path, [records] if together else [[record] for record in records])

    assert [record.id for record in kept] == ["a", "b"]
    assert kept[0] == account("a", mfa=True)
    (gap,) = spooler.gaps
    assert (gap.source, gap.cause, gap.kind, gap.missing) == (NAME, Cause.MALFORMED, "members", None)
    assert gap.detail.startswith("the id 'a' came twice with different content")


def test_a_text_that_looks_like_a_line_end_ends_no_line(tmp_path: Path) -> None:
    """Whatever a provider puts into a label, one record is one line."""
    label = "a\nb\r\nc\u2028d\x85e\x0bf\0g"

    _, kept = spooled(tmp_path, [[account("a", label=label), account("b")]])

    assert [record.label for record in kept] == [label, "b@example.org"]


@pytest.mark.parametrize(
    "bad", [account(""), account("x", source="another")], ids=["without-an-id", "of-another-source"]
)
def test_a_page_with_a_record_of_nobody_is_refused_whole(tmp_path: Path, bad: Record) -> None:
    """Nothing of it is spooled, since it cannot be told which part is right."""
    spooler = Spooler(NAME, FolderBlobs(tmp_path).spool())

    with pytest.raises(ValueError, match="a Account without an id, or of another source"):
        spooler.add([account("a"), bad])

    assert not spooler.kept
    spooler.abort()
    assert list(tmp_path.rglob("*.gz")) == []


@given(
    st.lists(st.lists(st.tuples(st.integers(1, 12), st.integers(0, 2)), max_size=8), max_size=8),
    st.integers(0, 12),
)
def test_repetitions_are_found_alike_in_memory_and_in_a_table(batches: list[list[tuple[int, int]]], limit: int) -> None:
    """Where ids are kept never changes what is found, whenever memory ran out."""
    small, large = Seen(limit), Seen()
    told: dict[int, int] = {}
    for batch in batches:
        keys, contents = [key for key, _ in batch], [content for _, content in batch]
        expected: dict[int, bool] = {}
        for index, (key, content) in enumerate(batch):
            if key in told:
                expected[index] = told[key] == content
            else:
                told[key] = content

        assert small.add(keys, contents) == expected
        assert large.add(keys, contents) == expected
    small.close()
    large.close()


# ------------------------------------------------------------------------------------------------------------- classify


def rule(klass: str, reason: str = "naming standard", **match: str) -> Classify:
    """Build a classify rule."""
    return Classify(match=match, klass=klass, reason=reason)


def classified(folder: Path, told: Account, *rules: Classify) -> Account:
    """Spool one account under rules, and read it back."""
    _, (record,) = spooled(folder, [[told]], rules)
    assert isinstance(record, Account)
    return record


def test_the_first_rule_that_matches_decides_the_class(tmp_path: Path) -> None:
    """The basis names the rule, for the facts of each finding."""
    told = account("svc-ci", label="SVC-ci@example.org", klass="human", klass_basis="presumed")

    record = classified(tmp_path, told, rule("bot", login="x-*"), rule("service", login="svc-*"), rule("guest", id="*"))

    assert (record.klass, record.klass_basis) == ("service", "rule:naming standard")


@pytest.mark.parametrize(
    ("match", "fits"),
    [
        pytest.param({"label": "ana@*"}, True, id="label"),
        pytest.param({"login": "ANA@EXAMPLE.ORG"}, True, id="case"),
        pytest.param({"roles": "super*"}, True, id="any-of-a-list"),
        pytest.param({"keys": "e-77"}, True, id="key"),
        pytest.param({"login": "ana@*", "status": "active"}, True, id="all"),
        pytest.param({"login": "ana@*", "status": "locked"}, False, id="not-all"),
        pytest.param({"login": "na@*"}, False, id="whole-text"),
        pytest.param({"id": "?"}, False, id="one-character"),
    ],
)
def test_every_field_of_a_rule_must_match(tmp_path: Path, match: dict[str, str], *, fits: bool) -> None:
    """A glob is over the whole text, without regard to case; of several values one is enough."""
    told = account("u1", label="ana@example.org", roles=("super-admin", "helpdesk"), keys=("ana@example.org", "E-77"))

    record = classified(tmp_path, told, rule("service", **match))

    assert (record.klass == "service") is fits


def test_a_field_that_is_not_told_matches_nothing(tmp_path: Path) -> None:
    """Not told is not empty: even ``*`` needs a value."""
    told = account("u1", roles=None, why={"roles": Cause.DENIED})

    assert (classified(tmp_path, told, rule("service", roles="*"))).klass == "human"


def test_a_rule_can_make_an_administrator_of_an_account_of_any_class(tmp_path: Path) -> None:
    """The class stays, the power is added."""
    record = classified(tmp_path, account("u1", privileged=False), rule("privileged", login="*"))

    assert (record.klass, record.privileged, record.klass_basis) == ("human", True, "rule:naming standard")


def test_other_records_have_no_class(tmp_path: Path) -> None:
    """A rule is about accounts alone."""
    _, kept = spooled(tmp_path, [[credential("k1")]], [rule("service", id="*")])

    assert kept == [credential("k1")]

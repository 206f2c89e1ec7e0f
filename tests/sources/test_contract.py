"""Every source kind, present and future, keeps the contract of a source."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

import sources
from checks.model.doubt import Cause, facts_gap, members_gap
from checks.model.records import RECORD_TYPES, Account, BackupSet, Record, field_names, type_name
from engine.schema import field_docs
from engine.settings import SourceCommon
from sources.common.source import Page, Probe, Source
from tests.sources.contract import breaches, breaches_of_probes, fault_of, told_fields
from tests.support.clock import NOW
from tests.support.context import Collected

KINDS: Mapping[str, Source] = sources.discover()
ROOT = Path(sources.__file__).parent

each_kind = pytest.mark.parametrize(("kind", "source"), KINDS.items(), ids=list(KINDS))


def structs_of(config: type[msgspec.Struct]) -> list[type[msgspec.Struct]]:
    """List a configuration type and the types of its tables."""
    found: list[type[msgspec.Struct]] = [config]
    for one in found:
        for field in msgspec.structs.fields(one):
            for part in parts_of(field.type):
                if isinstance(part, type) and issubclass(part, msgspec.Struct) and part not in found:
                    found.append(part)
    return found


def parts_of(kind: object) -> list[object]:
    """List a type and the types that it is made of."""
    return [kind, *(part for inner in getattr(kind, "__args__", ()) for part in parts_of(inner))]


def test_there_are_kinds() -> None:
    """The suite below judges something."""
    assert KINDS


@each_kind
def test_a_kind_exports_a_source_with_a_title(kind: str, source: Source) -> None:
    """``SOURCE`` is a ``Source`` whose title is one line."""
    assert isinstance(source, Source)
    assert source.title.strip()
    assert "\n" not in source.title


@each_kind
def test_every_key_of_the_configuration_is_explained(kind: str, source: Source) -> None:
    """Each field of the configuration, and of the tables in it, has a text under it."""
    for struct in structs_of(source.config):
        assert set(field_docs(struct)) == set(struct.__struct_fields__), struct.__name__


@each_kind
def test_no_key_is_also_a_common_key(kind: str, source: Source) -> None:
    """A key means one thing: a kind's own keys are none of those that every source takes."""
    assert set(source.config.__struct_fields__) & set(SourceCommon.__struct_fields__) == set()


@each_kind
def test_unknown_keys_are_refused(kind: str, source: Source) -> None:
    """A misspelt key is a fault in every table that the configuration has below its own."""
    for struct in structs_of(source.config)[1:]:
        assert struct.__struct_config__.forbid_unknown_fields is True, struct.__name__


@each_kind
def test_it_yields_records_of_the_model(kind: str, source: Source) -> None:
    """The types that it yields are the model's, each once."""
    assert source.yields
    assert set(source.yields) <= set(RECORD_TYPES)
    assert len(set(source.yields)) == len(source.yields)


@each_kind
def test_fetch_is_an_async_generator_of_pages(kind: str, source: Source) -> None:
    """``fetch`` streams; it takes a configuration and a context, and nothing else."""
    assert inspect.isasyncgenfunction(source.fetch)
    assert len(inspect.signature(source.fetch).parameters) == 2


@each_kind
def test_it_can_be_tested(kind: str, source: Source) -> None:
    """``test`` is a coroutine function of a configuration and a context."""
    assert inspect.iscoroutinefunction(source.test)
    assert len(inspect.signature(source.test).parameters) == 2


@each_kind
def test_every_told_fact_has_one_row(kind: str, source: Source) -> None:
    """The table *source, fact, permission* names each population and each told field once, and no other."""
    rows = [fact.fact for fact in source.facts]
    assert sorted(rows) == sorted({*told_fields(source), *(type_name(one) for one in source.yields)})


@each_kind
def test_every_row_says_what_it_needs(kind: str, source: Source) -> None:
    """A row names a permission (or says ``none``) and a cause of the closed set."""
    for fact in source.facts:
        assert fact.permission.strip(), fact.fact
        assert isinstance(fact.without, Cause), fact.fact


@each_kind
def test_what_is_never_told_exists(kind: str, source: Source) -> None:
    """``never`` names fields of the records that it yields, each once."""
    fields = {name for one in source.yields for name in field_names(one)}
    assert set(source.never) <= fields
    assert len(set(source.never)) == len(source.never)


@each_kind
def test_the_schedule_leaves_room_for_a_retry(kind: str, source: Source) -> None:
    """What it told outlives at least one missed run."""
    assert timedelta(0) < source.every
    assert 2 * source.every <= source.max_age


@each_kind
def test_its_module_opens_with_the_api_and_its_limits(kind: str, source: Source) -> None:
    """The module's text names the API, the least privilege, the limits, and what becomes unknown."""
    module = inspect.getmodule(source.fetch)
    assert module is not None
    assert module.__doc__ is not None
    for word in ("API", "Privilege", "Limits", "Unknown"):
        assert re.search(rf"^{word}", module.__doc__, re.MULTILINE | re.IGNORECASE), word


@each_kind
def test_it_has_a_page_and_a_test(kind: str, source: Source) -> None:
    """A kind comes with its documentation page and its test file."""
    assert (ROOT.parent / "docs" / "sources" / f"{kind}.md").is_file()
    assert (ROOT.parent / "tests" / "sources" / f"test_{kind}.py").is_file()


# The suite itself must be able to fail.


async def _nothing(config: object, ctx: object) -> object:
    """Stand for a fetch or test that is not called."""
    raise NotImplementedError


LIAR = Source(
    title="a source for the tests of this suite",
    config=msgspec.Struct,
    yields=(Account,),
    fetch=_nothing,  # type: ignore[arg-type]  # it is not called
    test=_nothing,  # type: ignore[arg-type]  # it is not called
    facts=(),
    every=timedelta(hours=1),
    never=("account.mfa",),
)
WHY = dict.fromkeys((name.split(".")[1] for name in field_names(Account) if name != "account.mfa"), "denied")


def collected_of(*records: Record) -> Collected:
    """Wrap records as a run would tell them."""
    return Collected(records, (), ())


@pytest.mark.parametrize(
    ("record", "breach"),
    [
        pytest.param(Account(id="u1", source="idp", why=WHY), None, id="kept"),
        pytest.param(Account(id="", source="idp", why=WHY), "has no id", id="no-id"),
        pytest.param(Account(id="u1", source="other", why=WHY), "names source 'other'", id="wrong-source"),
        pytest.param(
            Account(id="u1", source="idp", why=WHY | {"status": "because"}), "which is no cause", id="no-cause"
        ),
        pytest.param(Account(id="u1", source="idp", why=WHY | {"shoe": "denied"}), "why names shoe", id="stray-why"),
        pytest.param(
            Account(id="u1", source="idp", mfa=True, why=WHY), "says that it never is", id="told-though-never"
        ),
        pytest.param(
            Account(id="u1", source="idp", status="active", why=WHY), "a why says that it is not", id="told-with-why"
        ),
        pytest.param(BackupSet(id="web", source="idp"), "does not say it yields", id="another-type"),
        pytest.param(
            Account(
                id="u1",
                source="idp",
                created_at=NOW.replace(tzinfo=None),
                why={field: cause for field, cause in WHY.items() if field != "created_at"},
            ),
            "is not in UTC",
            id="naive-instant",
        ),
        pytest.param(
            Account(id="u1", source="idp", why={field: cause for field, cause in WHY.items() if field != "status"}),
            "status is not told, and no why",
            id="none-without-why",
        ),
    ],
)
def test_a_broken_promise_of_a_record_is_named(record: Record, breach: str | None) -> None:
    """Each promise, broken alone, is found; a record that keeps all of them is not blamed."""
    found = breaches(LIAR, "idp", collected_of(record))
    if breach is None:
        assert found == []
    else:
        assert any(breach in one for one in found)


def test_a_broken_promise_of_a_gap_is_named() -> None:
    """A gap needs words, fields when it is about facts, and only fields that the source tells."""
    good = facts_gap(Cause.DENIED, ("account.roles",), "no permission")
    bad = [
        members_gap(Cause.DENIED, ""),
        facts_gap(Cause.DENIED, (), "x"),
        facts_gap(Cause.DENIED, ("account.mfa",), "x"),
    ]
    assert breaches(LIAR, "idp", Collected((), (good,), ())) == []
    for gap in bad:
        assert len(breaches(LIAR, "idp", Collected((), (gap,), ()))) == 1


def test_a_broken_promise_of_a_probe_is_named() -> None:
    """A refusal says why, and what it costs in fields that the source tells."""
    assert breaches_of_probes(LIAR, [Probe("GET /", ok=False, detail="403", costs=["account.roles"])]) == []
    assert len(breaches_of_probes(LIAR, [])) == 1
    assert len(breaches_of_probes(LIAR, [Probe("GET /", ok=False)])) == 1
    assert len(breaches_of_probes(LIAR, [Probe("GET /", ok=True, costs=["account.shoe"])])) == 1


async def test_a_run_that_should_fail_and_does_not_is_named() -> None:
    """A quiet end is not taken for the error that was expected."""

    async def quiet() -> object:
        yield Page()

    with pytest.raises(AssertionError, match="as if nothing were wrong"):
        await fault_of(quiet())  # type: ignore[arg-type]  # the annotation of a generator in a test

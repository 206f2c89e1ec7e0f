"""The exposition stays well-formed whatever it is given, and says what it left out."""

from __future__ import annotations

import gzip
import math
import subprocess
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from engine.catalogue import OWN
from engine.exposition import LONGEST_NAME, Exposition, Kept, Metric, Row, Values, expose, fits, label_text, of_rows
from tests.support.clock import NOW
from tests.support.servers import needs

Rows = Sequence[Row]


HOSTILE: Final = ("a\nb 1", 'a"} 1', "back\\", "\\n", "a\u2028b", "\ud800", "ana@example.org", "", "é", "x" * 300)
"""Names that would break a line, end a label set, or name somebody."""
NAMES: Final = st.sampled_from(["one", "two", "three", 'quo"ted', *HOSTILE]) | st.text(max_size=4)
NUMBERS: Final = (
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | st.sampled_from([10**400, -(10**400), 2**70, -0.0])
)
TABLES: Final = st.lists(st.tuples(st.tuples(NAMES), NUMBERS), max_size=12)


def a_metric(
    name: str = "controlwatch_some", *, labels: tuple[str, ...] = ("check",), told: str = "Some.", shed: int = 0
) -> Metric[Rows]:
    """Build a family that gives the rows that are exposed."""
    return Metric(name=name, help=told, unit="", labels=labels, bound="", shed=shed, columns=of_rows(list))


def exposed(rows: Rows, *metrics: Metric[Rows], cap: int = 100, kept: Kept | None = None) -> Exposition:
    """Expose rows through one family, or through those given."""
    return expose(metrics or (a_metric(),), OWN, rows, at=NOW, cap=cap, kept=kept)


def parsed(exposition: Exposition) -> dict[tuple[str, ...], float]:
    """Read an exposition back with the official parser: name and label values to value."""
    samples: dict[tuple[str, ...], float] = {}
    for family in text_string_to_metric_families(exposition.body.decode()):
        for sample in family.samples:
            key = (sample.name, *sample.labels.values())
            assert key not in samples
            samples[key] = sample.value
    return samples


def dropped(exposition: Exposition, reason: str) -> float:
    """Tell how many series it says that it left out."""
    return parsed(exposition)["controlwatch_exposition_series_dropped", reason]


def test_golden() -> None:
    """The text is byte for byte what the format asks for, and the gzipped bytes are the same text."""
    exposition = exposed([(("a",), 1), (("b",), 0.5), (("c",), None)], a_metric(told="A \\ and\na line."))
    assert exposition.body.decode() == (
        "# HELP controlwatch_some A \\\\ and\\na line.\n"
        "# TYPE controlwatch_some gauge\n"
        'controlwatch_some{check="a"} 1\n'
        'controlwatch_some{check="b"} 0.5\n'
        "# HELP controlwatch_exposition_series Series in this exposition.\n"
        "# TYPE controlwatch_exposition_series gauge\n"
        "controlwatch_exposition_series 8\n"
        "# HELP controlwatch_exposition_series_cap Series past which optional families are left out.\n"
        "# TYPE controlwatch_exposition_series_cap gauge\n"
        "controlwatch_exposition_series_cap 100\n"
        "# HELP controlwatch_exposition_series_dropped Series left out: a name unfit for a label, a label set that "
        "occurs twice, no finite number, the cap.\n"
        "# TYPE controlwatch_exposition_series_dropped gauge\n"
        'controlwatch_exposition_series_dropped{reason="label"} 0\n'
        'controlwatch_exposition_series_dropped{reason="duplicate"} 0\n'
        'controlwatch_exposition_series_dropped{reason="not_finite"} 0\n'
        'controlwatch_exposition_series_dropped{reason="cap"} 0\n'
    )
    assert gzip.decompress(exposition.gzipped) == exposition.body


@settings(deadline=None)
@given(
    st.dictionaries(
        st.text(min_size=1, max_size=12), st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats()
    ),
)
def test_any_rows_round_trip_through_the_official_parser(table: dict[str, float | None]) -> None:
    """Whatever names and numbers come, the parser reads back exactly those that may be exposed."""
    exposition = exposed([((name,), value) for name, value in table.items()])
    expected = {
        ("controlwatch_some", name): value
        for name, value in table.items()
        if fits("check", name) and value is not None and math.isfinite(value)
    }
    assert {key: value for key, value in parsed(exposition).items() if key[0] == "controlwatch_some"} == expected


@settings(deadline=None)
@given(first=TABLES, second=TABLES, cap=st.integers(0, 40))
def test_nothing_can_break_an_exposition(first: Rows, second: Rows, cap: int) -> None:
    """Hostile names, repeated label sets, what is no number and any cap leave bytes that the official parser reads.

    And nothing leaves the count: every series that was told is there, or is counted as left out.
    """
    second_rows = replace(a_metric("controlwatch_b", labels=("set",), shed=1), columns=of_rows(lambda _: second))
    metrics = (a_metric("controlwatch_a"), second_rows)
    exposition = exposed(first, *metrics, cap=cap)
    names = Counter(name for name, *_ in parsed(exposition))
    told = sum(number is not None for _, number in (*first, *second))
    assert names["controlwatch_a"] + names["controlwatch_b"] + exposition.dropped == told
    assert exposition.series == names.total() == parsed(exposition)["controlwatch_exposition_series",]
    assert exposition.series <= cap or not names["controlwatch_b"]
    assert gzip.decompress(exposition.gzipped) == exposition.body


@settings(deadline=None)
@given(st.lists(TABLES, max_size=5))
@example([[(("a",), 1)], [(("a",), 2)]])
@example([[(("a",), 1)], [(("a",), None)], [(("a",), 1)]])
@example([[(("a",), 1), (("b",), 1)], [(("a",), 1)], [(("b",), 1), (("a",), 0)]])
@example([[(("a",), 1)], [(("a",), 1), (("a",), 1)], [(("a",), 1)]])
def test_what_is_kept_never_shows(tables: Sequence[Rows]) -> None:
    """A rendering says the same whatever the one before it left, and leaves nothing of what it does not show."""
    kept = Kept()
    for rows in tables:
        exposition = exposed(rows, kept=kept)
        assert parsed(exposition) == parsed(exposed(rows))
        shown = {values for texts in kept.texts.values() for values in texts}
        assert shown <= {values for values, _ in rows}
        assert set(kept.blocks) == {"controlwatch_some"}


def test_a_family_that_says_the_same_is_not_written_again() -> None:
    """The bytes of an unchanged family are those of the rendering before, and label sets are shared by families."""
    metrics, kept = (a_metric("controlwatch_a"), a_metric("controlwatch_b")), Kept()
    exposed([(("x",), 1)], *metrics, kept=kept)
    before = dict(kept.blocks)
    exposed([(("x",), 1)], *metrics, kept=kept)
    assert all(kept.blocks[name] is block for name, block in before.items())
    assert {labels: list(texts) for labels, texts in kept.texts.items()} == {("check",): [("x",)]}


def test_promtool_reads_what_was_hostile() -> None:
    """The linter of Prometheus accepts what is left of hostile names and of numbers that are none."""
    promtool = needs("promtool", package="prometheus")
    names = ["twice", 'quo"ted', "back\\slash", "büro", "控制", *HOSTILE]
    numbers = [1, 0.5, math.nan, math.inf, -math.inf, 10**400, 5e-324, 1.7976931348623157e308, True]
    rows: list[tuple[Values, float]] = [((name,), number) for number, name in enumerate(names)]
    rows += [((f"number-{place}",), number) for place, number in enumerate(numbers)]
    exposition = exposed([*rows, *rows[:1]])
    done = subprocess.run(
        [promtool, "check", "metrics"], input=exposition.body, capture_output=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    shown = {key[1] for key in parsed(exposition) if key[0] == "controlwatch_some"}
    assert shown == {
        *('quo"ted', "back\\slash", "büro", "控制", "back\\", "\\n", "é"),
        *(f"number-{place}" for place in (0, 1, 6, 7, 8)),
    }


@pytest.mark.parametrize("value", ['quote"', "back\\slash", 'both\\"', "büro", "控制"], ids=repr)
def test_a_name_is_escaped(value: str) -> None:
    """Quotes and backslashes in a configured name come back as they were."""
    assert parsed(exposed([((value,), 3)]))["controlwatch_some", value] == 3


@pytest.mark.parametrize(
    ("label", "value", "may"),
    [
        pytest.param("check", "workforce-mfa", True, id="a configured name"),
        pytest.param("check", "ana@example.org", False, id="an e-mail address"),
        pytest.param("check", "two words", False, id="a blank"),
        pytest.param("check", "tab\there", False, id="a tab"),
        pytest.param("check", "line\nbreak", False, id="a line break"),
        pytest.param("check", "bell\x07", False, id="a control character"),
        pytest.param("check", "evil\u202ename", False, id="a bidi override"),
        pytest.param("check", "no\u00a0break", False, id="a no-break space"),
        pytest.param("check", "", False, id="nothing"),
        pytest.param("check", "x" * (LONGEST_NAME + 1), False, id="too long"),
        pytest.param("source", "", True, id="no source: the engine"),
        pytest.param("family", "mfa", True, id="a family"),
        pytest.param("family", "backups", False, id="not a family"),
        pytest.param("state", "pass", True, id="a state"),
        pytest.param("state", "green", False, id="not a state"),
        pytest.param("cause", "denied", True, id="a cause"),
        pytest.param("cause", "because", False, id="not a cause"),
        pytest.param("target", "[::1]:8443", True, id="a v6 target"),
        pytest.param("target", "127.0.0.1:8443@localhost", True, id="a target with its server name"),
        pytest.param("target", "mail.example.org:587/smtp@mx.example.org", True, id="a STARTTLS target"),
        pytest.param("target", "ana@example.org", False, id="an e-mail address as target"),
        pytest.param("target", "ana@example.org:443", False, id="an e-mail address with a port"),
    ],
)
def test_what_may_stand_in_a_label(label: str, value: str, may: bool) -> None:  # noqa: FBT001 - a table's column
    """A label holds one printable word without ``@``, or a member of its closed set."""
    assert fits(label, value) is may
    assert (label_text((label,), (value,)) is not None) is may


def test_a_refused_name_costs_its_own_series_only() -> None:
    """A name unfit for a label is left out and counted, and the rest stays."""
    exposition = exposed([(("good",), 1), (("ana@example.org",), 1)])
    assert b"ana" not in exposition.body
    assert parsed(exposition)["controlwatch_some", "good"] == 1
    assert dropped(exposition, "label") == 1
    assert exposition.dropped == 1


def test_a_repeated_label_set_loses_every_copy() -> None:
    """Prometheus would keep the first of two contradicting series and say nothing; we keep neither and say so."""
    exposition = exposed([(("twice",), 1), (("once",), 1), (("twice",), 0)])
    assert ("controlwatch_some", "twice") not in parsed(exposition)
    assert ("controlwatch_some", "once") in parsed(exposition)
    assert dropped(exposition, "duplicate") == 2


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -math.inf, 10**400], ids=["nan", "inf", "-inf", "beyond a float"]
)
def test_what_is_no_number_is_left_out(value: float) -> None:
    """A NaN and an infinity never go out, nor a number that Prometheus cannot hold."""
    exposition = exposed([(("odd",), value)])
    assert ("controlwatch_some", "odd") not in parsed(exposition)
    assert dropped(exposition, "not_finite") == 1


def test_past_the_cap_optional_families_go_whole() -> None:
    """The most dispensable families go first and whole, are named, and the core stays."""
    core, first, second = (a_metric(f"controlwatch_{shed}", shed=shed) for shed in (0, 1, 2))
    rows = [((f"check-{number}",), number) for number in range(10)]
    exposition = exposed(rows, core, first, second, cap=30)
    names = [name for name, *_ in parsed(exposition)]
    assert names.count("controlwatch_0") == names.count("controlwatch_1") == 10
    assert "controlwatch_2" not in names
    assert parsed(exposition)["controlwatch_exposition_family_dropped", "controlwatch_2"] == 1
    assert dropped(exposition, "cap") == 10
    assert exposition.series == len(names) <= 30


def test_the_core_outlives_the_cap() -> None:
    """A cap too small for the core keeps the core: a check without a state would be worse."""
    exposition = exposed([((f"check-{number}",), number) for number in range(10)], cap=1)
    assert [name for name, *_ in parsed(exposition)].count("controlwatch_some") == 10
    assert parsed(exposition)["controlwatch_exposition_series",] == exposition.series > 1


def test_foreign_text_is_counted() -> None:
    """What other libraries rendered goes out as it is, last, and counts as series."""
    foreign = "# HELP process_x X.\n# TYPE process_x gauge\nprocess_x 1.0\n"
    exposition = expose([a_metric()], OWN, [], at=NOW, foreign=foreign)
    assert exposition.body.decode().endswith(foreign)
    assert exposition.series == len(parsed(exposition))

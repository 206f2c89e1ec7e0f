"""A register tells attestations as they are written down, and whether their documents are those that were reviewed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from checks.model.records import Attestation, Bridge
from sources.common.errors import Malformed, Refused, Unconfigured
from sources.common.reviews import read_document
from sources.register import SOURCE, Config
from tests.support.context import collect, lent_context
from tests.support.denied import denied

REPORT = """
[[attestation]]
vendor = "OpenAI"
offering = "API Platform"
kind = "soc2_type2"
status = "issued"
period_start = 2025-04-01
period_end = 2026-03-31
issued = 2026-05-20
categories = ["security", "availability"]
required_categories = ["security"]
opinion = "unqualified"
bridge = { start = 2026-04-01, end = 2026-06-30, issued = 2026-07-02 }
document = "reports/openai.pdf"
reviewed_by = "vendor-risk"
reviewed_on = 2026-06-01
"""
ID = "OpenAI/API Platform/soc2_type2"
MINIMAL = '[[attestation]]\nvendor = "A"\noffering = "B"\nkind = "{kind}"\n'
LAST_SECOND = {"hour": 23, "minute": 59, "second": 59, "tzinfo": UTC}


def write(folder: Path, register: str, document: bytes | None = b"report") -> None:
    """Write a register, and the document that its example names."""
    (folder / "attestations.toml").write_text(register)
    (folder / "reports").mkdir(exist_ok=True)
    path = folder / "reports/openai.pdf"
    if document is None:
        path.unlink(missing_ok=True)
    else:
        path.write_bytes(document)


async def told(folder: Path, before: Mapping[str, Attestation] | None = None) -> dict[str, Attestation]:
    """Collect once; ``before`` is what the last complete collection told."""
    async with lent_context(folder, name="register", before=before) as ctx:
        collected = await collect(SOURCE.fetch(Config(), ctx))
    assert collected.gaps == ()
    return {one.id: one for one in collected.records if isinstance(one, Attestation)}


async def test_a_row_is_an_attestation(tmp_path: Path) -> None:
    """Days that end something are the last second of that day, UTC, and the document is hashed."""
    write(tmp_path, REPORT)
    assert (await told(tmp_path))[ID] == Attestation(
        id=ID,
        source="register",
        label="OpenAI API Platform soc2_type2",
        why=dict.fromkeys(("surveillance_due", "valid_until"), "not_configured"),
        vendor="OpenAI",
        offering="API Platform",
        kind="soc2_type2",
        status="issued",
        period_start=datetime(2025, 4, 1, tzinfo=UTC),
        period_end=datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC),
        issued_at=datetime(2026, 5, 20, tzinfo=UTC),
        categories=("security", "availability"),
        required_categories=("security",),
        opinion="unqualified",
        bridge=Bridge(
            datetime(2026, 4, 1, tzinfo=UTC),
            datetime(2026, 6, 30, 23, 59, 59, tzinfo=UTC),
            datetime(2026, 7, 2, tzinfo=UTC),
        ),
        document="reports/openai.pdf",
        document_digest=f"sha256:{hashlib.sha256(b'report').hexdigest()}",
        document_intact=True,
        reviewed_by="vendor-risk",
        reviewed_at=datetime(2026, 6, 1, tzinfo=UTC),
    )


async def test_a_certificate_tells_its_own_dates(tmp_path: Path) -> None:
    """Validity and surveillance end with their days."""
    write(tmp_path, MINIMAL.format(kind="iso27001") + "valid_until = 2027-05-31\nsurveillance_due = 2026-12-01\n")
    told_now = (await told(tmp_path))["A/B/iso27001"]
    assert told_now.valid_until == datetime(2027, 5, 31, 23, 59, 59, tzinfo=UTC)
    assert told_now.surveillance_due == datetime(2026, 12, 1, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize("kind", ["soc2_type2", "soc2_type1", "iso27001"])
async def test_what_a_row_does_not_tell_is_not_told(tmp_path: Path, kind: str) -> None:
    """A key that is not there is not configured; no document and no review are told as such."""
    write(tmp_path, MINIMAL.format(kind=kind))
    one = (await told(tmp_path))[f"A/B/{kind}"]
    untold = ("status", "period_end", "issued_at", "valid_until", "surveillance_due", "opinion")
    assert {getattr(one, field) for field in untold} == {None}
    assert {one.why[field] for field in untold} == {"not_configured"}
    assert (one.document, one.reviewed_by, one.required_categories) == ("", "", ())
    assert one.categories == (() if kind == "iso27001" else None)


async def test_words_that_are_new_to_us_are_kept(tmp_path: Path) -> None:
    """A kind, a status or an opinion of another world is for the check to doubt, and source test points at it."""
    write(tmp_path, MINIMAL.format(kind="fedramp") + 'status = "authorised"\nopinion = "fine"\n')
    one = (await told(tmp_path))["A/B/fedramp"]
    assert (one.kind, one.status, one.opinion) == ("fedramp", "authorised", "fine")
    async with lent_context(tmp_path) as ctx:
        probes = await SOURCE.test(Config(), ctx)
    assert [probe.ok for probe in probes] == [True, None]
    assert probes[1].detail == 'kind "fedramp", status "authorised", opinion "fine" is new to us, and judged unknown'


def certificate(**keys: str) -> str:
    """Write a row of an ISO certificate."""
    return MINIMAL.format(kind="iso27001") + "".join(f"{key} = {value}\n" for key, value in keys.items())


OLD = certificate(status='"issued"', valid_until="2026-12-31")
CURRENT = [
    pytest.param(certificate(status='"issued"', valid_until="2029-12-31"), "issued", 2029, id="renewed"),
    pytest.param(certificate(status='"withdrawn"', valid_until="2029-12-31"), "withdrawn", 2029, id="withdrawn"),
    pytest.param(certificate(status='"issued"'), "issued", None, id="an end that is not told comes first"),
    pytest.param(certificate(status='"in_progress"', next_expected="2027-01-31"), "issued", 2026, id="in progress"),
    pytest.param(certificate(status='"in_progress"', valid_until="2029-12-31"), "issued", 2026, id="foreseen"),
    pytest.param(certificate(status='"issued"', valid_until="2025-12-31"), "issued", 2026, id="older"),
    pytest.param(
        certificate(status='"issued"', valid_from="2027-01-01", valid_until="2029-12-31"),
        "issued",
        2026,
        id="not valid yet",
    ),
]


@pytest.mark.parametrize(("other", "status", "year"), CURRENT)
@pytest.mark.parametrize("turned", [False, True])
async def test_of_several_rows_the_one_in_force_stands(
    tmp_path: Path, other: str, status: str, year: int | None, *, turned: bool
) -> None:
    """It is the one that ends last among those that have begun, and never an older one that looks better."""
    write(tmp_path, other + OLD if turned else OLD + other)
    [one] = (await told(tmp_path)).values()
    assert (one.status, None if one.valid_until is None else one.valid_until.year) == (status, year)


async def test_a_certificate_that_is_not_valid_yet_is_not_issued(tmp_path: Path) -> None:
    """Alone, it is told with a status that no check passes."""
    write(tmp_path, certificate(status='"issued"', valid_from="2027-01-01", valid_until="2029-12-31"))
    assert (await told(tmp_path))["A/B/iso27001"].status == "not_yet_valid"


async def test_superseded_rows_are_counted(tmp_path: Path) -> None:
    """How many rows stand behind others is a line of the source test."""
    write(tmp_path, OLD + certificate(status='"issued"', valid_until="2029-12-31"))
    async with lent_context(tmp_path) as ctx:
        [probe] = await SOURCE.test(Config(), ctx)
    assert probe.detail == "1 attestations, 1 superseded rows left out"


async def test_a_changed_document_is_not_intact_until_it_is_reviewed_again(tmp_path: Path) -> None:
    """The first digest under a review is the reviewed one; what differs fails, what is restored is intact again."""
    seen: list[bool | None] = []
    later = REPORT.replace("reviewed_on = 2026-06-01", "reviewed_on = 2026-07-01")
    earlier = REPORT.replace("reviewed_on = 2026-06-01", "reviewed_on = 2026-05-21")
    steps = [
        (REPORT, b"report"),
        (REPORT, b"changed"),
        (REPORT, b"changed"),
        (earlier, b"changed"),
        (REPORT, None),
        (REPORT, b"report"),
        (REPORT, b"changed"),
        (later, b"changed"),
        (later, b"report"),
    ]
    for register, document in steps:
        write(tmp_path, register, document)
        seen.append((await told(tmp_path))[ID].document_intact)
    assert seen == [True, False, False, False, False, True, False, True, False]


BEFORE = Attestation(
    id=ID,
    source="register",
    document_digest=f"sha256:{hashlib.sha256(b'report').hexdigest()}",
    document_intact=True,
    reviewed_at=datetime(2026, 6, 1, tzinfo=UTC),
)
MEMORIES = [
    pytest.param(BEFORE, b"report", True, id="the same as before"),
    pytest.param(BEFORE, b"changed", False, id="changed since"),
    pytest.param(msgspec.structs.replace(BEFORE, document_intact=False), b"report", False, id="changed before"),
    pytest.param(
        msgspec.structs.replace(BEFORE, document_digest=None, document_intact=False), b"x", True, id="missing before"
    ),
    pytest.param(msgspec.structs.replace(BEFORE, reviewed_at=None), b"changed", True, id="not reviewed before"),
    pytest.param(
        msgspec.structs.replace(BEFORE, reviewed_at=datetime(2026, 5, 21, tzinfo=UTC)),
        b"changed",
        True,
        id="reviewed since",
    ),
]


@pytest.mark.parametrize("damage", [None, b"{"])
@pytest.mark.parametrize(("before", "document", "intact"), MEMORIES)
async def test_the_evidence_remembers_where_the_folder_does_not(
    tmp_path: Path, before: Attestation, document: bytes, *, intact: bool, damage: bytes | None
) -> None:
    """Without the private folder, or with a damaged one, the last complete collection tells what was reviewed."""
    write(tmp_path, REPORT, document)
    if damage is not None:
        (tmp_path / "scratch").mkdir()
        (tmp_path / "scratch/reviewed.json").write_bytes(damage)
    assert (await told(tmp_path, {ID: before}))[ID].document_intact is intact
    assert (await told(tmp_path))[ID].document_intact is intact


STATED = [
    pytest.param(hashlib.sha256(b"report").hexdigest(), True, id="equal"),
    pytest.param("SHA256:" + hashlib.sha256(b"report").hexdigest().upper(), True, id="equal, written otherwise"),
    pytest.param("0" * 64, False, id="other"),
]


@pytest.mark.parametrize(("digest", "intact"), STATED)
async def test_a_stated_digest_decides(tmp_path: Path, digest: str, *, intact: bool) -> None:
    """A digest in the register is stronger than what was seen first."""
    write(tmp_path, REPORT + f'document_sha256 = "{digest}"\n')
    assert (await told(tmp_path, {ID: msgspec.structs.replace(BEFORE, document_intact=False)}))[
        ID
    ].document_intact is intact


async def test_a_document_that_is_missing_is_not_intact(tmp_path: Path) -> None:
    """Its digest is not told, with the cause, and the others are."""
    write(tmp_path, REPORT + OLD, None)
    seen = await told(tmp_path)
    assert (seen[ID].document_intact, seen[ID].document_digest) == (False, None)
    assert seen[ID].why["document_digest"] == "not_configured"
    assert len(seen) == 2


async def test_a_document_that_may_not_be_read_is_not_intact(tmp_path: Path) -> None:
    """Its digest is denied, and source test says what to grant."""
    write(tmp_path, REPORT)
    async with lent_context(tmp_path) as ctx:
        with denied(tmp_path, "reports"):
            document = read_document(tmp_path / "reports/openai.pdf", "register")
            probes = await SOURCE.test(Config(), ctx)
    assert (document.digest, document.cause) == (None, "denied")
    assert [(probe.ok, "grant read access" in probe.detail) for probe in probes] == [(True, False), (False, True)]


def test_a_document_beyond_the_limit_is_not_hashed(tmp_path: Path) -> None:
    """It is unsupported, never intact and never changed."""
    (tmp_path / "long.pdf").write_bytes(b"12345")
    document = read_document(tmp_path / "long.pdf", "register", limit=4)
    assert (document.digest, document.cause) == (None, "unsupported")


async def test_an_unreviewed_document_has_nothing_to_differ_from(tmp_path: Path) -> None:
    """It is intact, and its review is told to be missing."""
    unreviewed = "\n".join(line for line in REPORT.splitlines() if not line.startswith("reviewed"))
    for document in (b"report", b"changed"):
        write(tmp_path, unreviewed, document)
        one = (await told(tmp_path))[ID]
        assert (one.document_intact, one.reviewed_by, one.reviewed_at) == (True, "", None)


async def test_all_faults_of_a_register_are_named_at_once(tmp_path: Path) -> None:
    """Each says where it is and what is near; nothing of the register is told."""
    register = """
[[attestation]]
vendor = "A"
offering = ""
kind = "iso27001"
period_ned = 2026-03-31
valid_until = "31.03.2026"
issued = 2026-05-20T10:00:00Z
categories = ["security", 4]
bridge = { start = 2026-06-30, finish = 2026-07-01 }
[[attestation]]
offering = "B"
kind = 3
[[attestation]]
vendor = " C"
offering = "B"
kind = "soc2_type2"
period_start = 2026-03-31
period_end = 2025-03-31
document = ""
document_sha256 = "abc"
[[atestation]]
vendor = "D"
"""
    write(tmp_path, register)
    with pytest.raises(Malformed) as caught:
        await told(tmp_path)
    for words in (
        'atestation: unknown key, did you mean "attestation"?',
        'attestation[0].period_ned: unknown key, did you mean "period_end"?',
        "attestation[0].valid_until: ",
        "attestation[0].issued: expected date, got datetime",
        "attestation[0].categories[1]: expected str, got int",
        "attestation[0].bridge.end: missing",
        "attestation[0].bridge.finish: unknown key",
        "attestation[1].vendor: missing",
        "attestation[1].kind: expected str, got int",
        "attestation[2].vendor: must not be empty, nor begin or end with a space",
        "attestation[2].period_end: 2025-03-31 is before period_start 2026-03-31",
        "attestation[2].document: must not be empty",
        "attestation[2].document_sha256: must be 64 hexadecimal digits",
    ):
        assert words in str(caught.value)


BROKEN = [
    pytest.param(b'[[attestation]]\nvendor = "A"\nvendor = "B"\n', "line 3", id="a key twice"),
    pytest.param(b"[[attestation]\n", "line 1", id="a bracket too few"),
    pytest.param(b'[[attestation]]\nvendor = "\xff"\n', "line 2, column 11", id="not UTF-8"),
    pytest.param(b"[attestation]\nvendor = 'A'\n", r"write it as \[\[attestation\]\]", id="a table, not a list"),
    pytest.param(b"attestation = [1]\n", r"attestation\[0\]: expected a table", id="a list of numbers"),
    pytest.param(b"a = " + b"9" * 5_000, "limit", id="an endless number"),
    pytest.param(b"a = " + b"[" * 100_000, "attestations.toml: ", id="endless brackets"),
    pytest.param((OLD + OLD).encode(), "the same vendor, offering, kind and end", id="a row twice"),
    pytest.param(
        (OLD + OLD.replace('"A"', '"A/B"').replace('"B"', '"C"') + OLD.replace('"B"', '"B/C"')).encode(),
        "cannot be told from",
        id="two vendors under one id",
    ),
    pytest.param(b"#" * (16 << 20) + b"#", "and no register", id="as long as a film"),
]


@pytest.mark.parametrize(("content", "words"), BROKEN)
async def test_a_register_that_is_none_is_malformed(tmp_path: Path, content: bytes, words: str) -> None:
    """The message names the line, and the last complete reading stands."""
    (tmp_path / "attestations.toml").write_bytes(content)
    with pytest.raises(Malformed, match=words):
        await told(tmp_path)


async def test_an_empty_register_tells_nothing(tmp_path: Path) -> None:
    """An empty population is for the fold to doubt."""
    write(tmp_path, "# none yet\n")
    assert await told(tmp_path) == {}


async def test_a_register_that_is_not_there_is_unconfigured(tmp_path: Path) -> None:
    """Neither is a folder of that name a register; source test tells it as a probe."""
    with pytest.raises(Unconfigured, match="is not there"):
        await told(tmp_path)
    (tmp_path / "attestations.toml").mkdir()
    with pytest.raises(Unconfigured, match=r"no regular file|is a folder"):
        await told(tmp_path)
    async with lent_context(tmp_path) as ctx:
        [probe] = await SOURCE.test(Config(), ctx)
    assert (probe.ok, probe.costs) == (False, ("attestation",))


async def test_a_register_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    """The message says what to grant."""
    write(tmp_path, REPORT)
    async with lent_context(tmp_path) as ctx:
        with denied(tmp_path, "attestations.toml"), pytest.raises(Refused, match="grant read access"):
            await collect(SOURCE.fetch(Config(), ctx))


def test_a_register_without_a_path_is_a_fault(tmp_path: Path) -> None:
    """The default path is sound, an empty one is not."""
    assert SOURCE.check is not None
    assert SOURCE.check(Config(), tmp_path) == []
    assert [fault[:6] for fault in SOURCE.check(Config(path=""), tmp_path)] == ["path: "]


async def test_the_example_register_is_sound() -> None:
    """The file that newcomers copy loads as it stands, and shows every kind of row."""
    root = Path(__file__).parents[2]
    from sources.register import read_register

    rows = read_register(root / "attestations.example.toml", "example")
    assert {row.status for row in rows} == {"issued", "in_progress"}
    assert any(row.bridge is not None for row in rows)

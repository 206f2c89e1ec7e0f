"""One reading of a population serves every check on it, whatever each of them joins with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from checks.model import codec
from checks.model.judgement import Outcome
from checks.model.records import Record
from checks.model.result import Finding, Result
from engine.blobs import FolderBlobs
from engine.evaluate import Material, evaluate
from engine.evidence import Manifest
from engine.store import SourceMemory
from tests.support.builders import account, ago, credential, person
from tests.support.clock import NOW
from tests.support.estate import check_config
from tests.support.judging import manifest

MIXED: Sequence[Record] = (
    credential("before", owner="ana"),
    account("ana"),
    credential("orphan", owner="nobody"),
    credential("retired", owner="bea"),
    account("bea", status="disabled"),
    account("cem", mfa=False, factors=()),
    credential("old", owner="cem", created_at=ago("200d")),
)
"""Keys before and after the accounts that own them."""


def collected(blobs: FolderBlobs, source: str, records: Sequence[Record], *, complete: bool = True) -> Manifest:
    """Store records as one collection of a source."""
    body = codec.encode_lines(records)
    blobs.put(body)
    return manifest(source, body=body, complete=complete)


async def judged(
    folder: Path, memories: Sequence[SourceMemory], *names: str
) -> tuple[dict[str, Result], dict[str, dict[str, Outcome]]]:
    """Judge checks together; gives results and the findings of each by subject."""
    found: dict[str, dict[str, Outcome]] = {name: {} for name in names}

    async def emit(name: str, findings: Sequence[Finding], _: Sequence[str]) -> None:
        found[name].update({finding.subject.partition("/")[2]: finding.outcome for finding in findings})

    configured = [
        check_config(name, name, ["okta-prod"], ["people"] if name == "leaver_access" else []) for name in names
    ]
    material = Material({memory.name: memory for memory in memories}, FolderBlobs(folder))
    results = await evaluate(configured, material, NOW, emit)
    return dict(zip(names, results, strict=True)), found


def files(folder: Path) -> list[Path]:
    """List everything below a folder."""
    return sorted(folder.rglob("*"))


async def test_an_owner_is_found_wherever_it_stands_in_the_collection(tmp_path: Path) -> None:
    """Keys are judged when all accounts were read, so the order of arrival decides nothing."""
    blobs = FolderBlobs(tmp_path)
    memory = SourceMemory(name="okta-prod", complete=collected(blobs, "okta-prod", MIXED))
    turned = SourceMemory(name="okta-prod", complete=collected(blobs, "okta-prod", MIXED[::-1]))

    results, found = await judged(tmp_path, [memory], "key_age")

    assert found["key_age"] == {"orphan": Outcome.FAIL, "retired": Outcome.FAIL, "old": Outcome.FAIL}
    assert results["key_age"].read == 4
    assert await judged(tmp_path, [turned], "key_age") == (results, found)


async def test_checks_that_are_judged_together_say_what_each_says_alone(tmp_path: Path) -> None:
    """One reading serves checks with a roster, with the population itself, and with nothing to join."""
    blobs = FolderBlobs(tmp_path)
    people = [person("ana"), person("cem", status="terminated", ends=True, ends_at=ago("30d"))]
    memories = [
        SourceMemory(name="okta-prod", complete=collected(blobs, "okta-prod", MIXED)),
        SourceMemory(name="people", complete=collected(blobs, "people", people)),
    ]
    names = ("mfa_coverage", "leaver_access", "key_age")

    results, found = await judged(tmp_path, memories, *names)

    assert found["mfa_coverage"] == {"cem": Outcome.FAIL}
    assert found["leaver_access"] == {"cem": Outcome.FAIL}
    for name in names:
        assert await judged(tmp_path, memories, name) == ({name: results[name]}, {name: found[name]})


@pytest.mark.parametrize(
    ("complete", "partial"),
    [
        pytest.param(MIXED, MIXED[:1], id="laid-over"),
        pytest.param(None, MIXED[:1], id="never-complete"),
    ],
)
async def test_a_key_of_an_incomplete_collection_is_never_called_orphaned(
    tmp_path: Path, complete: Sequence[Record] | None, partial: Sequence[Record]
) -> None:
    """A partial collection does not prove that an owner is gone."""
    blobs = FolderBlobs(tmp_path)
    memory = SourceMemory(
        name="okta-prod",
        complete=None if complete is None else collected(blobs, "okta-prod", complete),
        partial=collected(blobs, "okta-prod", partial, complete=False),
    )

    _, found = await judged(tmp_path, [memory], "key_age")

    assert found["key_age"].get("before") is (None if complete is not None else Outcome.UNKNOWN)


async def test_nothing_is_left_in_the_folder_of_blobs(tmp_path: Path) -> None:
    """What a judgement sets aside names people, and is gone with it."""
    blobs = FolderBlobs(tmp_path)
    memory = SourceMemory(name="okta-prod", complete=collected(blobs, "okta-prod", MIXED))
    before = files(tmp_path)

    await judged(tmp_path, [memory], "key_age")

    assert files(tmp_path) == before

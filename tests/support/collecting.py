"""One run of one source, over blobs in a folder."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from checks.model import codec
from checks.model.records import Record
from engine.blobs import FolderBlobs
from engine.collect import Collected, collect
from sources.common.source import Source
from tests.support.context import lent_context
from tests.support.estate import Script, scripted, source_config

NAME = "okta-prod"


async def run(
    folder: Path,
    script: Script | Source,
    *,
    baseline: dict[str, int] | None = None,
    deadline: timedelta = timedelta(seconds=60),
    last: datetime | None = None,
    **common: Any,
) -> Collected:
    """Run a source once, over a store in ``folder``."""
    source = script if isinstance(script, Source) else scripted(script)
    async with lent_context(folder, name=NAME, deadline=deadline) as context:
        return await collect(source_config(NAME, source, **common), context, blobs_of(folder), baseline, "1.2.3", last)


def blobs_of(folder: Path) -> FolderBlobs:
    """Keep blobs in the folder of the test."""
    return FolderBlobs(folder / "evidence")


def kept(folder: Path, collected: Collected) -> Sequence[Record]:
    """Read back what was spooled."""
    return codec.decode_lines(blobs_of(folder).get(collected.manifest.blob))

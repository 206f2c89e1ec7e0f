"""Evidence is verified from what lies on the disk: the chain, every manifest, and every blob that is kept.

Nothing of it needs an engine, and a running one is not disturbed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.blobs import BlobCorrupt, BlobMissing, FolderBlobs
from engine.breaks import Break
from engine.evidence import Manifest, digest_of, manifest_bytes
from engine.store import StoreError
from engine.store.sqlite import SqliteStore, open_sqlite


class NothingToAccept(Exception):
    """The chain holds, or is broken in a way that nobody can accept; the message says which."""


@dataclass(frozen=True, slots=True)
class Audit:
    """What verifying showed."""

    entries: int
    """Chain entries that hold."""
    head: str
    """Hash of the last of them, hex: note it elsewhere, and later verifications can be held to it."""
    manifests: int
    blobs: int
    """Blobs whose bytes are those that their digest names."""
    tombstoned: int
    """Blobs that retention let go; their manifests stay."""
    faults: Sequence[str]


@dataclass(frozen=True, slots=True)
class Listed:
    """One collection in the evidence."""

    digest: str
    manifest: Manifest
    kept: bool
    """Whether its blob is still whole on the disk."""


async def listing(state_dir: Path, source: str | None = None, limit: int = 100) -> list[Listed]:
    """List the collections in the evidence, newest first; raises ``StoreError``."""
    async with _opened(state_dir) as (store, blobs):
        found = await store.list_manifests(source, limit)
        return [Listed(digest, manifest, blobs.has(manifest.blob)) for digest, manifest in found]


async def collected_sources(state_dir: Path) -> frozenset[str]:
    """Name the sources that the evidence is of, those that are configured no more too; raises ``StoreError``."""
    async with _opened(state_dir) as (store, _):
        return frozenset(manifest.source for _, manifest in await store.list_manifests())


async def verify(state_dir: Path) -> Audit:
    """Verify the chain, the manifests and the blobs; raises ``StoreError`` when there is nothing to read."""
    async with _opened(state_dir) as (store, blobs):
        chain = await store.verify()
        faults = [f"chain: entry {chain.first_bad}: {chain.why}"] if chain.first_bad is not None else []
        gone = await store.tombstones()
        manifests = await store.list_manifests()
        faults += [
            f"manifest {digest}: its bytes have the digest {found}"
            for digest, manifest in manifests
            if (found := digest_of(manifest_bytes(manifest))) != digest
        ]
        wanted = sorted({manifest.blob for _, manifest in manifests} - gone)
        broken = await asyncio.to_thread(_broken, blobs, wanted)
        return Audit(
            entries=chain.entries,
            head=chain.head.hash.hex(),
            manifests=len(manifests),
            blobs=len(wanted) - len(broken),
            tombstoned=len(gone),
            faults=[*faults, *broken],
        )


async def accept_breaks(state_dir: Path, reason: str, by: str) -> Sequence[Break]:
    """Accept that ends of the chain were lost, as evidence; raises ``StoreError`` and ``NothingToAccept``.

    What is wrong with an entry itself stays wrong: no word beside it makes it what it was.
    """
    async with _opened(state_dir) as (store, _):
        found = await store.verify()
        if found.first_bad is None:
            raise NothingToAccept("the chain holds; there is nothing to accept")
        if found.lost is None:
            raise NothingToAccept(
                f"entry {found.first_bad}: {found.why}; that cannot be accepted: keep the folder, and go on with a "
                "backup whose chain holds",
            )
        return await store.accept_breaks(reason, by)


def _broken(blobs: FolderBlobs, digests: Sequence[str]) -> list[str]:
    found: list[str] = []
    for digest in digests:
        try:
            blobs.verify(digest)
        except (BlobCorrupt, BlobMissing) as error:
            found.append(f"blob {digest}: {error}")
    return found


@asynccontextmanager
async def _opened(state_dir: Path) -> AsyncIterator[tuple[SqliteStore, FolderBlobs]]:
    path, key = state_dir / "store.sqlite", state_dir / "subject.key"
    if not path.exists() or not key.exists():
        message = f"{state_dir} holds no evidence yet; run: controlwatch check"
        raise StoreError(message)
    store = open_sqlite(path, subject_key=key.read_bytes())
    try:
        yield store, FolderBlobs(state_dir / "evidence")
    finally:
        await store.close()

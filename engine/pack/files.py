"""The files of an evidence pack, and the list of their digests; pure, one file after the other."""

from __future__ import annotations

import hashlib
import zipfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import BinaryIO, Final

import msgspec

from checks.model.units import rfc3339
from engine.chain import Link
from engine.pack.tables import Table, tables
from engine.pack.told import Told

SCHEMA: Final = "controlwatch.pack/1"
SUMS: Final = "SHA256SUMS"
_JSON: Final = msgspec.json.Encoder(order="deterministic")
_README: Final = """\
# Evidence pack, {since} to {until}

Made by Controlwatch {version} at {at}, of {checks} configured checks. `pack.json` says the same for programs.

## Check it

    sha256sum -c SHA256SUMS

proves that no file of this pack was changed since it was made. Note the digest of the archive itself, or of
SHA256SUMS, where nobody can change it.

    sed -n 7p manifests.jsonl | head -c -1 | sha256sum

is the digest in the row of `manifests.csv` whose `line` is 7: it covers the manifest's exact bytes. Each names the blob
of the records that a source told. The blob is not in this pack: it lies in the state folder, named after the digest in
the manifest's `blob`, as long as retention keeps it. What a breach cites is a manifest's digest; from there

    jq '.[] | select (.digest == "sha256:…") | .line' manifests.json | xargs -I N sed -n Np manifests.jsonl | jq .
    gzip -dc STATE/evidence/ab/abcdef….jsonl.gz | sha256sum    # is the file's name: the blob of that manifest
    gzip -dc STATE/evidence/ab/abcdef….jsonl.gz | jq .         # what the source told, a record a line

Every blob is kept for 72 hours; then the last of each day and source, and each under a change of state or a first
failure, for 550 days. `blob_is` in `manifests.csv` says what became of each when the pack was made: kept, let go by
that rule at `blob_let_go_at`, or missing. {missing}

    jq -r 'select (.seq == 7) | [.prev, .seq, .kind, .at, .body] | join ("\\n")' chain.jsonl | head -c -1 | sha256sum

is that entry's `hash`, and each entry's `prev` is the `hash` of the one before. When the pack was made, the whole chain
was read: {chain}.

## What is in it

| file | what |
|---|---|
{files}

Every table is there as CSV and as JSON. In CSV a cell that begins like a formula has an apostrophe before it; the JSON
has it as it is. Times are UTC. A day is in control when the check passed, or passed with a warning, all day; a time
without a judgement (`gaps`) is never a pass. Days judged are those on which the check was judged, whether or not the
judgement could tell; days conclusive are those of them on which at least one could. `period_covered` is the share of
the period in which the check is known to have passed, failed or been waived: time in which it was unknown, stale or
pending is no more covered than a gap, and no breach in it proves nothing. A policy is the one in force when the pack
was made; a source whose configuration changed within the period has an entry of kind `config` in the chain.
"""
_ABOUT: Final = {
    "summary": "days in control, judged and conclusive, how much of the period is covered, breaches; a row a check",
    "checks": "the configured checks, with owner, controls and threshold",
    "policy": "every parameter of every check, and whether it is a default",
    "days": "how often each check was judged on each day, and the longest time without a judgement",
    "turns": "every change of state and counts, with the evidence under it",
    "gaps": "times without a judgement",
    "breaches": "times in which a check failed, with owner, waivers in force and the evidence that found it",
    "waivers": "the waivers and requests of the file that touch the period, as they are now",
    "manifests": "the collections that ended within the period or are cited by a change, and what became of the blobs",
    "manifests.jsonl": "their manifests, byte for byte, one a line",
    "chain.jsonl": "the entries of the evidence chain of the period",
}


def stem(told: Told) -> str:
    """Name the pack after its period, both days included."""
    last = told.until - datetime.resolution
    return f"controlwatch-evidence-{told.since.astimezone(UTC):%Y-%m-%d}-{last.astimezone(UTC):%Y-%m-%d}"


def files(told: Told) -> Iterator[tuple[str, bytes]]:
    """Give the files of a pack but for its manifest of digests."""
    found = tables(told)
    yield "README.md", _readme(told, found).encode()
    yield "pack.json", _about(told, found)
    for table in found:
        yield f"{table.name}.csv", table.csv()
        yield f"{table.name}.json", table.json()
    yield "manifests.jsonl", "".join(f"{each.body}\n" for each in told.manifests).encode()
    yield "chain.jsonl", b"".join(_entry(each) + b"\n" for each in told.links)


def archive(told: Told, into: BinaryIO) -> int:
    """Write the archive, with the digests of all its files in ``SHA256SUMS``; give how many files it has."""
    sums, folder = [], stem(told)
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in files(told):
            packed.writestr(_entry_of(f"{folder}/{name}", told.at), data)
            sums.append(f"{hashlib.sha256(data).hexdigest()}  {name}\n")
        packed.writestr(_entry_of(f"{folder}/{SUMS}", told.at), "".join(sums))
    return len(sums) + 1


def _entry_of(name: str, at: datetime) -> zipfile.ZipInfo:
    """Describe a file that its owner alone may read; the same pack is the same bytes."""
    moment = at.astimezone(UTC)
    found = zipfile.ZipInfo(name, moment.timetuple()[:6])
    found.compress_type, found.create_system, found.external_attr = zipfile.ZIP_DEFLATED, 3, 0o100600 << 16
    return found


def _readme(told: Told, found: list[Table]) -> str:
    listed = [f"| {table.name}.csv, {table.name}.json | {_ABOUT[table.name]}: {len(table.rows)} |" for table in found]
    counts = {"manifests.jsonl": len(told.manifests), "chain.jsonl": len(told.links)}
    listed += [f"| {name} | {_ABOUT[name]}: {count} |" for name, count in counts.items()]
    return _README.format(
        since=rfc3339(told.since),
        until=rfc3339(told.until),
        version=told.version,
        at=rfc3339(told.at),
        checks=len(told.checks),
        chain=_chain(told),
        missing=_missing(told),
        files="\n".join(listed),
    )


def _chain(told: Told) -> str:
    one = told.verified
    held = f"{one.entries} entries hold, and its head is {one.head.hash.hex()}"
    return held if one.first_bad is None else f"IT IS BROKEN at entry {one.first_bad} ({one.why}); before it {held}"


def _missing(told: Told) -> str:
    missing = told.missing
    if not missing:
        return "None was missing."
    return "\n".join(["THESE ARE MISSING, and no rule let them go:", "", *(f"- {name}" for name in missing)])


def _about(told: Told, found: list[Table]) -> bytes:
    verified = told.verified
    body = {
        "schema": SCHEMA,
        "version": told.version,
        "since": rfc3339(told.since),
        "until": rfc3339(told.until),
        "known_until": rfc3339(told.horizon),
        "made_at": rfc3339(told.at),
        "config": told.config_digest,
        "chain": {
            "entries": verified.entries,
            "head": verified.head.hash.hex(),
            "valid": verified.first_bad is None,
            "first_bad": verified.first_bad,
            "why": verified.why,
        },
        "blobs": dict(sorted(Counter(each.blob_is for each in told.manifests).items())),
        "missing": told.missing,
        "rows": {table.name: len(table.rows) for table in found},
    }
    return _JSON.encode(body) + b"\n"


def _entry(each: Link) -> bytes:
    return _JSON.encode(
        {
            "seq": each.seq,
            "prev": each.prev.hex(),
            "hash": each.hash.hex(),
            "kind": each.kind,
            "at": each.at,
            "body": each.body.decode("utf-8", "replace"),
        }
    )

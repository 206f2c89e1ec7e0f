"""Newest snapshots of a large restic repository, beside the restic exporter's refresh: ``python -m bench.restic``.

    .venv/bin/python -m bench.restic [--snapshots 10000] [--rounds 3]

The real restic makes the repository and backs up once; the other snapshots are that one under other times, hosts and
paths, sealed with the repository's own key as restic seals them (AES-256-CTR and Poly1305-AES), of 20 backup sets, with
the summary that writers since 0.17 leave. Ours is ``sources/restic.py`` in a fresh process. The yardstick is the restic
exporter's command sequence (ngosang/restic-exporter 2.1, which no package index has): ``snapshots`` twice, ``stats
--mode raw-data``, ``check`` and ``list locks``, each read to its end and its JSON decoded. Goal: at least 6× faster.

The exporter can leave ``check`` and ``stats`` out; that shorter sequence is measured too. Times are wall time, since
restic does the work; CPU time, restic's own with it, stands beside.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.poly1305 import Poly1305

from bench import common

PASSWORD: Final = "bench"
SETS: Final = 20
SNAPSHOTS: Final = ("snapshots", "--json", "--no-lock")
REFRESH: Final = (
    SNAPSHOTS,
    ("snapshots", "--latest", "1", "--json", "--no-lock"),
    ("stats", "--json", "--no-lock", "--mode", "raw-data"),
    ("check", "--no-lock"),
    ("list", "locks", "--no-lock"),
)
SHORT: Final = (REFRESH[0], REFRESH[1], REFRESH[4])
"""With its NO_CHECK and NO_GLOBAL_STATS set."""


def main() -> None:
    """Make the repository, alternate the two, and print medians and ratios."""
    if sys.argv[1:2] == ["child"]:
        asyncio.run(_child(Path(sys.argv[2])))
        return
    parser = argparse.ArgumentParser(description="Newest snapshots beside the restic exporter's refresh.")
    parser.add_argument("--snapshots", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    if shutil.which("restic") is None:
        sys.exit("install restic")
    with tempfile.TemporaryDirectory(prefix="bench-restic-") as name:
        folder = Path(name)
        make_repository(folder, asked.snapshots)
        for warm in (_ours, _refresh, _short):
            warm(folder)
        rounds = [
            {"ours": _ours(folder), "refresh": _refresh(folder), "short": _short(folder)} for _ in range(asked.rounds)
        ]
    print(subprocess.run(["restic", "version"], capture_output=True, text=True, check=True).stdout.strip())
    walls = {name: statistics.median(one[name].wall for one in rounds) for name in rounds[0]}
    cpus = {name: statistics.median(one[name].cpu for one in rounds) for name in rounds[0]}
    names = {"ours": "controlwatch", "refresh": "the exporter's sequence", "short": "… without check and stats"}
    for name, words in names.items():
        print(f"{words:28s} {walls[name]:7.2f} s wall {cpus[name]:7.2f} s CPU   {walls[name] / walls['ours']:5.1f}×")


# ---------------------------------------------------------------------------------------------------- the repository


def make_repository(folder: Path, snapshots: int) -> None:
    """Make a repository of one real backup under many snapshots."""
    data = folder / "data"
    data.mkdir()
    (data / "file").write_bytes(os.urandom(100_000))
    _restic(folder, "init", "--quiet")
    _restic(folder, "backup", "--quiet", "--host", "web0", str(data))
    held = folder / "repository" / "snapshots"
    first = json.loads(_restic(folder, "cat", "snapshot", next(held.iterdir()).name))
    keys = json.loads(_restic(folder, "cat", "masterkey"))
    seal = sealer(keys)
    now = datetime.now(UTC)
    for number in range(1, snapshots):
        body = json.dumps(_snapshot(first, number, now - timedelta(minutes=7 * number)))
        sealed = seal(body.encode())
        (held / hashlib.sha256(sealed).hexdigest()).write_bytes(sealed)


def _snapshot(first: Mapping[str, Any], number: int, at: datetime) -> dict[str, Any]:
    size = 10_000_000 + number
    summary = {
        "backup_start": f"{at:%Y-%m-%dT%H:%M:%S}.123456789Z",
        "backup_end": f"{at + timedelta(seconds=40):%Y-%m-%dT%H:%M:%S}.987654321Z",
        "files_new": 3,
        "files_changed": 5,
        "files_unmodified": 4_711,
        "dirs_new": 0,
        "dirs_changed": 4,
        "dirs_unmodified": 300,
        "data_blobs": 8,
        "tree_blobs": 5,
        "data_added": 4_500_000,
        "data_added_packed": 1_200_000,
        "total_files_processed": 4_719,
        "total_bytes_processed": size,
    }
    own = {"time": summary["backup_start"], "hostname": f"web{number % SETS}", "paths": [f"/srv/{number % SETS}"]}
    return {**first, **own, "program_version": "restic 0.18.0", "summary": summary}


def sealer(keys: Mapping[str, Any]) -> Callable[[bytes], bytes]:
    """Give the function that seals a file with a repository's master key (restic's design document, "Keys")."""
    encrypt, k, r = (base64.b64decode(text) for text in (keys["encrypt"], keys["mac"]["k"], keys["mac"]["r"]))

    def seal(plain: bytes) -> bytes:
        nonce = os.urandom(16)
        stream = Cipher(algorithms.AES(encrypt), modes.CTR(nonce)).encryptor()
        sealed = stream.update(plain) + stream.finalize()
        block = Cipher(algorithms.AES(k), modes.ECB()).encryptor()  # noqa: S305 - one block, as Poly1305-AES is defined
        return nonce + sealed + Poly1305.generate_tag(r + block.update(nonce), sealed)

    return seal


def _restic(folder: Path, *arguments: str) -> bytes:
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "RESTIC_REPOSITORY": str(folder / "repository"),
        "RESTIC_PASSWORD": PASSWORD,
        "RESTIC_CACHE_DIR": str(folder / "cache"),
    }
    return subprocess.run(["restic", *arguments], env=env, capture_output=True, check=True).stdout


# -------------------------------------------------------------------------------------------------------- the two


def _ours(folder: Path) -> common.Took:
    """Run the source once in a fresh process; the time is that of the collection, without Python's start."""
    return common.Took(**common.child("bench.restic", "child", str(folder)))


async def _child(folder: Path) -> None:
    from sources.common.settings import Secret
    from sources.restic import SOURCE, Config
    from tests.support.context import collect, lent_context

    config = Config(repository=str(folder / "repository"), password=Secret("env:P"))
    async with lent_context(folder, secrets={"env:P": PASSWORD}) as context:
        context.started = context.at = datetime.now(UTC)
        began, cpu = time.perf_counter(), _cpu()
        told = await collect(SOURCE.fetch(config, context))
        took = {"wall": time.perf_counter() - began, "cpu": _cpu() - cpu}
    assert not told.gaps, told.gaps
    print(json.dumps(took))


def _refresh(folder: Path) -> common.Took:
    return _sequence(folder, REFRESH)


def _short(folder: Path) -> common.Took:
    return _sequence(folder, SHORT)


def _sequence(folder: Path, commands: tuple[tuple[str, ...], ...]) -> common.Took:
    """Run the commands one after the other, as the exporter does, with its cache kept."""
    began, cpu = time.perf_counter(), _cpu()
    for command in commands:
        out = _restic(folder, *command)
        if "--json" in command:
            json.loads(out)
    return common.Took(_cpu() - cpu, time.perf_counter() - began)


def _cpu() -> float:
    """Give the CPU time of this process and of the programs that it ran to their end."""
    own, others = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime


if __name__ == "__main__":
    main()

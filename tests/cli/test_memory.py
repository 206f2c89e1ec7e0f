"""Memory that is freed goes back to a few places, and from there to the system."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

GLIBC = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told how to keep memory")
TELL = """
import ctypes, sys, threading
from cli.memory import give_back
give_back()
libc = ctypes.CDLL(None)
libc.fopen.restype = libc.malloc.restype = ctypes.c_void_p
def tell():
    told = libc.fopen(sys.argv[1].encode(), b"w")
    libc.malloc_info(0, ctypes.c_void_p(told))
    libc.fclose(ctypes.c_void_p(told))
"""
THREADS = (
    TELL
    + """
both = threading.Barrier(7)
def work():
    held = libc.malloc(2000)
    both.wait()
    libc.free(ctypes.c_void_p(held))
threads = [threading.Thread(target=work) for _ in range(6)]
for thread in threads:
    thread.start()
both.wait()
for thread in threads:
    thread.join()
tell()
"""
)
BLOCKS = (
    TELL
    + """
libc.free(ctypes.c_void_p(libc.malloc(8_000_000)))
held = libc.malloc(4_000_000)
tell()
"""
)


def told(program: str, folder: Path, environment: dict[str, str]) -> str:
    """Run a program that asks glibc what it holds; gives the XML of malloc_info(3)."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", program, str(folder / "told")]
    subprocess.run(command, cwd=root, env=kept | environment, check=True, timeout=60)
    return (folder / "told").read_text(encoding="ascii")


@GLIBC
@pytest.mark.parametrize(
    ("environment", "expected"), [({}, {1, 2}), ({"MALLOC_ARENA_MAX": "1"}, {1})], ids=["ours", "the operator's"]
)
def test_threads_share_two_arenas(tmp_path: Path, environment: dict[str, str], expected: set[int]) -> None:
    """Six threads that allocate at the same time share two arenas, or as many as the operator has said."""
    assert told(THREADS, tmp_path, environment).count("<heap nr=") in expected


@GLIBC
@pytest.mark.parametrize(
    ("environment", "expected"),
    [({}, True), ({"MALLOC_MMAP_THRESHOLD_": "16000000"}, False)],
    ids=["ours", "the operator's"],
)
def test_a_large_block_has_pages_of_its_own(tmp_path: Path, environment: dict[str, str], *, expected: bool) -> None:
    """A large block has its own pages, which go when it is freed, also after a larger one was freed."""
    found = re.search(r'<total type="mmap" count="\d+" size="(\d+)"/>', told(BLOCKS, tmp_path, environment))
    assert found is not None
    assert (int(found[1]) >= 4_000_000) is expected

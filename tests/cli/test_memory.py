"""Memory that is freed goes back to a few places."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import ctypes, sys, threading
from cli.memory import few_arenas
few_arenas()
libc = ctypes.CDLL(None)
libc.fopen.restype = libc.malloc.restype = ctypes.c_void_p
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
told = libc.fopen(sys.argv[1].encode(), b"w")
libc.malloc_info(0, ctypes.c_void_p(told))
libc.fclose(ctypes.c_void_p(told))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has arenas")
@pytest.mark.parametrize(
    ("environment", "expected"), [({}, {1, 2}), ({"MALLOC_ARENA_MAX": "1"}, {1})], ids=["ours", "the operator's"]
)
def test_threads_share_two_arenas(tmp_path: Path, environment: dict[str, str], expected: set[int]) -> None:
    """Six threads that allocate at the same time share two arenas, or as many as the operator has said."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    root = Path(__file__).resolve().parents[2]
    subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "told")],
        cwd=root,
        env=kept | environment,
        check=True,
        timeout=60,
    )
    assert (tmp_path / "told").read_text(encoding="ascii").count("<heap nr=") in expected

"""How a program that runs for weeks keeps its memory."""

from __future__ import annotations

import os
from typing import Final

_SETTINGS: Final = (
    ("MALLOC_ARENA_MAX", -8, 2),
    ("MALLOC_MMAP_THRESHOLD_", -3, 64 << 10),
    ("MALLOC_TRIM_THRESHOLD_", -1, 128 << 10),
)
"""What mallopt(3) is told: the variable by which an operator says it instead, the parameter, and the value."""


def give_back() -> None:
    """Let glibc give back to the system what was freed; call it before threads start.

    A second thread that allocates gets an arena of its own, up to eight a core, and each keeps the most that its thread
    ever needed at once: 40 of the demo's 135 MB. Two are enough.

    A block of 128 KiB or more has pages of its own, which go when it is freed, until the first one is freed: then glibc
    raises that limit to its size, up to 32 MiB, and such blocks lie between others. What they leave is filled with what
    stays, and the heap grows for the next ones: by 25 of 100 MB in ten minutes, and on. A limit that is set stays.

    ``MALLOC_…`` in the environment stands; other C libraries have no such switches (mallopt(3), malloc_info(3)).
    """
    import ctypes

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    for variable, parameter, value in _SETTINGS:
        if variable not in os.environ:
            mallopt(parameter, value)

"""Who sits at the keyboard, as the operating system has it: shown and sent as claimed, proven by nothing."""

from __future__ import annotations

import getpass
import os


def actor() -> str:
    """Name the user of this session; by number where the system has no name for it."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return f"uid {os.getuid()}"

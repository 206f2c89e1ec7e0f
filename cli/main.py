"""``controlwatch``: the only place that knows all the other packages, each inside the sub-command that needs it."""

from __future__ import annotations

import sys

from cli.version import VERSION


def main() -> None:
    """Run the command line; exits with the codes of ``cli.exit_codes``."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        sys.stdout.write(f"controlwatch {VERSION}\n")
        return
    from cli.guard import shadowed

    fault = shadowed()
    if fault is not None:
        sys.stderr.write(f"controlwatch: {fault}\n")
        sys.exit(4)
    from cli.commands import run

    sys.exit(run(sys.argv[1:]))

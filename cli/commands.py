"""The tree of commands; each command's module is imported when it is called."""

from __future__ import annotations

import importlib
import sys
import traceback
from pathlib import Path

import click

from cli.exit_codes import OWN_FAULT, USAGE
from cli.setting import Setting, say
from cli.version import VERSION

COMMANDS = {
    "run": "cli.run",
    "demo": "cli.demo",
    "serve": "cli.run",
    "attach": "cli.run",
    "check": "cli.check",
    "init": "cli.init",
    "source": "cli.source",
    "config": "cli.config",
    "secret": "cli.secret",
    "waiver": "cli.waiver",
    "evidence": "cli.evidence",
    "rules": "cli.rules",
    "dashboard": "cli.dashboard",
}


class Lazy(click.Group):
    """A group that imports a command's module when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands in the order in which the help lists them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(importlib.import_module(COMMANDS[cmd_name]), f"{cmd_name}_command")
        return command

    def resolve_command(
        self,
        ctx: click.Context,
        args: list[str],
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Name the nearest command when there is none of that name."""
        if args and args[0] not in COMMANDS:
            from engine.convert import nearest

            ctx.fail(f"no command {args[0]!r}{nearest(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)


@click.group(cls=Lazy, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--config", "config", type=click.Path(path_type=Path), help="Configuration file.")
@click.option(
    "--log-format", type=click.Choice(["kv", "json"]), default="kv", help="Form of the log on standard error."
)
@click.option("--no-color", is_flag=True, help="No colour; NO_COLOR does the same.")
@click.version_option(VERSION, prog_name="controlwatch", message="%(prog)s %(version)s")
@click.pass_context
def controlwatch(ctx: click.Context, config: Path | None, log_format: str, *, no_color: bool) -> None:
    """Watch controls continuously: MFA, access, backups, attestations and TLS. Green is proven.

    Without a command: the terminal UI, on the configuration that is found (--config, $CONTROLWATCH_CONFIG,
    ./controlwatch.toml, the XDG config folder), or on a demo estate when there is none.
    """
    ctx.obj = Setting(config=config, log_format=log_format, color=not no_color)
    if ctx.invoked_subcommand is None:
        from cli.run import run_command

        ctx.invoke(run_command)


def run(arguments: list[str]) -> int:  # noqa: PLR0911 - one return a kind of fault is the shortest way to say it
    """Run one command line and tell its exit code; every fault is told in a sentence, on standard error."""
    from engine.config import ConfigError
    from engine.lock import Held
    from engine.serve import CannotListen
    from engine.store import StoreError

    try:
        code = controlwatch.main(arguments, prog_name="controlwatch", standalone_mode=False)
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except click.ClickException as error:
        error.show()
        return USAGE
    except click.Abort:
        say("stopped")
        return 130
    except ConfigError as error:
        say(*error.faults)
        return USAGE
    except (Held, CannotListen) as error:
        say(str(error))
        return USAGE
    except StoreError as error:
        say(str(error))
        return OWN_FAULT
    except BrokenPipeError:
        sys.stderr.close()
        return OWN_FAULT
    except Exception:  # noqa: BLE001 - whatever else comes is our own fault, and is told as one
        traceback.print_exc()
        say("this is a fault of controlwatch; please report it with the lines above")
        return OWN_FAULT
    return code if isinstance(code, int) else 0

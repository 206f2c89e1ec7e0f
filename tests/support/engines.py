"""Engines as processes of their own that a test may start, stop, break and start again, each in a folder of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from engine.config import Config, load
from tests.support.console import COMMAND, environment, free_port

ROOT: Final = Path(__file__).resolve().parents[2]
HANGING: Final = ROOT / "tests" / "support" / "hanging.py"
"""Hosts the real engine, and hangs its scheduler when told so."""


@dataclass(slots=True)
class EngineProcess:
    """A process with a real engine, or none at the moment."""

    name: str
    """Also of its scrape job."""
    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def config_path(self) -> Path:
        """Its configuration file."""
        return self.folder / "controlwatch.toml"

    @property
    def config(self) -> Config:
        """Its configuration, read now."""
        return load(self.config_path)

    def write(self, body: str, engine: str = "") -> None:
        """Write its configuration: the sources and checks are the body's, ``engine`` is what ``[engine]`` says."""
        self.folder.mkdir(parents=True, exist_ok=True)
        head = f'[engine]\n{engine}\n\n[metrics]\nlisten = "127.0.0.1:{self.port}"\n\n[alerts]\njob = "{self.name}"\n'
        fresh = self.config_path.with_suffix(".fresh")
        fresh.write_text(f"{head}{body}")
        fresh.replace(self.config_path)

    def start(self, env: Mapping[str, str] | None = None, *, hanging: bool = False) -> None:
        """Start ``controlwatch serve``, or the host that can hang, with more in its environment."""
        serve = [str(COMMAND), "--config", str(self.config_path), "serve"]
        argv = [sys.executable, str(HANGING), str(self.config_path)] if hanging else serve
        self.process = self._spawn(argv, {**environment(), "PYTHONPATH": str(ROOT), **(env or {})})

    def _spawn(self, argv: Sequence[str], env: Mapping[str, str]) -> subprocess.Popen[bytes]:
        with (self.folder / "serve.log").open("ab") as log:
            return subprocess.Popen(
                argv, cwd=self.folder, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    @property
    def pid(self) -> int:
        """Its process; there must be one."""
        assert self.process is not None, f"{self.name} does not run"
        return self.process.pid

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self.process is not None, f"{self.name} does not run"
        self.process.send_signal(number)

    def kill(self) -> None:
        """End it at once, whatever it does; harmless when it does not run."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def log(self) -> str:
        """Read what it logged."""
        path = self.folder / "serve.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

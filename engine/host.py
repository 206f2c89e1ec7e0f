"""An engine is hosted with everything around it: lock, store, blobs, metrics, local socket, reloads.

``hosting`` does it on the running loop; ``EngineThread`` gives the engine a thread and a loop of its own, so that a
terminal that
stops reading stops nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import logging
import os
import secrets as random_secrets
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from engine import config as configuration
from engine.attach.server import AttachServer
from engine.blobs import FolderBlobs
from engine.desk import Desk
from engine.elsewhere import Elsewhere
from engine.engine import Engine, utc_now
from engine.lock import FolderLock, Held
from engine.port import Event
from engine.reload import Reloader
from engine.renderer import Renderer
from engine.serve import MetricsServer, health_at, open_web_config
from engine.store import StoreReadOnly
from engine.store.sqlite import open_sqlite
from engine.textfile import KEY as TEXTFILE
from engine.textfile import Textfile
from engine.web_watch import WebWatch

if TYPE_CHECKING:
    from engine.config import Config
    from engine.store import Store
    from engine.web_config import WebConfig

LOG = logging.getLogger(__name__)
AGAIN_SECONDS = 5.0
KEY_BYTES = 32

__all__ = ["EngineThread", "Held", "Hosted", "hosting"]


@dataclass(slots=True)
class Hosted:
    """An engine and what stands around it."""

    engine: Engine
    desk: Desk
    port: Elsewhere
    metrics_address: str | None = None
    """``host:port`` of the metrics listener; None when there is none."""


@contextlib.asynccontextmanager
async def hosting(
    config: Config,
    *,
    version: str,
    demo: bool = False,
    listen: bool = True,
    clock: Callable[[], datetime] = utc_now,
    watch: bool = True,
) -> AsyncIterator[Hosted]:
    """Host an engine on the running loop, started and not yet running.

    Raises ``Held``, ``StoreError``, ``config.ConfigError`` or ``serve.CannotListen`` before anything has changed.
    """
    web = await _web_config(config) if listen else None
    async with contextlib.AsyncExitStack() as stack:
        store, blobs = await _opened(config.state_dir, stack)
        engine = Engine(config, store, blobs, version=version, demo=demo, clock=clock)
        engine.doings.web_config_ok = True if web is not None else None
        reloader = Reloader(engine)
        desk = Desk(engine, reloader.reload)
        hosted = Hosted(engine, desk, Elsewhere(desk, asyncio.get_running_loop()))
        stack.push_async_callback(engine.stop)
        stack.push_async_callback(desk.finish)
        await engine.start()
        _freeze()
        if listen:
            await _attachable(config.state_dir, hosted, stack)
            hosted.metrics_address = engine.doings.metrics_address = await _metrics(config, engine, web, stack)
        if watch:
            _keep(stack, reloader.watch)
        yield hosted


def _freeze() -> None:
    """Spare the collector of garbage what is loaded by now: it lives as long as the engine, and is many objects."""
    gc.collect()
    gc.freeze()


async def _opened(state_dir: Path, stack: contextlib.AsyncExitStack) -> tuple[Store, FolderBlobs]:
    """Open what is kept in the state folder, which is ours alone from now on; what was left half-written is removed."""
    stack.callback(_lock(state_dir).release)
    blobs = FolderBlobs(state_dir / "evidence")
    store = open_sqlite(state_dir / "store.sqlite", subject_key=_subject_key(state_dir))
    stack.push_async_callback(store.close)
    await asyncio.to_thread(blobs.sweep)
    return store, blobs


async def _attachable(state_dir: Path, hosted: Hosted, stack: contextlib.AsyncExitStack) -> None:
    """Let screens of other processes attach."""
    attach = AttachServer(state_dir, hosted.desk, lambda: hosted.engine.snapshot)
    await attach.start()
    stack.push_async_callback(attach.stop)


class EngineThread:
    """An engine on a thread and a loop of its own."""

    def __init__(self, config: Config, *, version: str, demo: bool = False) -> None:
        """Prepare; nothing runs before ``start``."""
        self._config = config
        self._version = version
        self._demo = demo
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._ready = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="engine", daemon=True)
        self.hosted: Hosted | None = None

    def start(self) -> Hosted:
        """Start, and wait until the first snapshot is there; raises what ``hosting`` raises."""
        self._thread.start()
        self._ready.wait()
        if self._error is not None:
            raise self._error
        assert self.hosted is not None
        return self.hosted

    def stop(self, patience: timedelta = timedelta(seconds=8)) -> bool:
        """Stop cleanly; False when it did not end in time (it cannot keep the process alive)."""
        if self._loop is not None and self._stop is not None and self._thread.is_alive():
            with contextlib.suppress(RuntimeError):  # the loop has just closed by itself
                self._loop.call_soon_threadsafe(self._stop.set)
                self._loop.call_soon_threadsafe(self._wake)
        self._thread.join(patience.total_seconds())
        return not self._thread.is_alive()

    def reload(self) -> None:
        """Have the configuration read again; returns at once."""
        if self._loop is not None and self.hosted is not None:
            from engine.port import Reload

            asyncio.run_coroutine_threadsafe(self.hosted.desk.send(Reload()), self._loop)

    def _wake(self) -> None:
        if self.hosted is not None:
            self.hosted.engine.wake()

    def _work(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:
            self._error = error
            if self.hosted is not None:
                LOG.critical("engine=down", exc_info=error)
                self.hosted.desk.died(f"{type(error).__name__}: {error}")
        finally:
            self._ready.set()

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        async with hosting(self._config, version=self._version, demo=self._demo) as hosted:
            self.hosted = hosted
            self._ready.set()
            await hosted.engine.run(self._stop)


def _lock(state_dir: Path) -> FolderLock:
    try:
        return FolderLock(state_dir)
    except OSError as error:
        message = f"the state folder {state_dir} cannot be written ({error.strerror}); mend it, or set engine.state_dir"
        raise StoreReadOnly(message) from None


def _subject_key(state_dir: Path) -> bytes:
    """Give the key that subjects are hashed with; made once, readable by its owner alone."""
    path = state_dir / "subject.key"
    fresh = path.with_suffix(".fresh")
    try:
        if path.exists():
            return path.read_bytes()
        key = random_secrets.token_bytes(KEY_BYTES)
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(path)
    except OSError as error:
        message = f"{path} cannot be read or written ({error.strerror})"
        raise StoreReadOnly(message) from None
    return key


async def _web_config(config: Config) -> WebConfig | None:
    """Read the listener's web configuration; raises ``ConfigError`` with every fault of it."""
    settings, path = config.metrics, config.web_config
    allowed = settings.allow_public
    web, faults = await asyncio.to_thread(open_web_config, settings.listen, path, allow_public=allowed)
    if faults:
        raise configuration.ConfigError([f"{config.path.name}: {fault}" for fault in faults])
    return web


async def _metrics(
    config: Config, engine: Engine, web: WebConfig | None, stack: contextlib.AsyncExitStack
) -> str | None:
    """Expose metrics as the configuration asks for it; the first exposition is complete before the first scrape."""
    settings = config.metrics
    if not settings.listen and config.textfile is None:
        return None
    renderer = Renderer(engine)
    await renderer.render()
    if config.textfile is not None:
        textfile = Textfile(config.textfile, lambda: renderer.exposition, functools.partial(_note, engine, TEXTFILE))
        _keep(stack, textfile.work)
    if settings.listen:
        await _listen(config, engine, renderer, web, stack)
    _keep(stack, renderer.work)
    return settings.listen or None


def _note_read(engine: Engine) -> None:
    engine.doings.scraped_at = engine.clock()


async def _listen(
    config: Config, engine: Engine, renderer: Renderer, web: WebConfig | None, stack: contextlib.AsyncExitStack
) -> None:
    started = engine.clock()
    watch = WebWatch(web, functools.partial(_note_web, engine, web.path.name)) if web is not None else None
    server = MetricsServer(
        config.metrics.listen,
        lambda: renderer.exposition,
        lambda: health_at(engine.snapshot, started, engine.clock()),
        allow_public=config.metrics.allow_public,
        web=watch,
        read=functools.partial(_note_read, engine),
    )
    await server.start()
    stack.push_async_callback(server.stop)
    if watch is not None:
        _keep(stack, watch.watch)


def _note_web(engine: Engine, name: str, faults: Sequence[str]) -> None:
    """Tell that a changed web configuration is in force, or why it is not."""
    engine.doings.web_config_ok = not faults
    if faults:
        LOG.warning("web_config=refused faults=%d first=%s", len(faults), faults[0])
    else:
        LOG.info("web_config=reloaded file=%s", name)
    _note(engine, name, f"refused: {faults[0]}" if faults else "in force")


def _note(engine: Engine, what: str, text: str) -> None:
    """Have something that befell the listener or its file stand among the events, and in the next snapshot."""
    engine.note(Event(at=engine.clock(), kind="config", what=what, text=text))
    engine.moved()


def _keep(stack: contextlib.AsyncExitStack, work: Callable[[], Coroutine[object, object, None]]) -> None:
    """Run background work until the host ends; a fault is logged, and it starts again."""

    async def again() -> None:
        while True:
            try:
                await work()
            except Exception:  # whatever it was, the monitor goes on, and its age shows in the metrics meanwhile
                LOG.exception("background=%s failed, and starts again", work.__qualname__)
            await asyncio.sleep(AGAIN_SECONDS)

    task = asyncio.get_running_loop().create_task(again())

    async def end() -> None:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    stack.push_async_callback(end)

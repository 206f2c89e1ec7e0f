"""A replica listens on loopback for as long as a block runs."""

from __future__ import annotations

import ssl as tls
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web

_GRACE_S: Final = 0.05
"""How long a request that is being answered may go on after the block; 0 would be for ever."""


@asynccontextmanager
async def serving(app: web.Application, ssl: tls.SSLContext | None = None, port: int = 0) -> AsyncIterator[str]:
    """Serve ``app`` on 127.0.0.1 and give its origin, such as ``http://127.0.0.1:40213``.

    Port 0 lets the system choose a free one. Leaving the block closes every connection at once, also those that a
    fault holds open.
    """
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=_GRACE_S)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port, ssl_context=ssl)
        await site.start()
        yield f"{'http' if ssl is None else 'https'}://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()

# SPDX-License-Identifier: EUPL-1.2
"""From synchronous views to the asynchronous acts: one event loop, in another thread.

The pools of the acts belong to that loop: it is the application's own when there is one
(`attach`), else a loop of ours in a daemon thread (`start`). A hop costs about 0.2 ms.
"""

import asyncio
import concurrent.futures
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from carnet import errors

PATIENCE = 30.0  # seconds a page waits for an act

T = TypeVar("T")

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_thread: threading.Thread | None = None


def attach(loop: asyncio.AbstractEventLoop) -> None:
    """Use a loop that runs already, in a thread that serves no page itself."""
    global _loop
    with _lock:
        _loop = loop


def start() -> asyncio.AbstractEventLoop:
    """The loop the acts run on; ours, started now, when none was attached."""
    global _loop, _thread
    with _lock:
        if _loop is None or _loop.is_closed():
            loop = asyncio.new_event_loop()
            _thread = threading.Thread(target=loop.run_forever, name="carnet-acts", daemon=True)
            _thread.start()
            _loop = loop
        return _loop


def stop() -> None:
    """End our own loop; one that was attached is only let go."""
    global _loop, _thread
    with _lock:
        loop, thread = _loop, _thread
        _loop = _thread = None
    if loop is not None and thread is not None:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=5)
        loop.close()


def run(act: Coroutine[Any, Any, T], patience: float = PATIENCE) -> T:
    """The result of an act, or what it raised; Transient after `patience` seconds."""
    future = asyncio.run_coroutine_threadsafe(act, start())
    try:
        return future.result(patience)
    except concurrent.futures.TimeoutError as late:
        if future.done():  # the act itself raised TimeoutError
            raise
        future.cancel()
        raise errors.Transient from late

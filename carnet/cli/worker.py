# SPDX-License-Identifier: EUPL-1.2
"""carnet worker: the jobs, beside the servers."""

from __future__ import annotations

import asyncio
import contextlib
import signal

from carnet.app import quiet_logs, worker
from carnet.cli import common
from carnet.config import Settings
from carnet.postgres.server import Server


def work(data: common.Data = None) -> None:
    """Tell the outbox and do the jobs, until a signal."""
    with common.refusals():
        settings = common.settings_of(data)
        quiet_logs(settings)
        with common.server_of(settings) as server:
            common.bring_up_to_date(settings, server)
            asyncio.run(_until_signal(settings, server))


async def _until_signal(settings: Settings, server: Server) -> None:
    task = asyncio.create_task(worker.work(settings, server))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task

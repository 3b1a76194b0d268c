# SPDX-License-Identifier: EUPL-1.2
"""carnet dicom: images by C-STORE, by their port."""

from __future__ import annotations

import asyncio
import contextlib
import signal

from carnet import errors
from carnet.app import imaging, quiet_logs
from carnet.cli import common
from carnet.config import Settings
from carnet.postgres.server import Server


class NoDicomPort(errors.Invalid):
    """Images come in by no port: name one (CARNET_DICOM_PORT)."""


def dicom(data: common.Data = None) -> None:
    """Take images in by C-STORE, until a signal."""
    with common.refusals():
        settings = common.settings_of(data)
        if not settings.dicom_port:
            raise NoDicomPort
        quiet_logs(settings)
        with common.server_of(settings) as server:
            common.bring_up_to_date(settings, server)
            asyncio.run(_until_signal(settings, server))


async def _until_signal(settings: Settings, server: Server) -> None:
    task = asyncio.create_task(imaging.serve(settings, server))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task

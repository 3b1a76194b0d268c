# SPDX-License-Identifier: EUPL-1.2
"""carnet hl7: movements of patients by HL7 v2, by their port."""

from __future__ import annotations

import asyncio
import contextlib
import signal

from carnet import errors
from carnet.app import hospital, quiet_logs
from carnet.cli import common
from carnet.config import Settings
from carnet.postgres.server import Server


class NoHl7Port(errors.Invalid):
    """HL7 v2 comes in by no port: name one (CARNET_HL7_PORT)."""


def hl7(data: common.Data = None) -> None:
    """Take movements of patients in by MLLP, until a signal."""
    with common.refusals():
        settings = common.settings_of(data)
        if not settings.hl7_port:
            raise NoHl7Port
        quiet_logs(settings)
        with common.server_of(settings) as server:
            common.bring_up_to_date(settings, server)
            asyncio.run(_until_signal(settings, server))


async def _until_signal(settings: Settings, server: Server) -> None:
    task = asyncio.create_task(hospital.serve(settings, server))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task

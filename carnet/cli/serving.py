# SPDX-License-Identifier: EUPL-1.2
"""Serving: a granian of ASGI workers, each with its own door on the same database."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import socket
import sys
from typing import Any, Literal

from granian import Granian
from granian.constants import Interfaces, Loops

from carnet import config, errors
from carnet.app import application
from carnet.config import Settings
from carnet.postgres.server import open_server

Begin = Literal["fork", "spawn"]
STOPPING = 10  # seconds a worker has to end


class PortInUse(errors.CarnetError):
    """Another program listens on this port: stop it, or choose another with --port."""


def worker() -> Any:
    """The application of one worker; its settings come from the environment the master set."""
    settings = config.read()
    server = open_server(settings.database_url or None, settings.data)
    return application(settings, server)


def beginning() -> Begin:
    """How a process that serves may begin: as a copy of this one, which has imported all of it, where
    this has one thread and no lock of another would be taken along; else anew, two seconds later."""
    with contextlib.suppress(OSError):
        if sys.platform == "linux" and len(os.listdir("/proc/self/task")) == 1:
            return "fork"
    return "spawn"


def serve(
    settings: Settings,
    *,
    workers: int,
    hangup_ends: bool = False,
    target: str = "carnet.cli.serving:worker",
    begin: Begin = "spawn",
) -> None:
    """Serve until a signal; refuses a port in use, since two masters would share it silently.

    hangup_ends: SIGHUP, of a terminal that is closed, ends it; else workers are renewed.
    begin: workers begin as new processes; where nothing is open here yet, as copies of this one.
    """
    refuse_used_port(settings.host, settings.port)
    config.export(settings)
    multiprocessing.set_start_method(begin, force=True)
    master = Granian(
        target,
        factory=True,
        interface=Interfaces.ASGI,
        address=settings.host,
        port=settings.port,
        workers=workers,
        loop=Loops.uvloop,
        log_enabled=False,
        websockets=True,
        respawn_failed_workers=True,
        workers_kill_timeout=STOPPING,  # a worker that two signals met at once may never end by itself
    )
    if hangup_ends:
        master.signal_handler_reload = master.signal_handler_interrupt  # type: ignore[method-assign]
    master.serve()


def refuse_used_port(host: str, port: int) -> None:
    """PortInUse when something already listens there."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            raise PortInUse from None

# SPDX-License-Identifier: EUPL-1.2
"""carnet migrate: bring the database up to date."""

from __future__ import annotations

from carnet import app as composition
from carnet import portal
from carnet.cli import common


def migrate(data: common.Data = None) -> None:
    """Apply, under one lock, what is pending: our SQL files, the job queue's schema, Django's."""
    with common.refusals():
        settings = common.settings_of(data)
        with common.server_of(settings) as server:
            applied = common.bring_up_to_date(settings, server)
            composition.set_up_pages(settings, server, None)
            portal.migrate(server.url("carnet_admin"))
            for name in applied:
                print(name)
            print(f"{len(applied)} applied")

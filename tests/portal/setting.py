# SPDX-License-Identifier: EUPL-1.2
"""Django is set up once in a process: whoever comes first, those who come later bring their database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from carnet import portal
from carnet.portal import desk
from carnet.portal.config import Config

if TYPE_CHECKING:
    from carnet.portal.acts import Parts

NOWHERE = "postgresql://carnet_portal@127.0.0.1:1/none"  # of pages that ask nothing of accounts
SECRET, ADDRESS = "only for tests", "http://localhost:8000"


def set_up(database_url: str | None, parts: Parts | None) -> None:
    """Set the portal up; without a database, only where it is not set up yet."""
    from django.conf import settings

    if not settings.configured:
        portal.setup(
            database_url=database_url or NOWHERE, secret_key=SECRET, base_url=ADDRESS, demo=True,
            parts=parts,
        )  # fmt: skip
    elif database_url is not None:
        from django.db import connections

        from carnet.portal.settings import database

        connections.close_all()
        connections.databases["default"].update(database(database_url))
        config = Config(database_url=database_url, secret_key=SECRET, base_url=ADDRESS, demo=True)
        desk.install(config, parts)

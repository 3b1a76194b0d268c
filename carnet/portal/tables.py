# SPDX-License-Identifier: EUPL-1.2
"""The tables of schema `portal`: Django's own migrations, run as their owner."""

from django.core.management import call_command
from django.db import connections

from carnet.portal.settings import database

OWNER = "owner"


def migrate(owner_url: str) -> None:
    """Create or update them; default privileges of the schema let carnet_portal use them."""
    connections.databases[OWNER] = {
        **connections.databases["default"],
        **database(owner_url),
        "CONN_MAX_AGE": 0,
    }
    try:
        call_command("migrate", database=OWNER, interactive=False, verbosity=0)
        call_command("createcachetable", database=OWNER, verbosity=0)
    finally:
        connections[OWNER].close()
        del connections[OWNER]
        del connections.databases[OWNER]

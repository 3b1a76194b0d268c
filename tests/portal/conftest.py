# SPDX-License-Identifier: EUPL-1.2
"""The portal set up once a run, on a database of its own, with invented answers behind it."""

import threading
import uuid
from collections.abc import Iterator
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import psycopg
import pytest
from psycopg import sql

from carnet import portal
from carnet.postgres.cluster import DATABASE, Cluster
from tests.browser_fixture import browser, page
from tests.portal.preview import PASSWORD, SUBJECTS, PreviewParts
from tests.portal.setting import set_up
from tests.postgres_fixture import anyio_backend, cluster

__all__ = ["anyio_backend", "browser", "cluster", "page"]


@pytest.fixture(scope="session")
def portal_database(cluster: Cluster) -> Iterator[str]:
    """Django is set up once in a process, so its database lasts as long."""
    name = f"portal_{uuid.uuid4().hex}"
    admin = cluster.url(database="postgres")
    with psycopg.connect(admin, autocommit=True) as conn:
        conn.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
                sql.Identifier(name), sql.Identifier(DATABASE)
            )
        )
    yield name
    with psycopg.connect(admin, autocommit=True) as conn:
        conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def site(cluster: Cluster, portal_database: str) -> Iterator[PreviewParts]:
    """The portal, migrated, with the accounts of the preview."""
    parts = PreviewParts()
    set_up(cluster.url("carnet_portal", portal_database), parts)
    portal.migrate(cluster.url(database=portal_database))
    portal.ensure_accounts(SUBJECTS, PASSWORD)
    yield parts
    from django.db import connections

    connections.close_all()


@pytest.fixture
def client(site: PreviewParts) -> Any:
    """Django's test client: what the server answers, without a browser."""
    from django.test import Client

    return Client(raise_request_exception=False, HTTP_HOST="localhost")


@pytest.fixture
def logged_in(client: Any) -> Any:
    """A function that logs the client in by its subject."""
    from django.contrib.auth import get_user_model

    def log_in(name: str) -> Any:
        client.force_login(
            get_user_model().objects.get(username=name),
            "allauth.account.auth_backends.AuthenticationBackend",
        )
        return client

    return log_in


class Server(ThreadingMixIn, WSGIServer):
    """Pages in a thread each, as in service."""

    daemon_threads = True


class Silent(WSGIRequestHandler):
    """No line per request."""

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="session")
def address(site: PreviewParts) -> Iterator[str]:
    """The portal served on a free port."""
    server = make_server("127.0.0.1", 0, portal.wsgi_application(), Server, Silent)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()

# SPDX-License-Identifier: EUPL-1.2
"""The people's web: pages for citizens and professionals (Django).

`setup` is called once, by `app.py`; nothing else of the portal works before it. Django is imported
inside the functions: importing this package costs nothing to a command that shows no page.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from carnet.portal.config import Config

if TYPE_CHECKING:
    from carnet.portal.acts import Parts


def setup(
    *,
    database_url: str,
    secret_key: str,
    base_url: str,
    demo: bool,
    private: bool = False,
    parts: "Parts | None" = None,
) -> None:
    """Configure Django from values, and hand it the parts the pages call.

    database_url: of the role `carnet_portal`, which sees accounts and sessions and nothing else.
    base_url: where people reach the site, e.g. "http://localhost:8000"; https makes cookies secure.
    demo: show the banner of the demonstration.
    private: one owner, who unlocks with a passphrase and chooses whose documents they read.
    parts: None where no page is served (`carnet migrate`).
    """
    import django
    from django.conf import settings

    from carnet.portal import desk
    from carnet.portal.settings import django_settings

    config = Config(database_url, secret_key, base_url, demo=demo, private=private)
    if not settings.configured:
        settings.configure(**django_settings(config))
        django.setup()
    elif desk.config() != config:
        raise RuntimeError("the portal is already set up with other values")
    desk.install(config, parts)


def wsgi_application() -> Callable[..., Any]:
    """Pages and static files as one WSGI application."""
    from carnet.portal.wsgi import application

    return application()


def asgi_application(threads: int = 8) -> Callable[..., Awaitable[None]]:
    """The same, to mount in the ASGI application of the demonstration; pages run in `threads`."""
    from carnet.portal.asgi import ThreadedWsgi

    return ThreadedWsgi(wsgi_application(), threads=threads)


def migrate(owner_url: str) -> None:
    """Bring the tables of schema `portal` up to date, as the role that migrates everything else.

    The schema, and what carnet_portal may do in it, come from our numbered SQL files, run before.
    """
    from carnet.portal.tables import migrate as run

    run(owner_url)


def ensure_accounts(subjects: Mapping[str, str], password: str) -> None:
    """For the demonstration: one log-in per user name, all with `password`.

    subjects: user name → `sub` of `access.subject`.
    """
    from carnet.portal.accounts.ensure import ensure_accounts as run

    run(subjects, password)


def ensure_owner(subject: str) -> None:
    """The one account of a private instance; it has no password of its own. No connection is left."""
    from django.db import connections

    from carnet.portal.accounts.ensure import ensure_owner as run

    try:
        run(subject)
    finally:
        connections.close_all()

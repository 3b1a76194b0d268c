# SPDX-License-Identifier: EUPL-1.2
"""Pages and static files as one WSGI application."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from whitenoise import WhiteNoise

from carnet.portal.headers import ALWAYS
from carnet.portal.settings import STATIC


def application() -> Callable[..., Any]:
    """Static files answer first; their address changes with their content."""

    def headers(given: Any, path: str, url: str) -> None:
        for name, value in ALWAYS.items():
            given[name] = value

    site = WhiteNoise(
        get_wsgi_application(),
        add_headers_function=headers,
        allow_all_origins=False,
        immutable_file_test=lambda path, url: True,
    )
    site.add_files(str(STATIC), prefix=settings.STATIC_URL)
    return site

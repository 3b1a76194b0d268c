# SPDX-License-Identifier: EUPL-1.2
"""The headers of every page: no script, no outside host, nothing kept by anyone on the way."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

# The pages work without script and carry none. What a page is made of comes from this server.
POLICY = "; ".join(
    [
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self' data:",  # an image of a document stands in its page
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)

# Also on static files.
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",  # Django's CSRF check needs it on our own forms
}

PAGES = {
    **ALWAYS,
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cache-Control": "no-store",  # a page may name a person: no cache keeps it
}


class Headers:
    """Adds them, unless the view has set its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        for name, value in PAGES.items():
            response.headers.setdefault(name, value)
        response.headers["Cache-Control"] = "no-store"
        if settings.SECURE_HSTS_SECONDS:
            response.headers["Strict-Transport-Security"] = (
                f"max-age={settings.SECURE_HSTS_SECONDS}"
            )
        return response

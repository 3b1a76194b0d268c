# SPDX-License-Identifier: EUPL-1.2
"""The parameters of a request, read strictly: each there once, small, plain text. RFC 6749, 3.1 and 3.2."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request

LARGEST: Final = 16_384  # bytes of a form or a query
MOST: Final = 64  # parameters
FORM: Final = "application/x-www-form-urlencoded"

FREE: Final = frozenset(("state", "nonce", "login_hint"))  # the application's own
PLAIN: Final = re.compile(r"[\x20\x21\x23-\x5b\x5d-\x7e]*")  # as in error_description, RFC 6749


class Refused(Exception):
    """A request that cannot be read."""

    def __init__(self, sentence: str, status: int = 400) -> None:
        super().__init__(sentence)
        self.status = status


async def read(request: Request) -> dict[str, str]:
    """Of the address for a GET, of the form for a POST, never of both; Refused.

    A parameter without a value counts as not sent.
    """
    query = request.scope["query_string"]
    if request.method == "POST":
        if query:
            raise Refused("Parameters go in the form, not in the address.")
        raw = await _form(request)
    else:
        raw = query
    if len(raw) > LARGEST:
        raise Refused("The request is too large.", 413)
    return _once(raw)


async def _form(request: Request) -> bytes:
    kinds = request.headers.getlist("content-type")
    kind, _, more = (kinds[0] if len(kinds) == 1 else "").partition(";")
    if kind.strip().lower() != FORM or more.strip().lower() not in ("", "charset=utf-8"):
        raise Refused(f"The form is sent as {FORM}.", 415)
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST:
            raise Refused("The request is too large.", 413)
    return body


def _once(raw: bytes) -> dict[str, str]:
    try:
        found = parse_qsl(
            raw.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(raw),
            errors="strict",
            max_num_fields=MOST,
        )
    except ValueError:  # what is not UTF-8 too
        raise Refused("The parameters cannot be read.") from None
    names = [name for name, _ in found]
    if len(set(names)) != len(names):
        raise Refused("A parameter is sent twice.")
    if any(not character.isprintable() for pair in found for text in pair for character in text):
        raise Refused("A parameter has a character that is not printed.")
    if any(name not in FREE and not PLAIN.fullmatch(value) for name, value in found):
        raise Refused("A parameter has a character that it cannot have.")
    return {name: value for name, value in found if value}

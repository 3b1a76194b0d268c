# SPDX-License-Identifier: EUPL-1.2
"""DICOMweb of a test installation."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from carnet.app import imaging
from carnet.imaging.routes import application
from tests.imaging.pictures import related
from tests.space import Answer, Space, asgi

Sends = Callable[..., Coroutine[Any, Any, Answer]]
Asks = Callable[..., Coroutine[Any, Any, Answer]]


@pytest.fixture
def asks(space: Space) -> Asks:
    """A request of DICOMweb, in the name of a persona; path: after /dicom-web."""
    app = application(space.built.desk, imaging.keeper(space.built, space.built.desk.acts))

    async def ask(
        method: str, path: str, as_: str | None, body: bytes = b"", **headers: str
    ) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if as_ is not None:
            sent["authorization"] = f"Bearer {await space.token(as_)}"
        return await asgi(app, method, path, body, sent)

    return ask


@pytest.fixture
def sends(asks: Asks) -> Sends:
    """Images sent by STOW-RS, by the hospital's software unless said."""

    async def send(*files: bytes, as_: str = "hospital-software", study: str = "") -> Answer:
        body, headers = related(*files)
        path = f"/studies/{study}" if study else "/studies"
        return await asks("POST", path, as_, body, **headers)

    return send

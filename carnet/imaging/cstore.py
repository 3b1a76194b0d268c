# SPDX-License-Identifier: EUPL-1.2
"""C-STORE and C-ECHO: images sent the way machines do, by applications whose title is known.

A title is bound to a registered software of this installation, in whose name its images are kept; who proves
it is TLS, asked wherever the port is not of this machine alone. An image is kept before it is answered.
Source: DICOM PS3.4 annex B (storage), PS3.7 §9.1.1 (C-STORE) and annex C (status), PS3.15 annex B (TLS).
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import re
import ssl
import tomllib
from collections.abc import Awaitable, Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import structlog
from pynetdicom import AE, evt
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from carnet import errors
from carnet.imaging.instances import NotTaken, Refused
from carnet.imaging.reading import formats
from carnet.imaging.store import Kept

log = structlog.get_logger("carnet.imaging")

TITLE: Final = re.compile(r"[A-Z0-9_.-]{1,16}", re.ASCII)
ASSOCIATIONS: Final = 8  # at once
IDLE: Final = 60.0  # seconds
WAIT: Final = 120.0  # seconds one image may take
ROOM: Final = 1 << 20  # bytes beside the pixels, of what came
SUCCESS: Final = 0x0000

Keeping = Callable[[str, bytes], Awaitable[Kept | Refused]]  # by the software, the file


class WrongPeers(errors.Invalid):
    """The list of DICOM applications is TOML: [[peer]] with a title (16 characters) and a software."""


class OpenPort(errors.Invalid):
    """Images come in by TLS, or from this machine alone: name certificates (CARNET_DICOM_CERTIFICATES)."""


def peers(path: str) -> dict[str, str]:
    """The software of each title; path: of the operator's list, "" for the simulator's."""
    try:
        text = (
            Path(path).read_text("utf-8")
            if path
            else files("carnet.imaging").joinpath("peers.toml").read_text("utf-8")
        )
        found = {str(each["title"]): str(each["software"]) for each in tomllib.loads(text)["peer"]}
    except (OSError, ValueError, KeyError, TypeError):
        raise WrongPeers from None
    if not all(TITLE.fullmatch(title) and sub for title, sub in found.items()):
        raise WrongPeers
    return found


def context(folder: Path) -> ssl.SSLContext:
    """Both sides with a certificate: own.pem, own.key and authority.pem of a folder."""
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(folder / "authority.pem"))
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.verify_mode = ssl.CERT_REQUIRED
    made.load_cert_chain(folder / "own.pem", folder / "own.key")
    return made


class Listening:
    """The port, open. largest: bytes of one image."""

    def __init__(
        self,
        keep: Keeping,
        known: Mapping[str, str],
        *,
        title: str,
        address: tuple[str, int],
        largest: int,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        if tls is None and not _own(address[0]):
            raise OpenPort
        logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)  # it tells who images are of
        self._keep = keep
        self._known = known
        self._largest = largest
        self._loop = asyncio.get_running_loop()
        self._came: dict[int, int] = {}  # bytes of an association since its last image
        server = self._application(title).start_server(
            address,
            block=False,
            ssl_context=tls,
            evt_handlers=[
                (evt.EVT_C_STORE, self._store),
                (evt.EVT_DATA_RECV, self._counted),
                (evt.EVT_CONN_CLOSE, self._closed),
            ],
        )

        assert server is not None
        self._server = server

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Take no more; what is being kept is kept."""
        self._server.shutdown()

    def _application(self, title: str) -> AE:
        made = AE(ae_title=title)
        made.require_called_aet = True
        made.require_calling_aet = sorted(self._known)
        made.maximum_associations = ASSOCIATIONS
        made.acse_timeout = made.dimse_timeout = made.network_timeout = IDLE
        made.add_supported_context(Verification)
        taken = formats()
        for each in taken["classes"]:
            made.add_supported_context(each, list(taken["syntaxes"]))
        return made

    def _counted(self, event: Any) -> None:
        """Hold no more of one image than is taken: the connection ends, nothing was kept."""
        name = id(event.assoc)
        self._came[name] = self._came.get(name, 0) + len(event.data)
        if self._came[name] > self._largest + ROOM:
            log.warning("image too large")
            event.assoc.dul.socket.close()

    def _closed(self, event: Any) -> None:
        self._came.pop(id(event.assoc), None)

    def _store(self, event: Any) -> int:
        """One image, in a thread of its association; the status it is answered with."""
        self._came[id(event.assoc)] = 0
        sub = self._known.get(event.assoc.requestor.ae_title.strip(), "")
        try:
            data = event.encoded_dataset()
            asked = asyncio.run_coroutine_threadsafe(self._kept(sub, data), self._loop)
            return asked.result(WAIT)
        except NotTaken as refusal:
            return refusal.reason
        except Exception as error:  # told by its kind alone: what it says may be somebody's
            log.error("image failed", error=type(error).__name__)
            return NotTaken("refused").reason

    async def _kept(self, sub: str, data: bytes) -> int:
        if len(data) > self._largest:
            raise NotTaken("too-large")
        done = await self._keep(sub, data)
        return done.reason if isinstance(done, Refused) else SUCCESS


def _own(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

# SPDX-License-Identifier: EUPL-1.2
"""Images, bound to a process: the confined reader, the manifest as a document, the addresses."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import structlog
from starlette.routing import BaseRoute, Mount

from carnet import errors
from carnet.access.door import Visit
from carnet.app import parts
from carnet.app.parts import Built
from carnet.config import Instance, Settings
from carnet.documents import brought
from carnet.documents.cda import datatypes
from carnet.documents.content import apart
from carnet.documents.files import Refused as FileRefused
from carnet.documents.files import confined
from carnet.documents.identity import source_patient
from carnet.documents.publish import Deposit
from carnet.documents.receive_file import said_of
from carnet.exchange.parts import Author, Code, Institution, Told
from carnet.imaging import stow
from carnet.imaging import study as studies
from carnet.imaging.instances import Instance as Picture
from carnet.imaging.instances import NotTaken, Refused
from carnet.imaging.routes import application
from carnet.imaging.store import DICOM, Keeper, Kept
from carnet.postgres.server import Server
from carnet.rest.acts import Acts, Entry

if TYPE_CHECKING:
    from carnet.imaging import cstore

log = structlog.get_logger("carnet.imaging")

CLIENT: Final = "carnet-dicom"
PATH: Final = "/dicom-web"
TYPES: Final = "1.2.250.1.213.1.1.4.12"  # TRE_A05
MANIFEST: Final = Code("IMG-KOS", TYPES, "Référence d'objets d'un examen d'imagerie")
KOS: Final = Code("1.2.840.10008.5.1.4.1.1.88.59", "1.2.840.10008.2.6.1", "Key Object Selection")
TITLE: Final = "Examen d’imagerie"


async def confine(job: str, data: bytes, **arguments: Any) -> tuple[Any, bytes]:
    """A job on bytes of others, in a process that can do nothing else."""
    try:
        made = await apart(partial(confined.call, job, data, **arguments))
    except FileRefused as refusal:
        raise NotTaken(refusal.rule) from None
    return made.told, made.data


@dataclass(frozen=True)
class Filing:
    """The manifest of a study as a document of the shared record."""

    def document(self, visit: Visit, first: Picture, manifest: bytes) -> Entry:
        """What publishing takes: the same way as any file that says whose it is."""
        if not first.person.named:
            raise NotTaken("identity")
        said = said_of(first.person)
        told = Told(
            title=first.told["description"] or TITLE,
            type=MANIFEST,
            at=first.at,
            authors=(Author(places=(Institution(visit.actor.org_name),)),),
            unique_id="urn:oid:" + studies.document_uid(first.study),
            person=first.person,
            format=KOS,
            language="fr-FR",
        )
        resource = brought.reference(visit.door.clock(), manifest, DICOM, told, said)
        if said.claim is not None:
            resource["subject"] = {
                "identifier": {"system": said.claim.system, "value": said.claim.value}
            }
        resource["context"]["related"] = [
            {"identifier": {"system": studies.UIDS, "value": studies.OIDS + first.study}}
        ]
        return Deposit(
            "POST", "DocumentReference", full_url="urn:uuid:" + str(_uuid(visit)), resource=resource
        )

    def same(self, document: dict[str, Any], one: Picture) -> bool:
        """The claim and the traits it was sent with are those of this image."""
        first, again = source_patient(document), said_of(one.person)
        if first is None or first.claim != again.claim:
            return False
        return bool(first.traits == source_traits(again.patient))

    def instant(self, text: str) -> str:
        """As the metadata of a document says it."""
        return datatypes.moment(text) or "" if text else ""


def source_traits(patient: dict[str, Any]) -> Any:
    """The traits of a described patient, read as those of a document's."""
    described = source_patient(
        {
            "contained": [{**patient, "id": "patient"}],
            "context": {"sourcePatientInfo": {"reference": "#patient"}},
        }
    )
    return described.traits if described is not None else None


def _uuid(visit: Visit) -> uuid.UUID:
    return uuid.UUID(bytes=visit.door.random(16), version=4)


def keeper(built: Built, acts: Acts) -> Keeper:
    """What keeps images, wherever they come in."""
    return Keeper(acts, confine, Filing(), f"{built.settings.base_url}{PATH}/studies")


async def keep(built: Built, held: Keeper, sub: str, data: bytes) -> Kept | Refused:
    """One image that came by C-STORE, in the name of a software."""
    who = await parts.actor(built, sub, client=CLIENT)
    (done,) = await stow.keep(held, parts.visit(built, who), [data])
    return done


async def listening(built: Built) -> cstore.Listening:
    """The port of C-STORE, open."""
    from carnet.imaging import cstore  # and with it all of pynetdicom, which no other process needs

    settings = built.settings
    demonstration = settings.instance is Instance.DEMONSTRATION
    known = cstore.peers(settings.dicom_peers) if settings.dicom_peers or demonstration else {}
    folder = settings.dicom_certificates
    return cstore.Listening(
        partial(keep, built, keeper(built, built.desk.acts)),
        known,
        title=settings.dicom_title,
        address=(settings.host, settings.dicom_port),
        largest=settings.image_limit,
        tls=cstore.context(Path(folder)) if folder else None,
    )


async def serve(settings: Settings, server: Server) -> None:
    """C-STORE by its port, until cancelled; nothing without a port."""
    if not settings.dicom_port:
        return
    built = await parts.build(settings, server, name="carnet dicom")
    try:
        try:
            port = await listening(built)
        except OSError as error:
            log.warning("C-STORE is not served", port=settings.dicom_port, why=error.strerror)
            return
        except errors.CarnetError as refusal:
            log.warning("C-STORE is not served", port=settings.dicom_port, why=str(refusal))
            return
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.to_thread(port.close)
    finally:
        await built.pool.close()


def routes(built: Built) -> Sequence[BaseRoute]:
    """DICOMweb."""
    return [Mount(PATH, application(built.desk, keeper(built, built.desk.acts)))]

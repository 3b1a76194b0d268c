# SPDX-License-Identifier: EUPL-1.2
"""Keep images: each file sealed in the record of its person, behind the manifest of its study.

The manifest is a document of the record: whoever may not see it sees nothing of the study. All that is new
of one study in one batch is written in one transaction: files, ImagingStudy, manifest.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from carnet import errors
from carnet.access.actor import ActorKind
from carnet.access.door import Nothing, Stored, Unit, Visit, Written, commit
from carnet.access.labels import Label
from carnet.fhir.search.query import Query
from carnet.fhir.search.tokens import TokenFilter
from carnet.imaging import study as studies
from carnet.imaging.instances import JOBS, Confined, Instance, NotTaken, Refused
from carnet.rest.acts import Acts, Entry, Plan
from carnet.rest.plans import carry_out

DICOM: Final = "application/dicom"
Json = dict[str, Any]


class NotSoftware(errors.Forbidden):
    """Images are sent by the software of an organisation."""


class Filing(Protocol):
    """What the shared record makes of a manifest; bound by the application."""

    def document(self, visit: Visit, first: Instance, manifest: bytes) -> Entry:
        """The DocumentReference to publish for a study, as an entry of a plan."""

    def same(self, document: Json, one: Instance) -> bool:
        """Whether an image is about the person a study's document was sent for."""

    def instant(self, text: str) -> str:
        """A time of HL7 as an instant of FHIR; "" when it is none."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An image that is there; again: it was already."""

    instance: Instance
    again: bool = False


@dataclass(frozen=True)
class Keeper:
    """Keeps images in the record. retrieve: address studies are had at."""

    acts: Acts
    confined: Confined
    filing: Filing
    retrieve: str

    async def keep(self, visit: Visit, images: Sequence[Instance]) -> list[Kept | Refused]:
        """Keep each image, or say why not, in the order given."""
        if visit.actor.kind is not ActorKind.SOFTWARE:
            raise NotSoftware
        done: dict[str, list[Kept | Refused]] = {}
        for number in dict.fromkeys(one.study for one in images):
            done[number] = await self._study(visit, [one for one in images if one.study == number])
        return [done[one.study].pop(0) for one in images]

    async def _study(self, visit: Visit, images: list[Instance]) -> list[Kept | Refused]:
        try:
            for _ in range(2):
                found = await _Keeping(self, visit, images).done()
                if found is not None:
                    return found
        except NotTaken as refusal:
            return [Refused(refusal.rule, one.uid, one.sop_class) for one in images]
        except errors.Transient:
            return [Refused("later", one.uid, one.sop_class) for one in images]
        except errors.Conflict:
            return [Refused("other-bytes", one.uid, one.sop_class) for one in images]
        except (errors.BusinessRule, errors.Forbidden, errors.NotFound, errors.Invalid):
            # What the record says of it is not for the network: who it is about, or that it is closed.
            return [Refused("identity", one.uid, one.sop_class) for one in images]
        return [Refused("later", one.uid, one.sop_class) for one in images]


class _Keeping:
    """The images of one study that came together."""

    def __init__(self, keeper: Keeper, visit: Visit, images: list[Instance]) -> None:
        self.keeper = keeper
        self.visit = visit
        self.images = images
        self.fresh: list[Instance] = []
        self.told: list[Kept | Refused] = []

    async def done(self) -> list[Kept | Refused] | None:
        """What came of each; None when another made the study meanwhile."""
        there = await commit(self.visit, self._there, "read")
        if there is not None:
            return await commit(self.visit, self._grow, "update")
        return await self._begin()

    # -- a study that is not there ---------------------------------------------------------------

    async def _begin(self) -> list[Kept | Refused] | None:
        self._sort({})
        first = self.fresh[0]
        bare = studies.with_instances(
            studies.resource("", first, ""), [(one, "") for one in self.fresh]
        )
        entry = self.keeper.filing.document(self.visit, first, await self._manifest(bare, first))
        raced: list[Stored] = []

        async def before(unit: Unit, plan: Plan) -> None:
            found = await self._there(unit)
            if found is not None:
                raced.append(found)
                raise errors.Transient
            await self._elsewhere(unit)

        async def after(unit: Unit, plan: Plan) -> None:
            if entry.written is None or not entry.written.created or entry.follow is None:
                raise NotTaken("refused")
            await self._files(unit, entry.follow, studies.resource(
                self._subject(entry.follow[0]), first, self.keeper.filing.instant(first.at)
            ))  # fmt: skip

        try:
            await carry_out(self.visit, self.keeper.acts, Plan([entry], before=before, after=after))
        except errors.Transient:
            if raced:
                return None
            raise
        return self.told

    def _subject(self, cid: int) -> str:
        return f"Patient/{self.visit.door.ids.encode(cid, cid)}"

    async def _files(self, unit: Unit, follow: tuple[int, int, int, Label], made: Json) -> None:
        cid, rid, kind, label = follow
        places = [(one, await self._file(unit, follow, one.data)) for one in self.fresh]
        address = await unit.place_in(cid, "ImagingStudy")
        made = studies.with_instances(made, places)
        unit.put(address, made, kind=kind, label=label, origin=rid)

    async def _file(self, unit: Unit, follow: tuple[int, int, int, Label], data: bytes) -> str:
        """A file of the study as a Binary that follows its document; its address."""
        cid, rid, kind, label = follow
        address = await unit.place_in(cid, "Binary")
        document = f"DocumentReference/{self.visit.door.ids.encode(cid, rid)}"
        content = {
            "resourceType": "Binary",
            "contentType": DICOM,
            "securityContext": {"reference": document},
        }
        attachment = await unit.attach(address, data)
        unit.put(address, content, kind=kind, label=label, origin=rid, attachment=attachment)
        return address.literal

    async def _manifest(self, study: Json, first: Instance) -> bytes:
        told = studies.manifest(study, first, self.keeper.retrieve)
        return (await self.keeper.confined(f"{JOBS}:manifest", b"", study=told))[1]

    # -- one that is -----------------------------------------------------------------------------

    async def _grow(self, unit: Unit) -> list[Kept | Refused]:
        """Add what is new; the manifest names it from now on."""
        found = await self._there(unit)
        if found is None:
            raise Nothing
        row = await unit.held("ImagingStudy", found.id)
        study = await unit.current(row, "ImagingStudy")
        if row.origin is None:
            raise NotTaken("refused")
        document = (await unit.rows(row.cid, [row.origin]))[0]
        if document.gone or not all(
            self.keeper.filing.same(document.resource, one) for one in self.images
        ):
            raise NotTaken("identity")
        self._sort(studies.held(study))
        if not self.fresh:
            return self.told
        await self._elsewhere(unit)
        follow = (row.cid, row.origin, row.kind, Label(row.labels))
        places = [(one, await self._file(unit, follow, one.data)) for one in self.fresh]
        study = studies.with_instances(study, places)
        await unit.update("ImagingStudy", found.id, study)
        manifest = await self._manifest(study, self.fresh[0])
        await self._named(unit, document, manifest, await self._file(unit, follow, manifest))
        return self.told

    async def _named(self, unit: Unit, document: Stored, data: bytes, address: str) -> Written:
        """The document with another manifest as its content."""
        resource = document.resource
        first = resource["content"][0]
        digest = hashlib.sha1(data, usedforsecurity=False).digest()
        attachment = {
            **first["attachment"],
            "url": address,
            "size": len(data),
            "hash": base64.b64encode(digest).decode(),
        }
        content = [{**first, "attachment": attachment}, *resource["content"][1:]]
        return await unit.update("DocumentReference", document.id, {**resource, "content": content})

    # -- both ------------------------------------------------------------------------------------

    async def _there(self, unit: Unit) -> Stored | None:
        """The study as this software sent it; nobody else begins it until this transaction ends."""
        first = self.images[0]
        params = unit.visit.door.definitions.params["ImagingStudy"]
        await unit.alone(f"imaging {unit.visit.actor.org} {first.study}")
        value = (studies.UIDS, studies.OIDS + first.study)
        wanted = TokenFilter(params["identifier"].number, (value,))
        found = await unit.find(Query("ImagingStudy", (wanted,), count=2))
        return found[0] if found else None

    async def _elsewhere(self, unit: Unit) -> None:
        """Refuse what has the number of an image of another study that this software sent."""
        number = unit.visit.door.definitions.params["ImagingStudy"]["instance"].number
        wanted = TokenFilter(number, tuple((None, one.uid) for one in self.fresh))
        for found in await unit.find(Query("ImagingStudy", (wanted,), count=2)):
            if studies.uid_of(found.resource) != self.fresh[0].study:
                raise NotTaken("other-bytes")

    def _sort(self, known: dict[str, str]) -> None:
        """Tell new images from those that are there, and from those that only have their number."""
        self.fresh, self.told, known = [], [], dict(known)
        for one in self.images:
            if one.uid not in known:
                known[one.uid] = one.digest
                self.fresh.append(one)
                self.told.append(Kept(one))
            elif known[one.uid] == one.digest:
                self.told.append(Kept(one, again=True))
            else:
                self.told.append(Refused("other-bytes", one.uid, one.sop_class))

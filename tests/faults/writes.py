# SPDX-License-Identifier: EUPL-1.2
"""Acts beyond those of the life of a record: what the API writes, mandates, sessions, identities, letters."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from carnet.access.door import Door, Visit
from carnet.app import imaging, parts
from carnet.app.demonstration import LOADER
from carnet.app.parts import visit
from carnet.directory import load
from carnet.documents import announce, corrected, hide
from carnet.documents.text import index
from carnet.events import Event
from carnet.exchange.hl7v2 import messages
from carnet.hospital import movements, stays
from carnet.identity.status import Act as Standing
from carnet.imaging.instances import read
from carnet.imaging.store import Kept
from carnet.notices import letters, settings
from carnet.notices.settings import Settings
from carnet.rights import assist, close, mandate, represent, session
from carnet.rights.mandate import Traits
from carnet.vigilance import family, match, merge, qualify, release
from tests import people
from tests.care.agenda import test_booking
from tests.directory.test_directory import PRACTITIONER
from tests.documents.files.samples import pdf
from tests.documents.lots import corrected as next_version
from tests.documents.lots import document_of, fresh, lot, mask, metadata
from tests.documents.test_hide import sent
from tests.documents.text.test_find import note
from tests.faults.failpoints import Act, Step
from tests.hospital.test_mllp import message
from tests.imaging.pictures import picture, written
from tests.rest import samples
from tests.space import Space
from tests.vigilance import test_release
from tests.vigilance.acts import FIRST, SECOND, made, patient

KEPT: dict[str, Any] = {}  # what an act's preparation found, for the act
LAB, HOSPITAL = samples.LAB, samples.HOSPITAL
DAYS = timedelta(days=30)
CARER = Traits(people.CARER.ins, "Delaunay", people.CARER.birth_date)
ELDER = Traits(people.ELDER.ins, "Le Cœur", people.ELDER.birth_date)


def by(persona: str, act: Callable[[Visit], Awaitable[Any]]) -> Step:
    """An act of one persona."""

    async def run(space: Space, worker: Door) -> Any:
        return await act(await space.visit(persona))

    return run


# ---------------------------------------------------------------------------------------- images


async def scanned(space: Space, worker: Door) -> None:
    one = picture()
    later = picture(StudyInstanceUID=one.StudyInstanceUID)
    KEPT["images"] = await read(imaging.confine, [written(one), written(later)])


async def first_image(space: Space, worker: Door) -> None:
    await _image(space, 0)


async def second_image(space: Space, worker: Door) -> None:
    await _image(space, 1)


async def _image(space: Space, at: int) -> None:
    keeper = imaging.keeper(space.built, space.built.desk.acts)
    (done,) = await keeper.keep(await space.visit(HOSPITAL), [KEPT["images"][at]])
    assert isinstance(done, Kept)


# --------------------------------------------------------------------------------------- the API


def _observation(space: Space, **more: Any) -> dict[str, Any]:
    return samples.observation(f"Patient/{space.patient_id()}", date="2026-11-20", **more)


def _document(space: Space) -> dict[str, Any]:
    return {
        "resourceType": "DocumentReference",
        "masterIdentifier": {"system": "urn:ietf:rfc:3986", "value": "urn:oid:1.2.3.77"},
        "status": "current",
        "type": {"coding": [{"system": samples.LOINC, "code": "11502-2"}]},
        "subject": {"reference": f"Patient/{space.patient_id()}"},
        "date": "2026-11-20T10:00:00Z",
        "content": [
            {
                "attachment": {
                    "contentType": "text/plain",
                    "data": base64.b64encode(b"essai").decode(),
                }
            }
        ],
    }


async def deposited(space: Space, worker: Door) -> None:
    """An Observation of the laboratory."""
    answer = await space.post("Observation", _observation(space), as_=LAB)
    assert answer.status == 201, answer.body
    KEPT["observation"] = answer.json["id"]


async def documented(space: Space, worker: Door) -> None:
    """A document of the hospital."""
    answer = await space.post("DocumentReference", _document(space), as_=HOSPITAL)
    assert answer.status == 201, answer.body
    KEPT["document"] = answer.headers["location"].split("/_history")[0].rsplit("/", 1)[1]


async def admitted(space: Space, worker: Door) -> None:
    """A stay begins, as a hospital's software says it."""
    movement = movements.read(messages(message(event="A01").encode())[0])
    await stays.keep(space.built.desk, await space.visit(HOSPITAL), movement)


async def slots_offered(space: Space, worker: Door) -> None:
    """Two slots of the hospital's agenda."""
    KEPT["slots"] = await test_booking.slots(space, 24, 25)


async def booked(space: Space, worker: Door) -> None:
    answer = await test_booking.book(space, KEPT["slots"][0])
    if answer.status == 201:
        KEPT["appointment"] = answer.json


async def moved(space: Space, worker: Door) -> None:
    await _changed(space, slot=[{"reference": f"Slot/{KEPT['slots'][1]}"}])


async def cancelled(space: Space, worker: Door) -> None:
    await _changed(space, status="cancelled")


async def _changed(space: Space, **more: Any) -> None:
    made = KEPT["appointment"]
    await space.put(f"Appointment/{made['id']}", {**made, **more}, as_="gp")


async def created(space: Space, worker: Door) -> None:
    await space.post("Observation", _observation(space), as_=LAB)


async def updated(space: Space, worker: Door) -> None:
    id = KEPT["observation"]
    await space.put(f"Observation/{id}", _observation(space, id=id, status="amended"), as_=LAB)


async def deleted(space: Space, worker: Door) -> None:
    await space.call("DELETE", f"Observation/{KEPT['observation']}", as_=LAB)


async def transacted(space: Space, worker: Door) -> None:
    entries = [samples.post(_observation(space)), samples.post(_observation(space))]
    await space.post("", samples.bundle(*entries), as_=LAB)


async def registered(space: Space, worker: Door) -> None:
    await space.post("Patient", patient(family="ESSAI", given="ALIX"), as_=HOSPITAL)


async def published(space: Space, worker: Door) -> None:
    await space.post("DocumentReference", _document(space), as_=HOSPITAL)


async def loose(space: Space, worker: Door) -> None:
    body = {"resourceType": "Binary", "contentType": "text/plain", "data": "YQ=="}
    await space.post("Binary", body, as_=HOSPITAL)


async def masked(space: Space, worker: Door) -> None:
    await hide.hide(await space.visit("patient"), KEPT["document"])


# ------------------------------------------------------------------------- mandates and sessions


async def offered(space: Space, worker: Door) -> None:
    """A code the patient gives to their carer."""
    until = space.clock.now + DAYS
    KEPT["code"] = (await mandate.offer(await space.visit("patient"), "all", until)).code


async def accepted(space: Space, worker: Door) -> None:
    KEPT["mandate"] = (await mandate.accept(await space.visit("carer"), KEPT["code"])).id


async def declared(space: Space, worker: Door) -> None:
    until = space.clock.now + DAYS
    await mandate.declare(await space.visit("gp"), space.patient_id(), CARER, "care", until, "n° 3")


async def represented(space: Space, worker: Door) -> None:
    until = space.clock.now + DAYS
    sub, elder = "patient:patient", space.patient_id("elder")
    await represent.declare(
        await space.visit("operator"), elder, sub, "guardian", "TJ Tours", until=until
    )


async def begun(space: Space, worker: Door) -> None:
    KEPT["session"] = (await session.begin(await space.visit("helper"), ELDER, "oral", "care")).id


async def dismissed(space: Space, worker: Door) -> None:
    who = await space.actor("assistant")
    await assist.dismiss(await space.visit("gp"), who.sub)


async def named(space: Space, worker: Door) -> None:
    who = await space.actor("assistant")
    await assist.name(await space.visit("gp"), who.sub)


# ------------------------------------------------------------------------------------ identities


async def two(space: Space, worker: Door) -> None:
    """Two identities that may be one person's."""
    KEPT["one"] = await made(space, patient())
    KEPT["other"] = await made(space, patient(given="HELENA"))


async def proposed(space: Space, worker: Door) -> None:
    KEPT["merge"] = await merge.propose(
        await space.visit(FIRST), KEPT["one"], KEPT["other"], "même pièce"
    )


async def confirmed(space: Space, worker: Door) -> None:
    await merge.confirm(await space.visit(SECOND), KEPT["merge"])


async def undone(space: Space, worker: Door) -> None:
    await merge.undo(await space.visit(FIRST), KEPT["merge"], "deux sœurs", hide.give_back)


async def refused(space: Space, worker: Door) -> None:
    await merge.refuse(await space.visit(FIRST), KEPT["merge"])


async def different(space: Space, worker: Door) -> None:
    await merge.different(await space.visit(FIRST), KEPT["one"], KEPT["other"])


async def validated(space: Space, worker: Door) -> None:
    await qualify.validate(await space.visit(FIRST), KEPT["one"], "CN")


async def doubted(space: Space, worker: Door) -> None:
    await qualify.mark(await space.visit(FIRST), KEPT["one"], Standing.DOUBT, "deux adresses")


async def retrieved(space: Space, worker: Door) -> None:
    insi = parts.insi_of(space.built.settings)
    await qualify.retrieve(await space.visit(FIRST), insi, KEPT["one"])


async def linked(space: Space, worker: Door) -> None:
    await family.link(await space.visit(FIRST), KEPT["one"], KEPT["other"], "mother")


async def unlinked(space: Space, worker: Door) -> None:
    await family.end(await space.visit(FIRST), KEPT["one"], KEPT["other"])


async def apart(space: Space, worker: Door) -> None:
    """An identity that a document claims, in quarantine."""
    KEPT["one"] = await test_release.held(space)


async def released(space: Space, worker: Door) -> None:
    await release.release(await space.visit(FIRST), KEPT["one"], "CN")


async def searched(space: Space, worker: Door) -> None:
    await release.search(await space.visit(FIRST), KEPT["one"])


async def loaded(space: Space, worker: Door) -> None:
    await load.load(visit(space.built, LOADER), [PRACTITIONER])


async def swept(space: Space, worker: Door) -> None:
    await match.sweep(worker)


# --------------------------------------------------------------------------------------- notices


async def told(space: Space, worker: Door) -> None:
    await announce.tell(worker)


async def lifted(space: Space, worker: Door) -> None:
    await announce.lift(worker)


async def put_off(space: Space, worker: Door) -> None:
    """A document that its patient is to hear of from somebody first."""
    masked = [*metadata(b"x")["securityLabel"], mask("INVISIBLE_PATIENT")]
    await sent(space, lot(fresh().xml, securityLabel=masked))


def passed(by: timedelta) -> Step:
    async def run(space: Space, worker: Door) -> None:
        space.clock.advance(by)

    return run


async def replacing(space: Space, worker: Door) -> None:
    """A document that its doctor has read is replaced by another; the event of that waits."""
    old = fresh()
    first = document_of(await space.post("", lot(old.xml), as_=LAB))
    assert (await space.get(first, as_="gp")).status == 200
    second = document_of(await space.post("", lot(next_version(old)), as_=LAB))
    cid, rid = worker.ids.decode(second.partition("/")[2]) or (0, 0)
    number = worker.definitions.types["DocumentReference"]
    KEPT["replaced"] = Event(1, worker.clock(), "written", cid, (rid,), (number,), (1,))


async def read_before(space: Space, worker: Door) -> None:
    """Who read the older version hears of the new one."""
    await corrected.tell(worker, KEPT["replaced"])


async def unread(space: Space, worker: Door) -> None:
    """One PDF waits to be read."""
    await index.drain(worker, 10_000)
    await note(space, pdf(), media="application/pdf", title="N")


async def words_read(space: Space, worker: Door) -> None:
    await index.drain(worker, 1)


async def wordless(space: Space, worker: Door) -> None:
    """Nothing is kept of one document."""
    id = await note(space, "Un okapi.")
    await index.rebuild(worker)
    place = worker.ids.decode(id)
    await space.rows("DELETE FROM documents.words WHERE (cid, rid) = (%s, %s)", *place or ())


async def rebuilt(space: Space, worker: Door) -> None:
    await index.rebuild(worker)


async def letter(space: Space, worker: Door) -> None:
    """A letter waits to be posted."""
    await space.rows("DELETE FROM notices.address")
    await close.close(await space.visit("patient"))
    rows = await space.rows("SELECT id FROM notices.outgoing WHERE channel = 'letter'")
    KEPT["letter"] = rows[0][0]


async def posted(space: Space, worker: Door) -> None:
    await letters.posted(worker, KEPT["letter"])


async def chosen(space: Space, worker: Door) -> None:
    await settings.choose(await space.visit("patient"), Settings("", "fr", ()))


TWO, DEPOSITED, DOCUMENTED = (two,), (deposited,), (documented,)
MERGED = (two, proposed, confirmed)
CARRY = ("carnet.rest.plans:carry_out",)
WRITES = [
    Act("create", created, "create", sites=CARRY),
    Act("update", updated, "update", (), DEPOSITED, sites=CARRY),
    Act("delete", deleted, "delete", (), DEPOSITED, sites=CARRY),
    Act("transaction", transacted, "transaction", sites=CARRY),
    Act("an admission", admitted, "transaction", sites=("carnet.hospital.stays:keep", *CARRY)),
    Act("a booking", booked, "create", (), (slots_offered,), sites=CARRY),
    Act("another time", moved, "update", (), (slots_offered, booked), sites=CARRY),
    Act("a cancellation", cancelled, "update", (), (slots_offered, booked), sites=CARRY),
    Act("a person", registered, "create", sites=CARRY),
    Act("a document", published, "create", sites=CARRY),
    Act("a file", loose, "create", sites=CARRY),
    Act("mask", masked, "hide", (), DOCUMENTED, sites=("carnet.documents.hide:change",)),
    Act("offer of a mandate", offered, "mandate", sites=("carnet.rights.mandate:offering",)),
    Act("mandate by code", accepted, "mandate", ("access-changed",), (offered,),
        sites=("carnet.rights.mandate:accept",)),
    Act("mandate on a form", declared, "mandate", ("access-changed",), apart=("find",),
        sites=("carnet.rights.mandate:declare",)),
    Act("end of a mandate",
        by("patient", lambda visit: mandate.revoke(visit, KEPT["mandate"])), "mandate-ended", (),
        (offered, accepted), sites=("carnet.rights.mandate:revoke",)),
    Act("representation", represented, "mandate", ("access-changed",),
        sites=("carnet.rights.represent:declare",)),
    Act("session", begun, "mandate", apart=("find",), sites=("carnet.rights.session:begin",)),
    Act("end of a session",
        by("helper", lambda visit: session.end(visit, KEPT["session"])), "mandate-ended", (),
        (begun,), apart=("receipt",), sites=("carnet.rights.mandate:revoke",)),
    Act("dismissal", dismissed, "assistant-ended", sites=("carnet.rights.assist:dismiss",)),
    Act("naming", named, "assistant", (), (dismissed,), sites=("carnet.rights.assist:name",)),
    Act("proposal of a merge", proposed, "merge-propose", (), TWO,
        sites=("carnet.vigilance.merge:propose",)),
    Act("merge", confirmed, "merge", ("identities-joined",), (two, proposed), lines=2,
        sites=("carnet.vigilance.merge:confirm",)),
    Act("undoing a merge", undone, "unmerge", ("identities-parted",), MERGED, lines=2,
        sites=("carnet.vigilance.merge:undo",)),
    Act("refusing a merge", refused, "merge-refuse", (), (two, proposed),
        sites=("carnet.vigilance.merge:refuse",)),
    Act("two people", different, "identity-different", (), TWO,
        sites=("carnet.vigilance.merge:different",)),
    Act("validation", validated, "identity-validate", (), TWO, lines=2,
        sites=("carnet.vigilance.qualify:validate",)),
    Act("doubt", doubted, "identity-doubt", (), TWO, lines=2, sites=("carnet.vigilance.qualify:mark",)),
    Act("asking the INSi", retrieved, "identity-insi", (), TWO,
        sites=("carnet.vigilance.qualify:retrieve",)),
    Act("family link", linked, "family-link", (), TWO, sites=("carnet.vigilance.family:link",)),
    Act("end of a family link", unlinked, "family-unlink", (), (*TWO, linked),
        sites=("carnet.vigilance.family:end",)),
    Act("release", released, "identity-validate", ("opened",), (apart,),
        sites=("carnet.vigilance.release:release",)),
    Act("search in quarantine", searched, "identity-match", (), (apart,),
        sites=("carnet.vigilance.release:search",)),
    Act("directory", loaded, "directory", sites=("carnet.directory.load:load",)),
    Act("identities compared", swept, "identity-match", (), TWO,
        sites=("carnet.vigilance.match:sweep",)),
    Act("announcement, two weeks", told, "announcement-told", ("see-a-professional",),
        (put_off, passed(timedelta(days=15))), sites=("carnet.documents.announce:tell",)),
    Act("announcement, a month", lifted, "announcement-due", (),
        (put_off, passed(timedelta(days=32))), sites=("carnet.documents.announce:lift",)),
    Act("a document replaced, told", read_before, "", ("document-replaced",), (replacing,),
        sites=("carnet.documents.corrected:_of_one",)),
    Act("first image of a study", first_image, "create", (), (scanned,),
        sites=("carnet.imaging.store:_Keeping.done",)),
    Act("second image of a study", second_image, "update", (), (scanned, first_image),
        sites=("carnet.imaging.store:_Keeping.done",)),
    Act("words of a PDF", words_read, "", (), (unread,), sites=("carnet.documents.text.index:drain",)),
    Act("words again", rebuilt, "", (), (wordless,), sites=("carnet.documents.text.index:rebuild",)),
    Act("a letter posted", posted, "letter-posted", (), (letter,), sites=("carnet.notices.letters:posted",)),
    Act("choice of notices", chosen, "notice-settings", sites=("carnet.notices.settings:choose",)),
]  # fmt: skip

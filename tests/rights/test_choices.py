# SPDX-License-Identifier: EUPL-1.2
"""What the patient decides of who reads: effective at once, kept for ever, theirs alone."""

from datetime import timedelta

import pytest

from carnet import errors
from carnet.access import handles
from carnet.documents import consult
from carnet.documents.hide import hide
from carnet.rights import consent, professionals
from carnet.rights.block import block, unblock
from carnet.rights.holder import NotYours
from carnet.rights.professionals import TooShort, UnknownProfessional
from carnet.rights.refuse import WrongMode, refuse
from carnet.rights.trust import trust, untrust
from tests import people
from tests.documents.lots import document_of, fresh, lot
from tests.space import Answer, Space

pytestmark = pytest.mark.anyio
NURSE = int(people.NURSE.rpps)
GP = int(people.GP.rpps)


async def reads(space: Space, persona: str, key: str = people.PATIENT.key) -> bool:
    try:
        await consult.documents(await space.visit(persona), space.patient_id(key))
    except errors.NotFound:
        return False
    return True


async def answers(space: Space, persona: str, patient: str) -> list[tuple[int, bytes]]:
    """What a professional gets of a record, by several ways."""
    found: list[Answer] = [
        await space.get(f"Patient/{patient}", as_=persona),
        await space.get(f"Observation?patient={patient}&_total=accurate", as_=persona),
        await space.get(f"DocumentReference?patient={patient}&_count=1", as_=persona),
        await space.get(f"Consent?patient={patient}&_total=accurate", as_=persona),
        await space.get(f"Patient/{patient}/$explain", as_=persona),
    ]
    return [(each.status, each.body.replace(patient.encode(), b"X")) for each in found]


async def test_a_professional_who_is_blocked_finds_an_empty_record(space: Space) -> None:
    patient = space.patient_id()
    assert await reads(space, "nurse")
    assert await block(await space.visit("patient"), NURSE)
    assert not await reads(space, "nurse"), "at once"
    blocked = await answers(space, "nurse", patient)
    unknown = space.built.door.ids.encode(77, 77)
    assert blocked == await answers(space, "nurse", unknown)
    assert await reads(space, "gp"), "the rest of the team goes on"
    live = await space.rows(
        "SELECT count(*) FROM access.consent WHERE cid = %s AND withdrawn IS NULL",
        space.where.people["patient"],
    )
    assert live[0][0] > 0, "the team's consent lives, and opens nothing to who is blocked"
    assert await unblock(await space.visit("patient"), NURSE)
    assert await reads(space, "nurse"), "it opens again"


async def test_the_medecin_traitant_may_be_blocked_too(space: Space) -> None:
    assert await block(await space.visit("patient"), GP)
    assert not await reads(space, "gp")
    found = await consent.all_of(await space.visit("patient"))
    shown = {each.professional.rpps: each.professional for each in found.blocked}
    assert shown[GP].treating


async def test_who_is_blocked_still_feeds(space: Space) -> None:
    await block(await space.visit("patient"), NURSE)
    assert (await space.post("", lot(fresh().xml), as_="nurse")).status == 200


async def test_blocks_and_trust_keep_their_past(space: Space) -> None:
    """A decision of then can be made again: no row is deleted, none is changed but for its end."""
    patient = await space.visit("patient")
    for table, on, off in (("block", block, unblock), ("trusted", trust, untrust)):
        assert await on(patient, NURSE)
        assert not await on(patient, NURSE), "twice is once"
        space.clock.advance(timedelta(days=1))
        assert await off(patient, NURSE)
        assert not await off(patient, NURSE)
        space.clock.advance(timedelta(days=1))
        assert await on(patient, NURSE)
        rows = await space.rows(
            f"SELECT since, until FROM access.{table} WHERE rpps = %s ORDER BY since", NURSE
        )
        (first, again) = rows
        assert first[0] < first[1] < again[0]
        assert again[1] is None
        await off(patient, NURSE)


@pytest.mark.parametrize("statement", [
    "DELETE FROM access.block", "DELETE FROM access.trusted", "DELETE FROM access.consent",
    "DELETE FROM access.refusal", "DELETE FROM access.announcement",
    "UPDATE access.consent SET since = now()", "UPDATE access.block SET since = now()",
    "UPDATE access.refusal SET since = now()",
])  # fmt: skip
async def test_no_service_rewrites_the_past_of_rights(space: Space, statement: str) -> None:
    import psycopg

    for role in ("carnet_app", "carnet_worker"):
        url = space.admin_url.replace("carnet_admin", role)
        async with await psycopg.AsyncConnection.connect(url) as conn:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await conn.execute(statement.encode())


async def test_a_decision_of_then_can_be_made_again(space: Space) -> None:
    """The links of an instant, from rows that have all ended since."""
    from carnet.access import queries

    patient = await space.visit("patient")
    cid = space.where.people["patient"]
    before = space.clock.now
    space.clock.advance(timedelta(days=1))
    await block(patient, NURSE)
    space.clock.advance(timedelta(days=1))
    during = space.clock.now
    await unblock(patient, NURSE)
    space.clock.advance(timedelta(days=1))
    async with space.built.pool.connection() as conn:
        links = {
            at: bool(await queries.links(conn, NURSE, [cid], at, 1))
            for at in (before, during, space.clock.now)
        }
    assert list(links.values()) == [True, False, True]


async def test_whom_the_holder_trusts_reads_what_is_masked_until_they_do_not(space: Space) -> None:
    document = document_of(await space.post("", lot(fresh().xml), as_="lab-software"))
    patient = await space.visit("patient")
    await hide(patient, document.split("/")[1])
    assert (await space.get(document, as_="nurse")).status == 404
    await trust(patient, NURSE)
    assert (await space.get(document, as_="nurse")).status == 200
    await untrust(patient, NURSE)
    assert (await space.get(document, as_="nurse")).status == 404


async def test_trust_opens_no_record(space: Space) -> None:
    await trust(await space.visit("patient"), int(people.OUTSIDER.rpps))
    assert not await reads(space, "outsider")


async def opened(space: Space, mode: str) -> None:
    """An emergency opening of the outsider, running."""
    await space.rows(
        "INSERT INTO access.emergency (id, cid, rpps, mode, reason, since, until)"
        " VALUES (1, %s, %s, %s, 'call', %s, %s)",
        space.where.people["patient"], int(people.OUTSIDER.rpps), mode,
        space.clock.now, space.clock.now + timedelta(hours=2),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("mode", "other"), [("bris-de-glace", "centre-15"), ("centre-15", "bris-de-glace")]
)
async def test_each_emergency_mode_is_refused_by_itself_and_stops_at_once(
    space: Space, mode: str, other: str
) -> None:
    await opened(space, mode)
    patient = await space.visit("patient")
    assert await reads(space, "outsider")
    await refuse(patient, other, refused=True)
    assert await reads(space, "outsider")
    await refuse(patient, mode, refused=True)
    assert not await reads(space, "outsider")
    found = {each.mode: each for each in (await consent.all_of(patient)).emergencies}
    assert found[mode].refused
    assert found[mode].since is not None
    await refuse(patient, mode, refused=True)
    await refuse(patient, mode, refused=False)
    assert not await reads(space, "outsider"), "what a refusal ended is not given back"
    rows = await space.rows("SELECT until IS NULL FROM access.refusal WHERE mode = %s", mode)
    assert rows == [(False,)], "it was refused once, and that has ended"
    with pytest.raises(WrongMode):
        await refuse(patient, "always", refused=True)


async def test_withdrawn_a_consent_ends_at_once_and_is_still_told(space: Space) -> None:
    patient = await space.visit("patient")
    before = await consent.all_of(patient)
    (team,) = [
        each for each in before.consents
        if each.live and NURSE in {one.rpps for one in each.members}
    ]  # fmt: skip
    assert {one.rpps for one in team.members} >= {GP, NURSE}
    assert [one.treating for one in team.members if one.rpps == GP] == [True]
    assert [one.blocked for one in team.members if one.rpps == int(people.BLOCKED.rpps)] == [True]
    assert await reads(space, "nurse")
    assert await consent.end(patient, team.id)
    assert not await reads(space, "nurse")
    assert not await consent.end(patient, team.id)
    (after,) = [each for each in (await consent.all_of(patient)).consents if each.id == team.id]
    assert (after.live, after.members) == (False, team.members)
    assert after.withdrawn is not None


async def test_a_visit_is_told_with_who_asked_how_and_until_when(space: Space) -> None:
    outsider = await space.visit("outsider")
    await consent.declare(
        outsider, handles.write(outsider, space.where.people["patient"]), "remote"
    )
    given = (await consent.all_of(await space.visit("patient"))).consents[0]
    assert (given.team, given.how, given.declared_by) == ("", "remote", people.OUTSIDER.name)
    hours = timedelta(hours=space.built.settings.visit_hours)
    assert given.until == given.since + hours
    assert [one.rpps for one in given.members] == [int(people.OUTSIDER.rpps)]
    told = await space.rows("SELECT template FROM notices.outgoing")
    assert ("access-changed",) in told, "the patient is told in the same transaction"
    space.clock.advance(hours)
    given = (await consent.all_of(await space.visit("patient"))).consents[0]
    assert not given.live, "it ends by itself"


async def test_another_person_decides_nothing(space: Space) -> None:
    patient = space.patient_id()
    for persona in ("parent", "gp", "nurse", "outsider", "lab-software", "operator"):
        visit = await space.visit(persona)
        for act in (
            block(visit, NURSE, patient), unblock(visit, NURSE, patient),
            trust(visit, NURSE, patient), untrust(visit, NURSE, patient),
            refuse(visit, "centre-15", refused=True, patient=patient),
            consent.withdraw(visit, NURSE, patient), consent.all_of(visit, patient),
            professionals.known(visit, patient),
        ):  # fmt: skip
            with pytest.raises(NotYours):
                await act
    found = await space.rows("SELECT count(*) FROM access.block WHERE rpps = %s", NURSE)
    assert found == [(0,)]
    refused = await space.rows("SELECT count(*) FROM access.audit WHERE rule = 'not-the-holder'")
    assert refused[0][0] > 0, "a refusal is written too"


async def test_a_legal_representative_decides_for_a_minor_and_a_carer_for_nobody(
    space: Space,
) -> None:
    minor = space.patient_id(people.MINOR.key)
    parent = await space.visit("parent")
    assert await reads(space, "nurse", people.MINOR.key)
    assert await block(parent, NURSE, minor)
    assert not await reads(space, "nurse", people.MINOR.key)
    elder = space.patient_id(people.ELDER.key)
    with pytest.raises(NotYours):
        await block(await space.visit("carer"), NURSE, elder)


async def test_one_consent_of_another_record_is_not_ended(space: Space) -> None:
    rows = await space.rows(
        "SELECT id FROM access.consent WHERE cid = %s", space.where.people["elder"]
    )
    id = space.built.door.ids.encode(space.where.people["elder"], rows[0][0])
    with pytest.raises(NotYours):
        await consent.end(await space.visit("patient"), id)
    assert await reads(space, "gp", "elder")


async def test_professionals_are_found_by_name_number_and_in_the_record(space: Space) -> None:
    patient = await space.visit("patient")
    known = await professionals.known(patient)
    assert known[0].rpps == GP
    assert known[0].treating
    shown = {each.rpps: each for each in known}
    assert {GP, NURSE, int(people.HOSPITAL_DOCTOR.rpps)} <= set(shown)
    assert shown[int(people.BLOCKED.rpps)].blocked
    assert int(people.DENTIST.rpps) not in shown
    for typed in (people.DENTIST.name.split()[-1], people.DENTIST.rpps):
        found = await professionals.find(patient, typed)
        assert int(people.DENTIST.rpps) in {each.rpps for each in found}, typed
    assert await professionals.find(patient, "Zzyzx") == []
    with pytest.raises(TooShort):
        await professionals.find(patient, "Le")
    with pytest.raises(UnknownProfessional):
        await block(patient, 12345678900)
    with pytest.raises(NotYours):
        await professionals.find(await space.visit("gp"), "Lemoine")


async def test_who_only_deposited_something_hidden_is_not_among_the_known(space: Space) -> None:
    """The list of professionals says nothing of what the patient may not see yet."""
    from tests.documents.lots import mask, metadata

    patient = await space.visit("patient")
    before = await professionals.known(patient)
    labels = [*metadata(b"x")["securityLabel"], mask("INVISIBLE_PATIENT")]
    sent = await space.post("", lot(fresh().xml, securityLabel=labels), as_="outsider")
    assert sent.status == 200
    assert await professionals.known(patient) == before


async def test_every_choice_is_in_the_list_of_the_patient(space: Space) -> None:
    from carnet.rights.readers import OTHERWISE, openings

    patient = await space.visit("patient")
    await block(patient, NURSE)
    await unblock(patient, NURSE)
    await trust(patient, NURSE)
    await refuse(patient, "centre-15", refused=True)
    said = {line.what for line in await openings(patient, "") if line.own}
    assert OTHERWISE not in said
    assert {"Blocage d’un professionnel", "Choix pour les urgences"} <= said

# SPDX-License-Identifier: EUPL-1.2
"""Who acts for somebody: by whose word, how far, until when, and what they are never told."""

from datetime import UTC, date, datetime, timedelta

import pytest

from carnet import errors
from carnet.access.actor import Actor, ActorKind
from carnet.access.door import Visit
from carnet.app import parts
from carnet.app.pages import PageActs
from carnet.documents import consult
from carnet.identity.traits import majority
from carnet.rights import assist, mandate, represent, session
from carnet.rights.mandate import Traits
from carnet.rights.readers import openings
from tests import people
from tests.space import Space

pytestmark = pytest.mark.anyio

DAY = timedelta(days=1)
CARER = Traits(people.CARER.ins, "Delaunay", people.CARER.birth_date)
ELDER = Traits(people.ELDER.ins, "Le Cœur", people.ELDER.birth_date)


def operator(space: Space) -> Visit:
    actor = Actor(
        ActorKind.OPERATOR, "operator:operator", "", "tests", authenticated=space.clock.now
    )
    return Visit(space.built.door, actor, "0" * 16)


async def reads(space: Space, persona: str, key: str) -> bool:
    try:
        await consult.documents(await space.visit(persona), space.patient_id(key))
    except errors.NotFound:
        return False
    return True


async def write(space: Space, key: str, code: str, as_: str = "hospital-software") -> str:
    made = await space.post("Condition", {
        "resourceType": "Condition", "code": {"text": code},
        "subject": {"reference": f"Patient/{space.patient_id(key)}"},
    }, as_=as_)  # fmt: skip
    assert made.status == 201, made.body
    return str(made.json["id"])


# ------------------------------------------------------------------------------- representatives


@pytest.mark.parametrize(("born", "of_age"), [
    (date(2018, 6, 21), datetime(2036, 6, 20, 22, tzinfo=UTC)),
    (date(2018, 1, 5), datetime(2036, 1, 4, 23, tzinfo=UTC)),
    (date(2008, 2, 29), datetime(2026, 2, 27, 23, tzinfo=UTC)),
])  # fmt: skip
def test_one_is_of_age_where_the_eighteenth_birthday_begins_in_Paris(
    born: date, of_age: datetime
) -> None:
    assert majority(born) == of_age


async def test_both_parents_represent_a_minor_and_nobody_else_of_the_family(space: Space) -> None:
    for who in ("parent", "minor"):
        assert await reads(space, who, "minor")
    for who in ("patient", "carer", "elder"):
        assert not await reads(space, who, "minor")
    subs = await space.rows(
        "SELECT sub FROM access.mandate WHERE cid = %s ORDER BY sub", space.where.people["minor"]
    )
    assert subs == [("patient:parent",), ("patient:partner",)]
    rows = await space.rows("SELECT count(*) FROM access.mandate WHERE cid = %s",
                            space.where.people["parent"])  # fmt: skip
    assert rows == [(0,)], "an adult's parents represent nobody"


async def test_representation_ends_by_itself_at_eighteen_to_the_minute(space: Space) -> None:
    of_age = majority(people.MINOR.birth_date)
    space.clock.now = of_age - timedelta(minutes=1)
    assert await reads(space, "parent", "minor")
    space.clock.now = of_age
    assert not await reads(space, "parent", "minor")
    found = await space.get(f"Patient/{space.patient_id('minor')}", as_="parent")
    assert found.status == 404


async def test_a_parent_shares_with_the_other_by_a_code_that_is_used_once(space: Space) -> None:
    await space.rows("DELETE FROM access.mandate WHERE sub = 'patient:partner'")
    offer = await represent.share(await space.visit("parent"), space.patient_id("minor"))
    partner = Visit(
        space.built.door,
        Actor(ActorKind.PATIENT, "patient:partner", "Karim", "t",
              patient=space.where.people["partner"], authenticated=space.clock.now),
        "0" * 16,
    )  # fmt: skip
    taken = await mandate.accept(partner, offer.code.lower())
    assert (taken.nature, taken.until) == ("representative", majority(people.MINOR.birth_date))
    await consult.documents(partner, space.patient_id("minor"))
    with pytest.raises(mandate.WrongCode):
        await mandate.accept(await space.visit("elder"), offer.code)
    with pytest.raises(represent.NotRepresentative):
        await represent.share(await space.visit("patient"), space.patient_id("minor"))


async def test_only_an_operator_declares_on_proof_and_nobody_for_an_adult(space: Space) -> None:
    minor, elder = space.patient_id("minor"), space.patient_id("elder")
    for who in ("parent", "gp", "patient"):
        with pytest.raises(represent.NotOperator):
            await represent.declare(
                await space.visit(who), minor, "patient:patient", "representative", "acte 12"
            )
    desk = operator(space)
    with pytest.raises(represent.NoProof):
        await represent.declare(desk, minor, "patient:patient", "representative", " ")
    with pytest.raises(represent.OfAge):
        await represent.declare(desk, elder, "patient:patient", "representative", "acte 12")
    await represent.declare(
        desk, elder, "patient:patient", "guardian", "TJ Tours, 2026/44",
        until=space.clock.now + 5 * DAY,
    )  # fmt: skip
    assert await reads(space, "patient", "elder")
    space.clock.advance(5 * DAY)
    assert not await reads(space, "patient", "elder")


async def test_the_operator_declares_by_cards_and_sees_who_acts_and_nothing_of_health(
    space: Space,
) -> None:
    desk = operator(space)
    elder = await represent.find(desk, ELDER)
    assert elder == space.patient_id("elder")
    assert not await reads(space, "patient", "elder")
    patient = Traits(people.PATIENT.ins, people.PATIENT.birth_name, people.PATIENT.birth_date)
    with pytest.raises(mandate.NobodyAnswers):
        wrong = Traits(people.PATIENT.ins, "Autre", people.PATIENT.birth_date)
        await represent.by_card(desk, elder, wrong, "guardian", "TJ Tours, 2026/44", None)
    with pytest.raises(mandate.NotOneself):
        await represent.by_card(desk, elder, ELDER, "guardian", "TJ Tours, 2026/44", None)
    await represent.by_card(desk, elder, patient, "guardian", "TJ Tours, 2026/44", None)
    assert await reads(space, "patient", "elder")
    seen = await represent.of_person(desk, elder)
    assert {one.nature for one in seen.acting} == {"carer", "guardian"}
    assert not seen.minor
    with pytest.raises(errors.NotFound):
        await consult.documents(desk, elder)
    (guardian,) = [one for one in seen.acting if one.nature == "guardian"]
    await mandate.revoke(desk, guardian.id)
    assert not await reads(space, "patient", "elder")
    told = [line.what for line in await openings(await space.visit("elder"), "")]
    assert {"Liste des mandats", "Mandat", "Fin d’un mandat"} <= set(told)
    why = {line.purpose for line in await openings(await space.visit("elder"), "")
           if line.who == people.PATIENT.name}  # fmt: skip
    assert why == {"FAMRQT"}, "not at her own request"
    assert await accesses_told(space, "elder") == 2, "declared, then ended by somebody else"
    for who in ("gp", "patient", "carer"):
        visit = await space.visit(who)
        for act in (
            represent.find(visit, ELDER), represent.of_person(visit, elder),
            represent.by_card(visit, elder, patient, "guardian", "x", None),
        ):  # fmt: skip
            with pytest.raises(represent.NotOperator):
                await act


async def accesses_told(space: Space, key: str) -> int:
    """How many times the person was told that an access to their record changed."""
    rows = await space.rows(
        "SELECT id FROM notices.outgoing WHERE cid = %s AND template = 'access-changed'",
        space.where.people[key],
    )
    return len(rows)


async def test_no_minor_and_no_judgment_that_is_over_makes_a_guardian(space: Space) -> None:
    desk, elder = operator(space), space.patient_id("elder")
    with pytest.raises(represent.PastEnd):
        await represent.declare(
            desk, elder, "patient:patient", "guardian", "x", until=space.clock.now - DAY
        )
    with pytest.raises(represent.GuardianOfAge):
        await represent.declare(desk, elder, "patient:minor", "guardian", "x")
    assert {one.nature for one in (await represent.of_person(desk, elder)).acting} == {"carer"}
    assert await accesses_told(space, "elder") == 0


async def test_representatives_never_see_what_is_kept_from_them(space: Space) -> None:
    made = await space.post("Condition", {
        "resourceType": "Condition", "code": {"text": "secret"},
        "meta": {"security": [{"system": "urn:oid:1.2.250.1.213.1.1.4.13",
                               "code": "INVISIBLE_REPRESENTANTS_LEGAUX"}]},
        "subject": {"reference": f"Patient/{space.patient_id('minor')}"},
    }, as_="hospital-software")  # fmt: skip
    assert made.status == 201
    id = made.json["id"]
    assert (await space.get(f"Condition/{id}", as_="minor")).status == 200
    assert (await space.get(f"Condition/{id}", as_="parent")).status == 404
    assert (await space.get("Condition", as_="parent")).entries == []


# ---------------------------------------------------------------------------------------- carers


async def test_a_carer_sees_as_far_as_their_mandate_reaches(space: Space) -> None:
    problem = await write(space, "elder", "x")
    made = await space.post("CarePlan", {
        "resourceType": "CarePlan", "status": "active", "intent": "plan", "title": "Toilette",
        "subject": {"reference": f"Patient/{space.patient_id('elder')}"},
    }, as_="hospital-software")  # fmt: skip
    assert (await space.get(f"CarePlan/{made.json['id']}", as_="carer")).status == 200
    assert (await space.get(f"Condition/{problem}", as_="carer")).status == 404
    assert (await space.get(f"Condition/{problem}", as_="elder")).status == 200


async def test_a_search_that_names_nobody_covers_oneself_and_those_one_acts_for(
    space: Space,
) -> None:
    found = await space.get("Patient", as_="carer")
    assert {one["id"] for one in found.entries} == {
        space.patient_id("carer"), space.patient_id("elder"),
    }  # fmt: skip
    assert {one["id"] for one in (await space.get("Patient", as_="elder")).entries} == {
        space.patient_id("elder")
    }


async def test_a_mandate_is_given_by_a_code_and_ended_at_once_on_every_channel(
    space: Space,
) -> None:
    patient = space.patient_id()
    assert not await reads(space, "carer", "patient")
    until = space.clock.now + 30 * DAY
    offer = await mandate.offer(await space.visit("patient"), "all", until)
    with pytest.raises(mandate.NotOneself):
        await mandate.accept(await space.visit("patient"), offer.code)
    taken = await mandate.accept(await space.visit("carer"), offer.code)
    assert (taken.person, taken.reach, taken.until) == ("GARNIER Hélène", "all", until) or (
        taken.reach, taken.until
    ) == ("all", until)  # fmt: skip
    listed = (await consult.documents(await space.visit("carer"), patient)).lines
    assert listed
    token = {"authorization": f"Bearer {await space.token('carer')}"}
    assert (await space.get(f"Patient/{patient}", **token)).status == 200
    await mandate.revoke(await space.visit("patient"), taken.id)
    assert (await space.get(f"Patient/{patient}", **token)).status == 404, "the same token"
    assert (await space.get("Patient", **token)).json["entry"][0]["resource"]["id"] != patient
    assert not await reads(space, "carer", "patient")
    with pytest.raises(errors.NotFound):
        await mandate.place(await space.visit("carer"), patient)
    told = await space.rows(
        "SELECT granted FROM access.audit WHERE rule = 'no-mandate' AND cid = %s",
        space.where.people["patient"],
    )
    assert told == [(False,)]


async def test_a_mandate_ends_at_its_date(space: Space) -> None:
    until = space.clock.now + DAY
    offer = await mandate.offer(await space.visit("patient"), "care", until)
    await mandate.accept(await space.visit("carer"), offer.code)
    space.clock.now = until - timedelta(minutes=1)
    assert await reads(space, "carer", "patient")
    space.clock.now = until
    assert not await reads(space, "carer", "patient")


async def test_a_code_is_over_after_a_week_and_a_wrong_one_opens_nothing(space: Space) -> None:
    offer = await mandate.offer(await space.visit("patient"), "all", space.clock.now + 60 * DAY)
    with pytest.raises(mandate.WrongCode):
        await mandate.accept(await space.visit("carer"), "AAAAA AAAAA")
    space.clock.advance(mandate.CODE_LASTS)
    with pytest.raises(mandate.WrongCode):
        await mandate.accept(await space.visit("carer"), offer.code)


async def test_who_may_not_give_or_end_a_mandate(space: Space) -> None:
    until = space.clock.now + DAY
    elder = space.patient_id("elder")
    for who in ("carer", "patient", "gp", "parent"):
        with pytest.raises(errors.NotFound):
            await mandate.offer(await space.visit(who), "all", until, patient=elder)
    with pytest.raises(mandate.NotAnAdult):
        await mandate.offer(await space.visit("minor"), "all", until)
    with pytest.raises(mandate.WrongEnd):
        await mandate.offer(await space.visit("patient"), "all", until + 2000 * DAY)
    with pytest.raises(mandate.WrongReach):
        await mandate.offer(await space.visit("patient"), "everything", until)
    (own,) = await mandate.mandated(await space.visit("elder"))
    for who in ("patient", "gp", "parent"):
        with pytest.raises(errors.NotFound):
            await mandate.revoke(await space.visit(who), own.id)
    (parent, _) = await mandate.mandated(await space.visit("minor"))
    for who in ("minor", "parent"):
        with pytest.raises(errors.NotFound):
            await mandate.revoke(await space.visit(who), parent.id)
    await mandate.revoke(await space.visit("carer"), own.id)  # they give it up
    assert not await reads(space, "carer", "elder")


async def test_a_signed_form_is_declared_by_who_treats_the_person(space: Space) -> None:
    patient, until = space.patient_id(), space.clock.now + 90 * DAY
    for who in ("outsider", "blocked"):
        with pytest.raises(errors.NotFound):
            await mandate.declare(await space.visit(who), patient, CARER, "care", until, "n° 3")
    with pytest.raises(mandate.NoForm):
        await mandate.declare(await space.visit("gp"), patient, CARER, "care", until, " ")
    wrong = Traits(CARER.ins, "Dupont", CARER.birth_date)
    with pytest.raises(mandate.NobodyAnswers):
        await mandate.declare(await space.visit("gp"), patient, wrong, "care", until, "n° 3")
    id = await mandate.declare(await space.visit("gp"), patient, CARER, "care", until, "n° 3")
    assert await reads(space, "carer", "patient")
    (line,) = await mandate.mandated(await space.visit("patient"))
    assert (line.id, line.how, line.form) == (id, "paper", "n° 3")


async def test_professionals_who_open_the_record_see_who_acts_and_others_do_not(
    space: Space,
) -> None:
    (line,) = await mandate.mandated(await space.visit("gp"), space.patient_id("elder"))
    assert line.holder.endswith("Delaunay") and line.reach == "care" and line.until
    for who in ("outsider", "patient", "carer"):
        with pytest.raises(errors.NotFound):
            await mandate.mandated(await space.visit(who), space.patient_id("elder"))


async def test_what_a_carer_does_is_told_to_the_person_by_name(space: Space) -> None:
    await space.get(f"Patient/{space.patient_id('elder')}", as_="carer")
    lines = await openings(await space.visit("elder"), "")
    assert people.CARER.name in {line.who for line in lines if not line.own}
    row = await space.rows("SELECT rule FROM access.audit WHERE sub = 'patient:carer'")
    assert ("carer-mandate",) in row


# ------------------------------------------------------------------------------- helpers' sessions


async def test_a_helper_sees_the_person_present_for_two_hours_at_most(space: Space) -> None:
    assert not await reads(space, "helper", "elder")
    helper = await space.visit("helper")
    with pytest.raises(mandate.WrongReach):
        await session.begin(helper, ELDER, "oral", "all")
    with pytest.raises(session.WrongHow):
        await session.begin(helper, ELDER, "", "care")
    with pytest.raises(session.NotAHelper):
        await session.begin(await space.visit("gp"), ELDER, "oral", "care")
    made = await session.begin(helper, ELDER, "oral", "management")
    assert made.until is not None and made.until - made.since <= timedelta(hours=2)
    assert await reads(space, "helper", "elder")
    assert (await space.get("Patient", as_="helper")).entries[0]["id"] == space.patient_id("elder")
    space.clock.now = made.until
    assert not await reads(space, "helper", "elder")


async def test_a_session_ends_with_a_button_and_leaves_a_receipt(space: Space) -> None:
    helper = await space.visit("helper")
    made = await session.begin(helper, ELDER, "written", "care")
    await space.get(f"CarePlan?patient={space.patient_id('elder')}", as_="helper")
    told = await session.end(helper, made.id)
    assert {one.what for one in told.done} >= {"Liste ou recherche"}
    assert not await reads(space, "helper", "elder")
    (one,) = await session.sessions(await space.visit("elder"))
    mine = await session.receipt(await space.visit("elder"), made.id)
    assert mine.over and mine.helper == one.holder and len(mine.done) >= len(told.done)
    for who in ("carer", "patient", "gp"):
        with pytest.raises(errors.CarnetError):
            await session.receipt(await space.visit(who), made.id)


async def test_a_second_session_ends_the_first(space: Space) -> None:
    helper = await space.visit("helper")
    await session.begin(helper, ELDER, "oral", "care")
    await session.begin(helper, CARER, "oral", "management")
    assert not await reads(space, "helper", "elder")
    assert [one.person for one in await mandate.acting(helper)] == [
        (await mandate.acting(helper))[0].person
    ]


async def test_searching_for_people_by_their_cards_is_counted(space: Space) -> None:
    helper = await space.visit("helper")
    for _ in range(space.built.settings.find_per_hour):
        with pytest.raises(mandate.NobodyAnswers):
            await session.begin(helper, Traits("1", "X", None), "oral", "care")
    with pytest.raises(errors.TooMany):
        await session.begin(helper, ELDER, "oral", "care")


# ------------------------------------------------------------------------------------- assistants


async def test_an_assistant_reads_the_least_for_the_professional_they_name(space: Space) -> None:
    patient = space.patient_id()
    problem = await write(space, "patient", "x")
    cover = await space.post("Coverage", {
        "resourceType": "Coverage", "status": "active",
        "beneficiary": {"reference": f"Patient/{patient}"},
        "payor": [{"reference": f"Patient/{patient}"}],
    }, as_="hospital-software")  # fmt: skip
    assert (await space.get(f"Coverage/{cover.json['id']}", as_="assistant")).status == 200
    assert (await space.get(f"Condition/{problem}", as_="assistant")).status == 404
    gp = int(people.GP.rpps)
    rows = await space.rows(
        "SELECT DISTINCT acting_for FROM access.audit WHERE sub = 'assistant:assistant'"
    )
    assert rows == [(gp,)]
    await space.rows("UPDATE access.assistant SET until = %s WHERE rpps = %s",
                     space.clock.now, gp)  # fmt: skip
    assert (await space.get(f"Coverage/{cover.json['id']}", as_="assistant")).status == 404


def management(space: Space, patient: str, code: str, system: str = "urn:x") -> dict[str, object]:
    return {
        "resourceType": "DocumentReference", "status": "current",
        "type": {"coding": [{"system": system, "code": code}]},
        "subject": {"reference": f"Patient/{patient}"}, "description": "Attestation",
        "content": [{"attachment": {"contentType": "text/plain", "data": "YWJj", "title": "A"}}],
    }  # fmt: skip


async def test_an_assistant_deposits_management_documents_for_their_organisation(
    space: Space,
) -> None:
    patient = space.patient_id()
    made = await space.post(
        "DocumentReference", management(space, patient, "ATTEST-DROITS-AM"), as_="assistant"
    )
    assert made.status == 201, made.body
    (row,) = await space.rows(
        "SELECT dep_pro, dep_org IS NOT NULL FROM record.resource ORDER BY rid DESC LIMIT 1"
    )
    assert row == (None, True)
    (told,) = await space.rows(
        "SELECT acting_for FROM access.audit WHERE sub = 'assistant:assistant'"
        " AND act <> 'search' ORDER BY seq DESC LIMIT 1"
    )
    assert told == (int(people.GP.rpps),)
    clinical = management(space, patient, "11502-2", "http://loinc.org")
    assert (await space.post("DocumentReference", clinical, as_="assistant")).status == 403
    problem = {"resourceType": "Condition", "subject": {"reference": f"Patient/{patient}"}}
    assert (await space.post("Condition", problem, as_="assistant")).status == 403
    far = management(space, space.patient_id("carer"), "ATTEST-DROITS-AM")
    assert (await space.post("DocumentReference", far, as_="assistant")).status == 422


# -------------------------------------------------------------------------- writing for somebody


async def test_a_representative_adds_to_a_child_s_record_and_a_carer_of_less_does_not(
    space: Space,
) -> None:
    def answer(key: str) -> dict[str, object]:
        return {
            "resourceType": "QuestionnaireResponse", "status": "completed",
            "subject": {"reference": f"Patient/{space.patient_id(key)}"},
        }  # fmt: skip

    assert (await space.post("QuestionnaireResponse", answer("minor"), as_="parent")).status == 201
    assert (await space.post("QuestionnaireResponse", answer("elder"), as_="carer")).status == 422
    await session.begin(await space.visit("helper"), ELDER, "oral", "care")
    assert (await space.post("QuestionnaireResponse", answer("elder"), as_="helper")).status == 403


async def test_a_document_of_a_representative_says_whose_word_it_is(space: Space) -> None:
    child = space.patient_id("minor")
    given = management(space, child, "DOCPAT06", "1.2.250.1.213.1.1.4.12")
    made = await space.post("DocumentReference", given, as_="parent")
    assert made.status == 201, made.body
    document = made.json
    assert document["subject"]["reference"] == f"Patient/{child}"
    assert document["author"] == [{"display": people.PARENT.name}]
    assert "représentant légal" in str(document["extension"])
    assert (await space.get(f"DocumentReference/{document['id']}", as_="minor")).status == 200


async def test_the_pages_acts_open_add_and_close_for_somebody(space: Space) -> None:
    acts = PageActs(space.built)
    parent, child = await space.actor("parent"), space.patient_id("minor")
    (one,) = await acts.acting(parent)
    assert (one.patient, one.represents) == (child, True)
    assert (await acts.person(parent, child)).birth_date == people.MINOR.birth_date
    id = await acts.upload(
        parent, data=b"abc", title="Carnet", kind="DOCPAT06", on=date(2026, 1, 2),
        declared="text/plain", name="a.txt", patient=child,
    )  # fmt: skip
    assert (await acts.document(parent, child, id)).line.title == "Carnet"
    assert (await acts.openings(await space.actor("minor"), ""))[0].who == people.PARENT.name
    carer, elder = await space.actor("carer"), space.patient_id("elder")
    with pytest.raises(errors.NotFound):
        await acts.upload(
            carer, data=b"abc", title="Carnet", kind="DOCPAT06", on=date(2026, 1, 2),
            declared="text/plain", name="a.txt", patient=elder,
        )  # fmt: skip
    with pytest.raises(errors.NotFound):
        await acts.openings(carer, elder)
    with pytest.raises(errors.NotFound):
        await acts.place(carer, space.patient_id())


async def test_an_assistant_of_several_chooses_at_log_in(space: Space) -> None:
    second = int(people.POPULATION.professional("gp-2").rpps)
    first = await space.actor("assistant")
    assert first.rpps == int(people.GP.rpps) or first.rpps == second
    visit = Visit(space.built.door, first, "0" * 16)
    assert {one.rpps for one in await assist.assisted(visit)} == {int(people.GP.rpps), second}
    chosen = await parts.actor(space.built, first.sub, client="t", acting_for=second)
    assert chosen.rpps == second
    with pytest.raises(parts.NotTheirs):
        outsider = int(people.OUTSIDER.rpps)
        await parts.actor(space.built, first.sub, client="t", acting_for=outsider)


async def test_the_list_of_readers_says_why_each_kind_of_account_came(space: Space) -> None:
    """Nobody of the operator's treats the person: their acts are said to be the service's."""
    why = {who: (await space.actor(who)).purpose
           for who in ("gp", "patient", "helper", "operator", "identity-officer")}  # fmt: skip
    assert why == {"gp": "TREAT", "patient": "PATRQT", "helper": "PATRQT",
                   "operator": "HOPERAT", "identity-officer": "HOPERAT"}  # fmt: skip

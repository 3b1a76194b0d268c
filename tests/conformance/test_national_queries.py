# SPDX-License-Identifier: EUPL-1.2
"""The searches that the national guides write, each beside resources that answer and others that do not.

Sources: PDSm (documents), SAS (slots), Mesures de santé, Annuaire santé, ROR, GAP (agendas), CDS (teams),
CDL (notes), TDE (traces). Search parameters of their own are loaded as an operator loads them; those of
PDSm are there.
"""

from pathlib import Path
from urllib.parse import quote, urlencode

import pytest

from tests.documents.lots import fresh, lot, subject
from tests.fhir.search.own.samples import load_into, look, parameter, reindexed, written
from tests.rest.samples import LAB, LOINC, Json, observation
from tests.rest.test_search import FORM, ids, make, walked
from tests.space import Space

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

IDNPS = "urn:oid:1.2.250.1.71.4.2.1"
IDNST = "urn:oid:1.2.250.1.71.4.2.2"
J02 = "https://mos.esante.gouv.fr/NOS/JDV_J02-XdsHealthcareFacilityTypeCode-CISIS/FHIR"
R66 = "https://mos.esante.gouv.fr/NOS/TRE_R66-CategorieEtablissement/FHIR"
R211 = "https://mos.esante.gouv.fr/NOS/TRE_R211-ActiviteOperationnelle/FHIR"
R244 = "https://mos.esante.gouv.fr/NOS/TRE_R244-CategorieOrganisation/FHIR"
R338 = "https://mos.esante.gouv.fr/NOS/TRE_R338-ModaliteAccueil/FHIR"
BACKPORT = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Slot.serviceType"
ARCHIVED = "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-ext-is-archived"
OWN = [
    parameter("service-type-reference", "reference", f"Slot.serviceType.extension('{BACKPORT}').value",
              "Slot", target=["HealthcareService"]),
    parameter("mailbox-mss", "token", "Practitioner.telecom.where(system='email').value", "Practitioner"),
]  # fmt: skip


def ref(rtype: str, id: str) -> Json:
    return {"reference": f"{rtype}/{id}"}


def coded(system: str, code: str) -> Json:
    return {"coding": [{"system": system, "code": code}]}


def named(system: str, value: str) -> list[Json]:
    return [{"system": system, "value": value}]


async def own(space: Space, tmp_path: Path) -> None:
    """The guides' own parameters, loaded and whole."""
    load_into(space, written(tmp_path, *OWN))
    await look(space)
    assert (await reindexed(space)).good


async def agree(
    space: Space, queries: list[tuple[str, set[str]]], only: str = "", *, as_: str = LAB
) -> None:
    """Each query, by GET and by POST, finds exactly that; only: a parameter that leaves the rest aside."""
    for query, expected in queries:
        rtype, _, given = query.partition("?")
        asked = quote(given, safe="=&:.,|/*") + only
        found = await ids(space, f"{rtype}?{asked}", as_=as_)
        assert set(found) == expected and len(found) == len(expected), query
        body = asked.encode()
        form = {"Content-Type": FORM}
        posted = await space.call("POST", f"{rtype}/_search", as_=as_, body=body, headers=form)
        assert [each["id"] for each in posted.entries] == found, query


async def test_slots_of_twenty_five_professionals_in_three_days(
    space: Space, tmp_path: Path
) -> None:
    """SAS: the query of professionals and health communities, and that of SOS Médecins."""
    await own(space, tmp_path)
    numbers = [f"8991234567{n:02}" for n in range(26)]
    people = await make(
        space,
        *({"resourceType": "Practitioner", "identifier": named(IDNPS, n), "name": [{"family": f"Sas{n}"}],
           "telecom": [{"system": "email", "value": f"{n}@mss.example"}]} for n in numbers),
    )  # fmt: skip
    (house,) = await make(
        space,
        {"resourceType": "Organization", "name": "CPTS", "identifier": named(IDNST, "1590000014")},
    )
    (service,) = await make(
        space,
        {
            "resourceType": "HealthcareService",
            "name": "Soins",
            "providedBy": ref("Organization", house),
        },
    )
    (site,) = await make(
        space,
        {"resourceType": "Location", "name": "Point fixe", "managingOrganization": ref("Organization", house),
         "position": {"latitude": 48.8566, "longitude": 2.3522}},
    )  # fmt: skip
    schedules = await make(
        space,
        *({"resourceType": "Schedule", "actor": [ref("Practitioner", each)]} for each in people),
        {"resourceType": "Schedule", "actor": [ref("Location", site)]},
        {"resourceType": "Schedule", "actor": [ref("HealthcareService", service)]},
    )

    def slot(schedule: str, start: str, status: str = "free", **more: object) -> Json:
        return {"resourceType": "Slot", "schedule": ref("Schedule", schedule), "status": status,
                "start": start, "end": start[:11] + "23:00:00Z", **more}  # fmt: skip

    offers = ref("HealthcareService", service)
    served = [{**coded("https://mos.esante.gouv.fr/NOS/TRE_R66-CategorieEtablissement/FHIR", "604"),
               "extension": [{"url": BACKPORT, "valueReference": offers}]}]  # fmt: skip
    first, last, other, *_ = made = await make(
        space,
        slot(schedules[0], "2026-11-22T09:00:00Z", serviceType=served),
        slot(schedules[24], "2026-11-24T09:00:00Z"),
        slot(schedules[25], "2026-11-23T09:00:00Z"),  # the twenty-sixth, who is not asked for
        slot(schedules[1], "2026-11-23T09:00:00Z", "busy"),
        slot(schedules[2], "2026-11-26T09:00:00Z"),  # after
        slot(schedules[3], "2026-11-21T09:00:00Z"),  # before
        slot(schedules[26], "2026-11-23T10:00:00Z"),  # of a place
        slot(schedules[27], "2026-11-23T11:00:00Z"),  # of a service
    )
    placed, offered = made[6:]
    window = "start=ge2026-11-22T08:00:00Z&start=le2026-11-25T08:00:00Z&status=free"
    of = ",".join(f"{IDNPS}|{n}" for n in numbers[:25])
    individual = (
        f"Slot?{window}&schedule.actor:Practitioner.identifier={of}"
        "&_include=Slot:schedule&_include:iterate=Schedule:actor&_count=1000"
    )
    answer = await space.get(quote(individual, safe="=&:.,|?"), as_=LAB)
    modes = {
        (each["search"]["mode"], each["resource"]["resourceType"]): set[str]()
        for each in answer.json["entry"]
    }
    for each in answer.json["entry"]:
        modes[each["search"]["mode"], each["resource"]["resourceType"]].add(each["resource"]["id"])
    assert modes == {
        ("match", "Slot"): {first, last},
        ("include", "Schedule"): {schedules[0], schedules[24]},
        ("include", "Practitioner"): {people[0], people[24]},
    }
    assert answer.json["total"] == 2
    community = individual + (
        "&_include=Slot:service-type-reference&_include:iterate=HealthcareService:organization"
    )
    answer = await space.get(quote(community, safe="=&:.,|?"), as_=LAB)
    assert {service, house} <= {each["resource"]["id"] for each in answer.json["entry"]}
    nobody = await space.get(
        f"Slot?{window}&schedule.actor:Practitioner.identifier={IDNPS}|0", as_=LAB
    )
    assert (nobody.status, nobody.json["total"]) == (200, 0)
    assert nobody.json["link"][0]["relation"] == "self"

    doctors = (
        "Schedule?_revinclude=Slot:schedule&_include=Schedule:actor:Location"
        "&_include:iterate=Location:organization&_has:Slot:schedule:start=ge2026-11-22T08:00:00Z"
        "&_has:Slot:schedule:start=le2026-11-25T08:00:00Z&_has:Slot:schedule:status=free"
        f"&actor:Location.organization.identifier={IDNST}|1590000014,{IDNST}|2"
    )
    answer = await space.get(quote(doctors, safe="=&:.,|?"), as_=LAB)
    assert {each["resource"]["id"] for each in answer.json["entry"]} == {
        schedules[26],
        placed,
        site,
        house,
    }
    await agree(
        space,
        [
            # GAP: by whatever the schedule is of
            (f"Slot?schedule.actor:Practitioner.identifier={IDNPS}|{numbers[25]}", {other}),
            (f"Slot?schedule.actor:Practitioner.family=sas{numbers[25]}", {other}),
            (f"Slot?schedule.actor:Location._id={site}", {placed}),
            ("Slot?schedule.actor:Location.near=48.86|2.35|5|km", {placed}),
            ("Slot?schedule.actor:Location.near=45|2.35|5|km", set()),
            ("Slot?schedule.actor:HealthcareService.name=soins", {offered}),
            (
                f"Slot?schedule.actor:HealthcareService.organization.identifier={IDNST}|1590000014",
                {offered},
            ),
            ("Slot?schedule.actor:PractitionerRole.active=true", set()),
            ("Slot?schedule.actor:Device.identifier=x", set()),
            ("Slot?schedule.actor:Patient.identifier=x", set()),
            ("Slot?schedule.actor:RelatedPerson.identifier=x", set()),
            # SAS and Annuaire: who is known by their number
            (f"Practitioner?identifier={IDNPS}|{numbers[3]}", {people[3]}),
            (f"Practitioner?mailbox-mss={numbers[4]}@mss.example", {people[4]}),
            (f"Practitioner?identifier={of}&_sort=family", set(people[:25])),
        ],
    )


async def test_documents_are_found_as_the_sharing_guide_asks(space: Space, tmp_path: Path) -> None:
    """PDSm: of a patient by their identity, and a status; authors are contained. CDL: notes."""
    await own(space, tmp_path)
    context = {
        "period": {"start": "2026-11-20T08:00:00+01:00", "end": "2026-11-20T09:00:00+01:00"},
        "facilityType": coded(J02, "SA07"), "practiceSetting": coded("urn:J04", "AMBULATOIRE"),
        "event": [coded("urn:event", "acte")],
    }  # fmt: skip
    archived = [{"url": ARCHIVED, "valueBoolean": True}]
    first = await space.post(
        "",
        lot(fresh().xml, context=context, extension=archived, category=[coded("urn:J03", "11")]),
        as_=LAB,
    )
    second = await space.post("", lot(fresh(minutes=5).xml), as_=LAB)
    assert (first.status, second.status) == (200, 200), (first.body, second.body)
    (list1, doc1), (list2, doc2) = (
        [each["response"]["location"].split("/")[1] for each in answer.json["entry"][:2]]
        for answer in (first, second)
    )
    whose = subject()["reference"].partition("identifier=")[2]
    document = (await space.get(f"DocumentReference/{doc1}", as_=LAB)).json
    unique = document["masterIdentifier"]
    patient = space.patient_id()
    must = f"DocumentReference?patient.identifier={whose}&status=current"
    both = {doc1, doc2}
    await agree(
        space,
        [
            (must, both), (f"DocumentReference?patient={patient}&status=current", both),
            (f"DocumentReference?patient.identifier={whose}&status=superseded", set()),
            (f"{must}&type=http://loinc.org|11502-2", both), (f"{must}&type=http://loinc.org|34133-9", set()),
            (f"{must}&category=urn:J03|11", {doc1}),
            (f"{must}&identifier={unique['system']}|{unique['value']}", {doc1}),
            (f"{must}&date=ge2026-11-21&date=lt2026-11-22", both), (f"{must}&date=lt2026-11-21", set()),
            (f"{must}&period=2026-11-20", {doc1}), (f"{must}&period=gt2026-11-21", set()),
            (f"{must}&period-start=lt2026-11-21", {doc1}), (f"{must}&period-end=lt2026-11-20", set()),
            (f"{must}&facility={J02}|SA07", {doc1}), (f"{must}&setting=urn:J04|AMBULATOIRE", {doc1}),
            (f"{must}&event=urn:event|acte", {doc1}), (f"{must}&security-label=N", both),
            (f"{must}&isArchived=true", {doc1}), (f"{must}&isArchived:missing=true", {doc2}),
            (f"{must}&author:Practitioner.identifier={IDNPS}|899700218896", both),
            (f"{must}&author:Practitioner.family=moreau&author:Practitioner.given=anne", both),
            (f"{must}&author.family=moreau", both), (f"{must}&author.given=paul", set()),
            (f"{must}&relatesto:missing=true", both), (f"{must}&related=DocumentReference/{doc2}", set()),
            (f"List?patient.identifier={whose}&code=submissionset&status=current", {list1, list2}),
            (f"List?patient.identifier={whose}&code=folder&status=current", set()),
            (f"List?patient.identifier={whose}&code=submissionset&status=current&date=ge2026-11-21",
             {list1, list2}),
            (f"List?item=DocumentReference/{doc1}", {list1}),
            (f"DocumentReference?_list={list1}", {doc1}),
        ],
        f"&_id={doc1},{doc2},{list1},{list2}",
        as_="gp",
    )  # fmt: skip
    whole = await space.get(f"DocumentReference?_id={doc1}&_include=*", as_=LAB)
    assert {"DocumentReference", "Binary"} >= {each["resourceType"] for each in whole.entries}


async def test_measures_are_found_all_or_last(space: Space) -> None:
    """Mesures: by code, whose they are in the partner's words, and both bounds; or the last one."""
    partner = {"system": "urn:oid:1.2.3.4", "value": "patient-of-the-partner"}
    whose: Json = {"reference": f"Patient/{space.patient_id()}", "identifier": partner}
    (device,) = await make(
        space, {"resourceType": "Device", "type": coded("urn:iso:std:iso:11073:10101", "65573")}
    )
    weights = await make(
        space,
        *(observation(whose["reference"], device=ref("Device", device), code=coded(LOINC, "29463-7"),
                      effectiveDateTime=f"2026-11-{day:02}T07:30:00+01:00",
                      valueQuantity={"value": 70 + day, "system": "http://unitsofmeasure.org", "code": "kg"})
          | {"subject": whose} for day in range(10, 15)),
        observation(whose["reference"], code=coded(LOINC, "8302-2"), effectiveDateTime="2026-11-12")
        | {"subject": whose},
    )  # fmt: skip
    days = dict(zip(range(10, 15), weights, strict=False))
    base = f"Observation?code={LOINC}|29463-7&subject:identifier=urn:oid:1.2.3.4|patient-of-the-partner"
    await agree(
        space,
        [
            (f"{base}&date=ge2026-11-11&date=le2026-11-13&_count=100", {days[11], days[12], days[13]}),
            (f"{base}&date=gt2026-11-11&date=lt2026-11-13", {days[12]}),
            (f"{base}&date=ge2026-11-11T06:30:00Z&date=le2026-11-11T07:30:00%2B01:00".replace("%2B", "+"),
             {days[11]}),
            (f"{base}&_sort=-date&_count=1", {days[14]}), (f"{base}&_sort=date&_count=1", {days[10]}),
            (f"{base}&value-quantity=gt83||kg", {days[14]}),
            (f"{base}&value-quantity=84000|http://unitsofmeasure.org|g", {days[14]}),
            (f"{base}&code=8302-2", set()),
        ],
    )  # fmt: skip
    ins = subject()["reference"].partition("identifier=")[2]
    known = f"Observation?code={LOINC}|29463-7&subject.identifier={ins}&date=ge2026-11-12&date=le2026-11-13"
    await agree(space, [(known, {days[12], days[13]})], f"&_id={','.join(weights)}", as_="gp")
    assert await walked(space, f"{base}&_sort=-date&_count=2") == [
        days[day] for day in range(14, 9, -1)
    ]
    with_device = await space.get(f"{base}&date=2026-11-14&_include=Observation:device", as_=LAB)
    assert [each["id"] for each in with_device.entries] == [days[14], device]


async def test_the_offer_of_care_is_found_by_what_it_is_and_where(space: Space) -> None:
    """ROR and Annuaire: _filter, _has, chains up the organisations, near, what is asked of the answer."""
    top, beside = await make(
        space,
        {"resourceType": "Organization", "name": "CHU de l'Étoile", "type": [coded(R66, "101")],
         "identifier": named(IDNST, "1440000289"), "address": [{"city": "Nantes", "postalCode": "44000"}]},
        {"resourceType": "Organization", "name": "Clinique", "type": [coded(R66, "365")], "active": True},
    )  # fmt: skip
    (wing,) = await make(
        space, {"resourceType": "Organization", "name": "Pôle", "partOf": ref("Organization", top)}
    )
    near, far = await make(
        space,
        {"resourceType": "Location", "name": "Ici", "position": {"latitude": 47.2184, "longitude": -1.5536}},
        {"resourceType": "Location", "name": "Là", "position": {"latitude": 48.3904, "longitude": -4.4861}},
    )  # fmt: skip
    heart, birth = await make(
        space,
        {"resourceType": "HealthcareService", "name": "Cardiologie", "active": True,
         "specialty": [coded(R211, "015")], "category": [coded(R244, "40")],
         "characteristic": [coded(R338, "02")],
         "providedBy": ref("Organization", wing), "location": [ref("Location", near)]},
        {"resourceType": "HealthcareService", "name": "Maternité", "specialty": [coded(R211, "120")],
         "providedBy": ref("Organization", beside), "location": [ref("Location", far)]},
    )  # fmt: skip
    (role,) = await make(
        space,
        {"resourceType": "PractitionerRole", "active": True,
         "healthcareService": [ref("HealthcareService", heart)],
         "specialty": [coded("urn:TRE_R38", "SM04")]},
    )  # fmt: skip
    both = {heart, birth}
    await agree(
        space,
        [
            (f"HealthcareService?specialty={R211}|015", {heart}),
            (f"HealthcareService?specialty={R211}|015,{R211}|120", both),
            (f"HealthcareService?service-category={R244}|40&characteristic={R338}|02", {heart}),
            (f"HealthcareService?organization.type={R66}|365", {birth}),
            (f"HealthcareService?organization.partof.type={R66}|101", {heart}),
            (f"HealthcareService?organization.partof.identifier={IDNST}|1440000289", {heart}),
            (f"HealthcareService?organization:below=Organization/{top}", {heart}),
            (f"Organization?partof:below={top}", {wing}), (f"Organization?partof:above={wing}", {wing}),
            ("HealthcareService?location.near=47.2|-1.55|15|km", {heart}),
            ("HealthcareService?location.near=47.2|-1.55|300|km", both),
            ("HealthcareService?_filter=specialty eq 015 and characteristic eq 02", {heart}),
            ("HealthcareService?_filter=specialty eq 015 or (name sw mater and not (active eq true))", both),
            ("HealthcareService?_filter=organization.name co étoile or name ew gie", {heart}),
            ("HealthcareService?_has:PractitionerRole:service:specialty=SM04", {heart}),
            ("HealthcareService?_has:PractitionerRole:service:active=true&_lastUpdated=ge2026", {heart}),
            ("Organization?_has:HealthcareService:organization:_has:PractitionerRole:service:active=true",
             {wing}),
            ("Location?_has:HealthcareService:location:specialty=120", {far}),
            ("Organization?name:contains=etoile", {top}), ("Organization?name:exact=Clinique", {beside}),
            (f"Organization?identifier={IDNST}|1440000289&type={R66}|101", {top}),
            ("Organization?address-city=nantes&address-postalcode=44", {top}),
            ("HealthcareService?_sort=-name&_total=accurate", both),
            ("HealthcareService?_sort=name&_elements=name,active", both),
        ],
        f"&_id={','.join((top, beside, wing, near, far, heart, birth, role))}",
    )  # fmt: skip
    answer = await space.get(
        f"HealthcareService?_id={heart},{birth}&_sort=name&_elements=name&_total=estimate"
        "&_include=HealthcareService:organization&_include:iterate=Organization:partof", as_=LAB
    )  # fmt: skip
    assert [each["resource"]["id"] for each in answer.json["entry"] if each["search"]["mode"] == "match"] == [
        heart, birth,
    ]  # fmt: skip
    assert {each["id"] for each in answer.entries} == {heart, birth, wing, beside, top}
    assert answer.json["total"] == 2
    assert (
        answer.entries[0]["meta"]["tag"][-1]["code"] == "SUBSETTED"
        and "specialty" not in answer.entries[0]
    )
    capacity = await space.get(
        f"Location?_id={near}&_revinclude=HealthcareService:location", as_=LAB
    )
    assert {each["id"] for each in capacity.entries} == {near, heart}
    nothing = await space.get("HealthcareService?specialty=none", as_=LAB)
    assert (nothing.status, nothing.json["total"]) == (200, 0)


async def test_care_teams_are_found_by_who_is_in_them(space: Space) -> None:
    """CDS: long chains, and whatever is around with `_include:iterate=*`."""
    (house,) = await make(
        space,
        {
            "resourceType": "Organization",
            "name": "Maison",
            "identifier": named(IDNST, "1440000300"),
        },
    )
    nurse, doctor = await make(
        space,
        {"resourceType": "Practitioner", "name": [{"family": "Infirmier"}],
         "identifier": named(IDNPS, "899100")},
        {"resourceType": "Practitioner", "name": [{"family": "Médecin"}],
         "identifier": named(IDNPS, "899101")},
    )  # fmt: skip
    (role,) = await make(
        space,
        {"resourceType": "PractitionerRole", "practitioner": ref("Practitioner", nurse),
         "organization": ref("Organization", house)},
    )  # fmt: skip
    someone = f"Patient/{space.patient_id()}"

    def team(name: str, *members: Json) -> Json:
        return {"resourceType": "CareTeam", "status": "active", "name": name,
                "subject": {"reference": someone},
                "identifier": named("urn:cds", name), "period": {"start": "2026-01-01"},
                "participant": [{"member": one, "period": {"start": "2026-02-01"}}
                                for one in members]}  # fmt: skip

    one, other = await make(
        space, team("a", ref("PractitionerRole", role)), team("b", ref("Practitioner", doctor))
    )
    whose = subject()["reference"].partition("identifier=")[2]
    await agree(
        space,
        [
            ("CareTeam?identifier=urn:cds|a", {one}), ("CareTeam?status=active&date=ge2026", {one, other}),
            (f"CareTeam?participant:Practitioner.identifier={IDNPS}|899101", {other}),
            ("CareTeam?participant:Practitioner.family=medecin", {other}),
            (f"CareTeam?participant:PractitionerRole.practitioner.identifier={IDNPS}|899100", {one}),
            ("CareTeam?participant:PractitionerRole.practitioner:Practitioner.family=infirmier", {one}),
            (f"CareTeam?participant:PractitionerRole.organization.identifier={IDNST}|1440000300", {one}),
        ],
        f"&_id={one},{other}",
    )  # fmt: skip
    mine = [(f"CareTeam?patient.identifier={whose}", {one, other})]
    await agree(space, mine, f"&_id={one},{other}", as_="gp")
    around = await space.get(
        f"CareTeam?_id={one}&_include=CareTeam:participant&_include:iterate=*", as_=LAB
    )
    assert {one, role, nurse, house} <= {each["id"] for each in around.entries}


async def test_traces_are_searched_within_dates(space: Space) -> None:
    """TDE: a bound of date, and what was done."""
    me = f"Patient/{space.patient_id()}"
    assert (await space.get(f"Observation?patient={me}", as_="gp")).status == 200
    query = urlencode([("date", "ge2026-11-22"), ("date", "lt2026-11-23"), ("patient", me)])
    found = await space.get(f"AuditEvent?{query}", as_="patient")
    assert found.status == 200 and found.entries, found.body
    assert {each["resourceType"] for each in found.entries} == {"AuditEvent"}
    later = await space.get(f"AuditEvent?date=ge2027&patient={me}", as_="patient")
    assert (later.status, later.entries) == (200, [])

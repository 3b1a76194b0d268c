# SPDX-License-Identifier: EUPL-1.2
"""Documents and lots found by what the national guide asks for (PDSm, flows 05 and 06)."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.documents.lots import document_of, fresh, locations, lot, metadata
from tests.space import Space

pytestmark = pytest.mark.anyio

MHD = "https://profiles.ihe.net/ITI/MHD/StructureDefinition/"
ARCHIVED = "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-ext-is-archived"
IDNPS, IDNST = "urn:oid:1.2.250.1.71.4.2.1", "urn:oid:1.2.250.1.71.4.2.2"
DESIGNATION = "https://mos.esante.gouv.fr/NOS/TRE_A00-ProducteurDocNonPS/FHIR"
ROLE = [
    {
        "resourceType": "Practitioner",
        "id": "person",
        "identifier": [{"system": IDNPS, "value": "899700999001"}],
        "name": [{"family": "Guérin-Lévêque", "given": ["Solène"]}],
    },
    {"resourceType": "Organization", "id": "place", "name": "Maison de santé des Tilleuls",
     "identifier": [{"system": IDNST, "value": "1999900001"}]},
    {
        "resourceType": "PractitionerRole",
        "id": "author",
        "practitioner": {"reference": "#person"},
        "organization": {"reference": "#place"},
    },
]  # fmt: skip


async def found(space: Space, query: str, as_: str = "lab-software") -> list[str]:
    answer = await space.get(quote(query, safe="=&:.,|?/"), as_=as_)
    assert answer.status == 200, (query, answer.body)
    return [f"{each['resourceType']}/{each['id']}" for each in answer.entries]


HOPS = [
    # by the author: whether it finds it
    ("author:PractitionerRole.practitioner:Practitioner.family=Guerin-Leveque", True),
    ("author:PractitionerRole.practitioner.family=Guérin", True),
    ("author:PractitionerRole.practitioner.given=Solene", True),
    ("author:PractitionerRole.practitioner.family=Moreau", False),
    (f"author:PractitionerRole.practitioner.identifier={IDNPS}|899700999001", True),
    (f"author:PractitionerRole.practitioner.identifier={IDNPS}|899700999002", False),
    (f"author:PractitionerRole.organization.identifier={IDNST}|1999900001", True),
    ("author:PractitionerRole.organization.name=Maison", True),
    ("author:Practitioner.family=Guerin", False),  # the author is the role
]


async def test_a_document_is_found_by_who_a_contained_role_names(space: Space) -> None:
    """Two steps: the role is contained, and so is the person it names."""
    answer = await space.post("", lot(fresh().xml, contained=ROLE), as_="lab-software")
    document = document_of(answer)
    patient = f"DocumentReference?patient={space.patient_id()}&status=current"
    for hop, finds in HOPS:
        assert (document in await found(space, f"{patient}&{hop}", "gp")) is finds, hop
    assert (await space.post(f"{document}/$hide", {}, as_="patient")).status == 204
    for hop, _ in HOPS:
        assert document not in await found(space, f"{patient}&{hop}", "hospital-doctor"), hop


async def test_a_document_made_from_its_cda_is_found_by_its_author(space: Space) -> None:
    """What the reader makes of a header: a role with its person."""
    rows = await space.get("DocumentReference?type=11502-2&_count=1", as_="patient")
    kept = rows.entries[0]
    names = [
        each["name"][0]["family"] for each in kept["contained"]
        if each["resourceType"] == "Practitioner"
    ]  # fmt: skip
    assert names, kept["contained"]
    hop = f"author:PractitionerRole.practitioner.family={names[0]}"
    assert f"DocumentReference/{kept['id']}" in await found(
        space, f"DocumentReference?{hop}&_count=100", "patient"
    )


async def test_the_guides_own_parameters_are_there(space: Space) -> None:
    """Without anything to load: by the dates of the act, of the file, and by the archive flag."""
    period = {"start": "2026-11-02T08:00:00+01:00", "end": "2026-11-05T10:00:00+01:00"}
    data = fresh().xml
    attachment = {
        **metadata(data)["content"][0]["attachment"],
        "creation": "2026-11-06T09:00:00+01:00",
    }
    flag = [{"url": ARCHIVED, "valueBoolean": True}]
    bundle = lot(
        data, context={"period": period}, content=[{"attachment": attachment}], extension=flag
    )
    source = {"system": "urn:ietf:rfc:3986", "value": "urn:oid:1.2.3.4"}
    bundle["entry"][0]["resource"] |= {
        "contained": ROLE,
        "source": {"reference": "#author"},
        "title": "Bilan trimestriel",
        "identifier": [{"system": "urn:ietf:rfc:3986", "value": "urn:oid:1.2.3.4.5"}],
        "extension": [
            {"url": MHD + "ihe-sourceId", "valueIdentifier": source},
            {
                "url": MHD + "ihe-designationType",
                "valueCodeableConcept": {"coding": [{"system": DESIGNATION, "code": "SNR"}]},
            },
            {"url": MHD + "ihe-authorOrg", "valueReference": {"reference": "#place"}},
            *flag,
        ],
    }
    answer = await space.post("", bundle, as_="lab-software")
    assert answer.status == 200, answer.body
    document = document_of(answer)
    whole = next(each for each in locations(answer) if each.startswith("List/"))
    who = f"patient={space.patient_id()}&status=current"
    asked: list[tuple[str, bool]] = [
        ("period-start=2026-11-02", True), ("period-start=gt2026-11-03", False),
        ("period-end=2026-11-05", True), ("period-end=lt2026-11-05", False),
        ("creation=2026-11-06", True), ("creation=lt2026-11-06", False),
        ("isArchived=true", True), ("isArchived=false", False),
        ("period=ge2026-11-04", True), ("period=2026-11-03", False),
        ("type=11502-2", True), ("type=11488-4", False),
    ]  # fmt: skip
    for query, finds in asked:
        wanted = f"DocumentReference?{who}&{query}"
        assert (document in await found(space, wanted)) is finds, query
    code = "code=https://profiles.ihe.net/ITI/MHD/CodeSystem/MHDlistTypes|submissionset"
    lists: list[tuple[str, bool]] = [
        (code, True), ("code=folder", False), ("isArchived=true", True),
        ("sourceId=urn:ietf:rfc:3986|urn:oid:1.2.3.4", True), ("sourceId=urn:oid:9", False),
        (f"designationType={DESIGNATION}|SNR", True), ("designationType=other", False),
        ("authorOrg:Organization.name=Maison", True), ("authorOrg:Organization.name=Cabinet", False),
        ("source:PractitionerRole.practitioner.family=Guerin", True),
        ("source:PractitionerRole.practitioner.family=Moreau", False),
        ("title=Bilan", True), ("date=2026-11-21", True), ("date=lt2026-11-01", False),
        ("identifier=urn:ietf:rfc:3986|urn:oid:1.2.3.4.5", True),
    ]  # fmt: skip
    for query, finds in lists:
        assert (whole in await found(space, f"List?{who}&{query}")) is finds, query


async def test_by_the_number_of_the_patient(space: Space) -> None:
    """patient.identifier, by GET and by POST."""
    from tests import people

    document = document_of(await space.post("", lot(fresh().xml), as_="lab-software"))
    person = people.PATIENT
    asked = f"patient.identifier=urn:oid:{person.ins_oid}|{person.ins}&status=current"
    assert document in await found(space, f"DocumentReference?{asked}", "gp")
    form = {"content-type": "application/x-www-form-urlencoded"}
    posted = await space.call(
        "POST", "DocumentReference/_search", as_="gp", body=quote(asked, safe="=&:.").encode(),
        headers=form,
    )  # fmt: skip
    got: list[Any] = posted.entries
    assert document.split("/")[1] in {each["id"] for each in got}

# SPDX-License-Identifier: EUPL-1.2
"""Treatments taken, given, prescribed: each as what it is, none as another."""

from typing import Any

import pytest

from tests.documents.metadata.entries.fragments import (
    FRENCH,
    LOINC,
    SNOMED,
    coded,
    own_id,
    read_in,
    related,
    templates,
    why,
)

Json = dict[str, Any]

CIS, ATC, EDQM = "1.2.250.1.213.2.3.1", "2.16.840.1.113883.6.73", "0.4.0.127.0.16.1.1.2.1"
ABSENT = "2.16.840.1.113883.5.1150.1"
TAKEN, PRESCRIBED, GIVEN, PLANNED = "10160-0", "57828-6", "18610-6", "18776-5"
PHARM = 'xmlns:pharm="urn:ihe:pharm:medication"'


def product(
    code: str = "60001234", display: str = "MÉDICAMENT FICTIF 5 mg, comprimé", more: str = ""
) -> str:
    return (
        f"<consumable><manufacturedProduct><manufacturedMaterial {PHARM}>"
        f"{coded('code', code, CIS, display)}<name>{display}</name>{more}"
        "</manufacturedMaterial></manufacturedProduct></consumable>"
    )


NO_PRODUCT = (
    "<consumable><manufacturedProduct><manufacturedMaterial>"
    '<code nullFlavor="NA"/><name nullFlavor="NA"/>'
    "</manufacturedMaterial></manufacturedProduct></consumable>"
)


def administration(
    inside: str = "",
    *,
    template: str = "42",
    mood: str = "EVN",
    attributes: str = "",
    what: str = "",
    status: str = "completed",
    before: str = "",
) -> str:
    return (
        f'<substanceAdministration classCode="SBADM" moodCode="{mood}" {attributes}>'
        f'{templates(FRENCH + template)}{own_id()}{before}<statusCode code="{status}"/>'
        f"{what or product()}{inside}</substanceAdministration>"
    )


def one(source: bytes, entry: str, *, code: str = TAKEN) -> Json:
    """The only resource an entry becomes, beside the plan of its section."""
    found = [
        each for each in read_in(source, entry, code=code) if each["resourceType"] != "CarePlan"
    ]
    found = [each for each in found if each["resourceType"] != "Provenance"]
    assert len(found) == 1, [each["resourceType"] for each in found]
    return found[0]


@pytest.mark.parametrize(
    ("section", "mood", "template", "becomes"),
    [
        (TAKEN, "EVN", "42", "MedicationStatement"),
        (TAKEN, "INT", "42", "MedicationRequest"),
        (GIVEN, "EVN", "42", "MedicationAdministration"),
        (GIVEN, "INT", "42", "MedicationRequest"),
        (PRESCRIBED, "INT", "83", "MedicationRequest"),
        (PRESCRIBED, "RQO", "83", "MedicationRequest"),
        (PLANNED, "INT", "42", "MedicationRequest"),
        (TAKEN, "EVN", "151", "MedicationAdministration"),
        (TAKEN, "EVN", "173", "MedicationAdministration"),
        # A prescription written as if it were done is no treatment that is taken.
        (PRESCRIBED, "EVN", "42", "MedicationRequest"),
        (TAKEN, "EVN", "83", "MedicationRequest"),
        ("60590-7", "EVN", "42", "MedicationDispense"),
    ],
)
def test_a_treatment_is_what_its_mood_and_its_section_say(
    laboratory: bytes, section: str, mood: str, template: str, becomes: str
) -> None:
    found = one(laboratory, administration(mood=mood, template=template), code=section)
    assert found["resourceType"] == becomes
    assert found["medicationCodeableConcept"]["coding"][0]["code"] == "60001234"


@pytest.mark.parametrize("mood", ["DEF", "PERM", "GOL", "SLOT"])
def test_a_treatment_of_another_mood_is_only_kept(laboratory: bytes, mood: str) -> None:
    entry = administration(mood=mood)
    assert {why for _, why in why(laboratory, entry, code=TAKEN)} == {"not-done"}


@pytest.mark.parametrize(
    ("section", "mood", "element", "says"),
    [
        (TAKEN, "EVN", "status", "not-taken"),
        (GIVEN, "EVN", "status", "not-done"),
        (PRESCRIBED, "INT", "doNotPerform", True),
        ("60590-7", "EVN", "status", "declined"),
    ],
)
def test_what_is_denied_is_not_taken_given_or_asked(
    laboratory: bytes, section: str, mood: str, element: str, says: object
) -> None:
    found = one(
        laboratory, administration(mood=mood, attributes='negationInd="true"'), code=section
    )
    assert found[element] == says


def test_what_is_masked_whole_is_only_kept(laboratory: bytes) -> None:
    entry = administration(attributes='nullFlavor="MSK"')
    assert ("substanceAdministration 1.2.250.1.213.1.1.3.42", "not-done") in why(
        laboratory, entry, code=TAKEN
    )


def test_a_treatment_without_a_name_is_only_kept(laboratory: bytes) -> None:
    entry = administration(what=NO_PRODUCT)
    assert {why for _, why in why(laboratory, entry, code=TAKEN)} == {"no-code"}


@pytest.mark.parametrize(
    ("code", "attributes"),
    [("no-known-medications", ""), ("no-medication-info", 'nullFlavor="UNK"')],
)
def test_no_treatment_is_said_by_its_code_and_names_none(
    laboratory: bytes, code: str, attributes: str
) -> None:
    named = coded("code", code, ABSENT, "Aucun")
    entry = administration(what=NO_PRODUCT, before=named, attributes=attributes)
    found = one(laboratory, entry)
    assert found["resourceType"] == "MedicationStatement"
    assert found["status"] == "unknown"
    assert found["medicationCodeableConcept"]["coding"][0]["code"] == code


def test_the_same_code_of_another_system_says_nothing_of_the_kind(laboratory: bytes) -> None:
    named = coded("code", "no-known-medications", "2.999.1", "Autre chose")
    entry = administration(what=NO_PRODUCT, before=named)
    assert {why for _, why in why(laboratory, entry, code=TAKEN)} == {"no-code"}


@pytest.mark.parametrize(
    ("when", "status", "says"),
    [
        ('<low value="20240101"/>', "completed", "active"),
        ('<low value="20240101"/><high value="20240201"/>', "completed", "completed"),
        ('<low value="20240101"/><high value="20260201"/>', "completed", "active"),
        ('<low value="20260101"/>', "completed", "intended"),
        ('<low value="20240101"/>', "aborted", "stopped"),
        ('<low value="20240101"/>', "held", "on-hold"),
        ('<low value="20240101"/>', "cancelled", "not-taken"),
        ('<low value="20240101"/>', "nullified", "entered-in-error"),
        # The day of the document: 12 March 2025 at 16:45.
        ('<low value="20250312"/><high value="202503121000+0100"/>', "completed", "completed"),
        ('<low value="20250312"/><high value="202503122200+0100"/>', "completed", "active"),
    ],
)
def test_whether_it_is_taken_now_is_said_by_its_dates(
    laboratory: bytes, when: str, status: str, says: str
) -> None:
    entry = administration(
        before=f'<effectiveTime xsi:type="IVL_TS">{when}</effectiveTime>', status=status
    )
    assert one(laboratory, entry)["status"] == says


def test_a_line_of_a_prescription_says_all_its_marks(laboratory: bytes) -> None:
    marks = "".join(
        related(
            "COMP",
            f'<observation classCode="OBS" moodCode="EVN">{templates(FRENCH + "48", FRENCH + oid)}'
            f"{own_id()}{coded('code', f'X{oid}', '2.999.1', label)}"
            f'<statusCode code="completed"/><value xsi:type="BL" value="{value}"/></observation>',
        )
        for oid, label, value in (
            ("48.13", "En rapport avec une ALD", "true"),
            ("48.15", "Non remboursable", "false"),
        )
    )
    supply = related(
        "COMP",
        f'<supply classCode="SPLY" moodCode="RQO">{templates(FRENCH + "86")}'
        '<quantity value="2" unit="30009000"/></supply>',
    )
    substitution = related(
        "COMP",
        f'<act classCode="ACT" moodCode="DEF">{templates(FRENCH + "87")}'
        + coded("code", "N", "2.16.840.1.113883.5.1070", "Aucune")
        + '<statusCode code="completed"/></act>',
    )
    told = related(
        "SUBJ",
        f'<act classCode="ACT" moodCode="INT">{templates(FRENCH + "33")}'
        f"{coded('code', 'PINSTRUCT', '2.999.1', 'Au patient')}"
        "<text>Pendant le repas</text></act>",
    )
    entry = administration(
        marks + supply + substitution + told,
        template="83",
        mood="INT",
        before='<repeatNumber value="3"/>',
    )
    found = one(laboratory, entry, code=PRESCRIBED)
    assert found["intent"] == "order"
    assert found["groupIdentifier"]["value"]
    assert found["dispenseRequest"]["numberOfRepeatsAllowed"] == 3
    assert found["dispenseRequest"]["quantity"] == {
        "value": 2,
        "unit": "boîte",
        "system": "http://standardterms.edqm.eu",
        "code": "30009000",
    }
    assert found["substitution"]["allowedCodeableConcept"]["coding"][0]["code"] == "N"
    assert found["dosageInstruction"][0]["patientInstruction"] == "Pendant le repas"
    said = {each["text"] for each in found["note"]}
    assert said == {"En rapport avec une ALD : oui", "Non remboursable : non"}


def test_a_mark_that_is_denied_is_not_said(laboratory: bytes) -> None:
    mark = related(
        "COMP",
        '<observation classCode="OBS" moodCode="EVN" negationInd="true">'
        f"{templates(FRENCH + '48', FRENCH + '48.13')}{coded('code', 'X', '2.999.1', 'ALD')}"
        '<value xsi:type="BL" value="true"/></observation>',
    )
    found = one(laboratory, administration(mark, template="83", mood="INT"), code=PRESCRIBED)
    assert "note" not in found


def test_the_lines_of_one_prescription_share_its_number(laboratory: bytes) -> None:
    lines = [administration(template="83", mood="INT") for _ in range(2)]
    found = [
        each
        for each in read_in(laboratory, *lines, code=PRESCRIBED)
        if each["resourceType"] == "MedicationRequest"
    ]
    assert len(found) == 2
    assert found[0]["groupIdentifier"] == found[1]["groupIdentifier"]
    assert found[0]["identifier"] != found[1]["identifier"]
    planned = one(laboratory, administration(mood="INT"), code=PLANNED)
    assert "groupIdentifier" not in planned  # what is meant in a plan is no prescription
    assert planned["intent"] == "plan"


PARTS = (
    f"<pharm:formCode {PHARM} "
    f'code="10219000" codeSystem="{EDQM}" displayName="Comprimé"/>'
    "<lotNumberText>L42</lotNumberText>"
    '<pharm:asSpecializedKind classCode="GRIC"><pharm:generalizedMedicineClass>'
    f'<pharm:code code="N02BE01" codeSystem="{ATC}" displayName="paracétamol"/>'
    "</pharm:generalizedMedicineClass></pharm:asSpecializedKind>"
    '<pharm:ingredient classCode="ACTI"><pharm:quantity>'
    '<numerator xsi:type="PQ" value="5" unit="mg"/><denominator xsi:type="PQ" value="1"/>'
    "</pharm:quantity><pharm:ingredient><pharm:name>Substance</pharm:name></pharm:ingredient>"
    "</pharm:ingredient>"
)


def test_a_product_is_said_with_its_class_its_form_and_what_it_is_made_of(
    laboratory: bytes,
) -> None:
    entry = administration(template="83", mood="INT", what=product(more=PARTS))
    found = one(laboratory, entry, code=PRESCRIBED)
    codings = found["medicationCodeableConcept"]["coding"]
    assert [each["code"] for each in codings] == ["60001234", "N02BE01"]
    (medication,) = found["contained"]
    assert found["supportingInformation"] == [{"reference": "#" + medication["id"]}]
    assert medication["form"]["coding"][0]["code"] == "10219000"
    assert medication["batch"] == {"lotNumber": "L42"}
    (ingredient,) = medication["ingredient"]
    assert ingredient["itemCodeableConcept"] == {"text": "Substance"}
    assert ingredient["strength"]["numerator"]["value"] == 5
    taken = one(laboratory, administration(what=product(more=PARTS)))
    assert {"text": "Composition : Substance 5 mg"} in taken["note"]


def test_a_product_given_during_imaging_keeps_its_dose_and_its_route(laboratory: bytes) -> None:
    route = coded("routeCode", "20045000", EDQM, "Voie intraveineuse")
    dosed = administration(template="151", before=route + '<doseQuantity value="150" unit="mL"/>')
    found = one(laboratory, dosed, code="55111-9")
    assert found["dosage"]["dose"]["value"] == 150
    assert found["dosage"]["route"]["coding"][0]["code"] == "20045000"
    # One end of a range is no dose: it is said in words (mad-1 wants a dose for a route).
    least = '<doseQuantity><low value="150" unit="mL"/></doseQuantity>'
    found = one(laboratory, administration(template="151", before=route + least), code="55111-9")
    assert "dosage" not in found
    assert {"text": "Voie : Voie intraveineuse"} in found["note"]


def test_a_comment_and_a_reason_stand_with_the_treatment(laboratory: bytes) -> None:
    comment = related(
        "SUBJ",
        f'<act classCode="ACT" moodCode="EVN">{templates(FRENCH + "32")}'
        f"{coded('code', '48767-8', LOINC, 'Commentaire')}<text>À revoir</text></act>",
    )
    reason = related(
        "RSON",
        f'<act classCode="ACT" moodCode="EVN">{templates(FRENCH + "36")}{own_id()}'
        f"{coded('code', '38341003', SNOMED, 'hypertension')}</act>",
    )
    found = one(laboratory, administration(comment + reason))
    assert found["note"] == [{"text": "À revoir"}]
    assert found["reasonCode"][0]["coding"][0]["code"] == "38341003"

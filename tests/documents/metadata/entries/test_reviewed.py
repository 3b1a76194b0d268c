# SPDX-License-Identifier: EUPL-1.2
"""What a doctor would have misread: a no taken for a name, a plan for an act, a mother for her child."""

from __future__ import annotations

from typing import Any

import pytest

from carnet.documents import cda
from tests.documents.metadata.entries.fragments import (
    FRENCH,
    ICD,
    LOINC,
    PCC,
    SNOMED,
    coded,
    concern,
    observation,
    own_id,
    problem,
    read_in,
    related,
    templates,
    with_entries,
)
from tests.documents.metadata.entries.test_dispenses import supply
from tests.documents.metadata.entries.test_medications import (
    GIVEN,
    NO_PRODUCT,
    TAKEN,
    administration,
)
from tests.documents.metadata.entries.test_others import person

Json = dict[str, Any]
PLAN, EFFECTS, VACCINES, PRENATAL, LABOUR = "18776-5", "44939-7", "11369-6", "57078-8", "57074-7"
DAY = '<effectiveTime value="20240510"/>'


def kinds(source: bytes, *entries: str, **more: str) -> dict[str, Json]:
    found = read_in(source, *entries, **more)
    return {each["resourceType"]: each for each in found if each["resourceType"] != "Provenance"}


def worded(element: str, code: str, system: str, display: str, words: str, type_: str = "") -> str:
    """A code whose words, in the text shown, are another cell of the table."""
    start = coded(element, code, system, display, type_).removesuffix("/>")
    return f"{start}><originalText>{words}</originalText></{element}>"


# ------------------------------------------------------------------------------ yes, no, and values


@pytest.mark.parametrize(
    ("words", "named", "state"),
    [
        ("Oui", "Détresse respiratoire", None),
        ("-", "Détresse respiratoire", None),
        ("12/11/2009", "Détresse respiratoire", None),
        ("Non", "Détresse respiratoire", "refuted"),
        ("Détresse du nouveau-né", "Détresse du nouveau-né", None),
    ],
)
def test_a_yes_is_no_name_of_a_problem_and_a_no_denies_it(
    laboratory: bytes, words: str, named: str, state: str | None
) -> None:
    value = worded("value", "P22.9", ICD, "Détresse respiratoire", words, "CD")
    found = kinds(laboratory, concern(problem(value=value)))["Condition"]
    assert found["code"].get("text", found["code"]["coding"][0]["display"]) == named
    verified = found.get("verificationStatus", {"coding": [{}]})["coding"][0].get("code")
    assert verified == state


def test_an_allergy_said_by_a_yes_is_named_by_its_kind_and_one_said_by_a_no_is_refuted(
    laboratory: bytes,
) -> None:
    kind = coded("code", "414285001", SNOMED, "allergie alimentaire")

    def allergy(words: str) -> Json:
        said = f'<value xsi:type="CD" nullFlavor="OTH"><originalText>{words}</originalText></value>'
        entry = observation(said, PCC + "6", FRENCH + "41", code=kind)
        return kinds(laboratory, entry, code="48765-2")["AllergyIntolerance"]

    assert allergy("Oui")["code"] == {"text": "allergie alimentaire"}
    assert allergy("Oui")["verificationStatus"]["coding"][0]["code"] == "confirmed"
    assert allergy("Non")["verificationStatus"]["coding"][0]["code"] == "refuted"
    assert allergy("Arachide")["code"] == {"text": "Arachide"}


def test_an_allergy_that_has_ended_is_not_active(laboratory: bytes) -> None:
    times = '<effectiveTime><low value="20190630"/><high value="20190717"/></effectiveTime>'
    value = coded("value", "T78.1", ICD, "Allergie aux crustacés", "CD")
    entry = observation(times + value, PCC + "6", FRENCH + "41")
    found = kinds(laboratory, entry, code="48765-2")["AllergyIntolerance"]
    assert found["clinicalStatus"]["coding"][0]["code"] == "resolved"
    assert {"text": "Fin indiquée : 2019-07-17"} in found["note"]


@pytest.mark.parametrize(
    ("words", "value", "text", "note"),
    [
        ("100/cpm", '<value xsi:type="PQ" value="100" unit="/min"/>', None, "100/cpm"),
        ("35%", '<value xsi:type="PQ" value="33" unit="%"/>', None, "35%"),
        ("1324", '<value xsi:type="ST">1324</value>', None, None),
        ("Bipolaire", '<value xsi:type="CD" displayName="Sonde BIPOLAIRE" code="a"'
         ' codeSystem="2.999"/>', None, None),
        ("Pouls au repos", '<value xsi:type="PQ" value="60" unit="/min"/>', "Pouls au repos", None),
    ],
)  # fmt: skip
def test_an_observation_is_never_called_by_its_own_value(
    laboratory: bytes, words: str, value: str, text: str | None, note: str | None
) -> None:
    code = worded("code", "8867-4", LOINC, "Fréquence", words)
    found = kinds(laboratory, observation(value, FRENCH + "48", code=code))["Observation"]
    assert found["code"].get("text") == text
    assert [each["text"] for each in found.get("note", [])] == ([note] if note else [])


def test_an_act_with_a_bare_code_is_called_by_the_words_of_its_line(laboratory: bytes) -> None:
    act = (
        f'<procedure classCode="PROC" moodCode="EVN">{templates(FRENCH + "62")}{own_id()}'
        '<code code="SURG" codeSystem="2.16.840.1.113883.5.4"/><text>Appendicectomie</text>'
        f'<statusCode code="completed"/>{DAY}</procedure>'
    )
    assert kinds(laboratory, act)["Procedure"]["code"]["text"] == "Appendicectomie"


# ---------------------------------------------------------------------------------- done and to come


def act(mood: str, status: str, when: str, words: str = "") -> str:
    said = f"<text>{words}</text>" if words else ""
    return (
        f'<procedure classCode="PROC" moodCode="{mood}">{templates(FRENCH + "62")}{own_id()}'
        f"{coded('code', '80146002', SNOMED, 'appendicectomie')}{said}"
        f'<statusCode code="{status}"/>{when}</procedure>'
    )


@pytest.mark.parametrize(
    ("status", "when", "becomes"),
    [
        ("active", "20991201", "ServiceRequest"),
        ("completed", "20240510", "Procedure"),
        ("active", "20240510", "Procedure"),
    ],
)
def test_an_act_dated_after_its_document_is_a_plan(
    laboratory: bytes, status: str, when: str, becomes: str
) -> None:
    entry = act("EVN", status, f'<effectiveTime value="{when}"/>')
    assert becomes in kinds(laboratory, entry, code=PLAN)


@pytest.mark.parametrize(
    ("status", "when", "performed"),
    [
        ("completed", '<effectiveTime value="20240510"/>', {"performedDateTime": "2024-05-10"}),
        ("completed", '<effectiveTime><low value="20240510"/></effectiveTime>',
         {"performedDateTime": "2024-05-10"}),
        ("active", '<effectiveTime><low value="20240510"/><high nullFlavor="UNK"/></effectiveTime>',
         {"performedPeriod": {"start": "2024-05-10"}}),
        ("completed", '<effectiveTime><high value="20240511"/></effectiveTime>',
         {"performedPeriod": {"end": "2024-05-11"}}),
        ("completed", '<effectiveTime><low value="20240510"/><high value="20240511"/>'
         "</effectiveTime>", {"performedPeriod": {"start": "2024-05-10", "end": "2024-05-11"}}),
        ("completed", '<effectiveTime nullFlavor="UNK"/>', {}),
        ("completed", "", {}),
    ],
)  # fmt: skip
def test_an_act_was_performed_when_it_says(
    laboratory: bytes, status: str, when: str, performed: Json
) -> None:
    found = kinds(laboratory, act("EVN", status, when))["Procedure"]
    assert {k: v for k, v in found.items() if k.startswith("performed")} == performed


def test_what_a_no_answers_is_neither_done_nor_asked_nor_met(laboratory: bytes) -> None:
    assert (
        kinds(laboratory, act("EVN", "completed", DAY, "Non"))["Procedure"]["status"] == "not-done"
    )
    asked = kinds(laboratory, act("INT", "active", "", "non"), code=PLAN)
    assert asked["ServiceRequest"]["doNotPerform"] is True
    assert "CarePlan" not in asked
    no = observation('<value xsi:type="BL" value="false"/>', FRENCH + "27", mood="INT",
                     code=coded("code", "AMB", "2.999", "Ambulatoire"))  # fmt: skip
    assert kinds(laboratory, no, code=PLAN)["ServiceRequest"]["doNotPerform"] is True
    visit = (
        f'<encounter classCode="ENC" moodCode="ARQ">{templates(FRENCH + "58")}{own_id()}'
        f"{coded('code', 'AMB', '2.16.840.1.113883.5.4', 'Ambulatoire')}<text>Non</text></encounter>"
    )
    assert "Appointment" not in kinds(laboratory, visit, code=PLAN)
    assert "Appointment" in kinds(laboratory, visit.replace("Non", "Oui"), code=PLAN)


def test_what_caused_an_adverse_effect_is_no_treatment_that_goes_on(laboratory: bytes) -> None:
    when = '<effectiveTime xsi:type="IVL_TS"><low value="20211204"/></effectiveTime>'
    found = kinds(laboratory, administration(before=when), code=EFFECTS)
    assert set(found) == {"MedicationAdministration"}
    assert found["MedicationAdministration"]["effectiveDateTime"] == "2021-12-04"


@pytest.mark.parametrize(("code", "template"), [(TAKEN, "42"), (VACCINES, "45")])
def test_what_was_only_handed_out_was_neither_taken_nor_given(
    laboratory: bytes, code: str, template: str
) -> None:
    """The lines of the health insurance: a vaccine that was sold is no vaccination."""
    handed = related("REFR", supply(DAY))
    found = kinds(laboratory, administration(handed, template=template), code=code)
    assert set(found) == {"MedicationDispense"}
    taken = kinds(laboratory, administration(handed, template=template, before=DAY), code=code)
    assert len(taken) == 2


# ------------------------------------------------------------------------------------- of whom, when


def test_what_stands_below_a_section_of_somebody_else_is_theirs(laboratory: bytes) -> None:
    value = observation('<value xsi:type="BL" value="true"/>', FRENCH + "48",
                        code=coded("code", "11466000", SNOMED, "césarienne"))  # fmt: skip
    inside = (
        f"<component><section>{coded('code', '42545-4', LOINC, 'Événements')}<title>B</title>"
        f"<text>B</text><entry>{value}</entry></section></component>"
    )
    found = read_in(laboratory, more=person() + inside, code=LABOUR)
    assert "Observation" not in {each["resourceType"] for each in found}
    (history,) = (each for each in found if each["resourceType"] == "FamilyMemberHistory")
    assert history["contained"][0]["code"]["coding"][0]["code"] == "11466000"


def test_a_pregnancy_is_of_the_one_of_whom_the_document_tells_pregnancies(
    laboratory: bytes,
) -> None:
    """A child's certificate: her hepatitis test is not the child's."""
    test = observation(coded("value", "neg", "2.999", "négatif", "CD"), FRENCH + "48",
                       code=coded("code", "51659-1", LOINC, "Ag HBs"))  # fmt: skip
    alone = kinds(laboratory, test, code=PRENATAL)
    assert "Observation" in alone, "her own document: nothing says it is another's"
    child = with_entries(laboratory, more=person(), code="10162-6")
    found = kinds(child, test, code=PRENATAL)
    assert "Observation" not in found
    assert found["FamilyMemberHistory"]["relationship"]["text"].startswith("Mère")


def test_a_section_of_somebody_without_a_name_is_not_the_patient_s(laboratory: bytes) -> None:
    weight = observation('<value xsi:type="PQ" value="58" unit="kg"/>', FRENCH + "48",
                         code=coded("code", "29463-7", LOINC, "Poids"))  # fmt: skip
    nobody = '<subject><relatedSubject classCode="PRS"/></subject>'
    found = kinds(laboratory, weight, more=nobody)
    assert "Observation" not in found
    assert "FamilyMemberHistory" in found


def test_a_number_too_large_for_an_integer_keeps_its_digits(laboratory: bytes) -> None:
    many = observation('<value xsi:type="INT" value="99999999999"/>', FRENCH + "48",
                       code=coded("code", "29463-7", LOINC, "Nombre"))  # fmt: skip
    assert kinds(laboratory, many)["Observation"]["valueQuantity"] == {"value": 99999999999}


def test_members_of_a_group_are_of_its_time_when_they_give_none(laboratory: bytes) -> None:
    weight = coded("code", "29463-7", LOINC, "Poids")
    kilos = '<value xsi:type="PQ" value="58" unit="kg"/>'
    own = '<effectiveTime value="20010203"/>'
    group = (
        f'<organizer classCode="CLUSTER" moodCode="EVN">{own_id()}'
        f"{coded('code', '118185001', SNOMED, 'grossesse')}<statusCode code='completed'/>"
        '<effectiveTime><low value="200001"/><high value="200009"/></effectiveTime>'
        f"<component>{observation(kilos, FRENCH + '48', code=weight)}</component>"
        f"<component>{observation(own + kilos, FRENCH + '48', code=weight)}</component></organizer>"
    )
    found = [e for e in read_in(laboratory, group) if e["resourceType"] == "Observation"]
    first, second = (each for each in found if "hasMember" not in each)
    assert first["effectivePeriod"] == {"start": "2000-01", "end": "2000-09"}
    assert second["effectiveDateTime"] == "2001-02-03"


def test_a_gene_says_in_which_list_it_stands(laboratory: bytes) -> None:
    code = (
        f'<code code="75326-9" codeSystem="{LOINC}" displayName="Problème"><qualifier><value'
        ' code="x" codeSystem="2.999" displayName="aucune anomalie"/></qualifier></code>'
    )
    gene = observation(coded("value", "KRAS", "2.999", "KRAS", "CD"), FRENCH + "170",
                       code=coded("code", "48018-6", LOINC, "Gène"))  # fmt: skip
    group = (
        f'<organizer classCode="CLUSTER" moodCode="EVN">{templates(FRENCH + "74")}{own_id()}{code}'
        f'<statusCode code="completed"/><component>{gene}</component></organizer>'
    )
    found = [e for e in read_in(laboratory, group) if e["resourceType"] == "Observation"]
    member = next(each for each in found if "hasMember" not in each)
    assert member["note"] == [{"text": "Dans : Problème (aucune anomalie)"}]


@pytest.mark.parametrize("attributes", ['negationInd="true"', 'nullFlavor="MSK"'])
@pytest.mark.parametrize("oid", [FRENCH + "39", "2.999.1"])
def test_nothing_in_what_is_denied_or_masked_is_a_fact(
    laboratory: bytes, attributes: str, oid: str
) -> None:
    held = (
        f'<act classCode="ACT" moodCode="EVN" {attributes}>{templates(oid)}{own_id()}'
        f'<code nullFlavor="NA"/>{related("SUBJ", problem())}</act>'
    )
    assert "Condition" not in kinds(laboratory, held)


def test_a_current_problem_of_the_national_section_is_active_though_its_act_be_completed(
    laboratory: bytes,
) -> None:
    section = templates("1.2.250.1.213.1.1.2.132")
    found = kinds(laboratory, concern(problem(), status="completed"), more=section)
    assert found["Condition"]["clinicalStatus"]["coding"][0]["code"] == "active"
    ended = problem(when='<effectiveTime><low value="2019"/><high value="2020"/></effectiveTime>')
    over = kinds(laboratory, concern(ended, status="completed"), more=section)
    assert over["Condition"]["clinicalStatus"]["coding"][0]["code"] == "resolved"
    elsewhere = kinds(laboratory, concern(problem(), status="completed"), code="11348-0")
    assert elsewhere["Condition"]["clinicalStatus"]["coding"][0]["code"] == "inactive"


# ------------------------------------------------------------------------------- units and products


@pytest.mark.parametrize(("template", "unit"), [("120", "[diop]"), ("48", "d")])
def test_the_d_of_a_refraction_is_a_dioptre_and_no_day(
    laboratory: bytes, template: str, unit: str
) -> None:
    code = coded("code", "95290-3", LOINC, "Sphère")
    value = '<value xsi:type="PQ" value="2.50" unit="d"/>'
    entry = observation(value, FRENCH + template, code=code)
    found = kinds(laboratory, entry)["Observation"]["valueQuantity"]
    assert (str(found["value"]), found["code"]) == ("2.50", unit)


def test_the_brand_and_the_model_of_a_device_are_no_kinds_of_device(laboratory: bytes) -> None:
    def beside(code: str, name: str, words: str) -> str:
        return worded("translation", code, "2.16.840.1.113883.3.26.1.1", name, words)

    device = (
        f'<supply classCode="SPLY" moodCode="EVN">{templates(FRENCH + "20")}{own_id()}{DAY}'
        '<participant typeCode="DEV"><participantRole classCode="MANU"><playingDevice>'
        '<code code="J0101" codeSystem="1.2.250.1.213.2.68" displayName="STIMULATEURS">'
        f"{beside('C101668', 'Marque', 'St. Jude')}{beside('C43383', 'Modèle', 'Victory SR')}"
        "</code></playingDevice></participantRole></participant></supply>"
    )
    found = kinds(laboratory, device, code="46264-8")["Device"]
    assert [each["code"] for each in found["type"]["coding"]] == ["J0101"]
    assert found["manufacturer"] == "St. Jude"
    assert found["deviceName"] == [{"name": "Victory SR", "type": "model-name"}]


def test_a_treatment_that_was_given_keeps_its_section(laboratory: bytes) -> None:
    found = kinds(laboratory, administration(before=DAY), code=GIVEN)
    assert found["MedicationAdministration"]["status"] == "completed"


# ------------------------------------------------------------------------------------ what is not there


@pytest.mark.parametrize(
    "words", ["Aucune allergie connue", "Pas d'allergie", "pas d’allergie", "Néant", "RAS"]
)
def test_words_that_say_there_is_nothing_name_no_allergy_problem_treatment_nor_device(
    laboratory: bytes, words: str
) -> None:
    text = f"<text>{words}</text>"
    unknown = '<value xsi:type="CD" nullFlavor="UNK"/>'
    said = f'<value xsi:type="CD" nullFlavor="OTH"><originalText>{words}</originalText></value>'
    allergies = [observation(text + each, PCC + "6", FRENCH + "41") for each in (unknown, said)]
    for entry in allergies:
        assert "AllergyIntolerance" not in kinds(laboratory, entry, code="48765-2")
    for value in (unknown + text, said):
        assert "Condition" not in kinds(laboratory, concern(problem(value=value)))
    taken = administration(before=text, what=NO_PRODUCT)
    assert "MedicationStatement" not in kinds(laboratory, taken)
    device = f'<supply classCode="SPLY" moodCode="EVN">{templates(FRENCH + "20")}{own_id()}{text}</supply>'
    assert "Device" not in kinds(laboratory, device, code="46264-8")


@pytest.mark.parametrize("name", ["Rash", "Absence de pouls"])
def test_a_problem_whose_name_begins_so_is_one_all_the_same(laboratory: bytes, name: str) -> None:
    value = f'<value xsi:type="CD" nullFlavor="OTH"><originalText>{name}</originalText></value>'
    assert kinds(laboratory, concern(problem(value=value)))["Condition"]["code"]["text"] == name


def test_what_a_relative_does_not_have_is_said_in_words_and_is_no_illness(
    laboratory: bytes,
) -> None:
    entry = observation(
        coded("value", "D66", ICD, "Hémophilie", "CD"),
        FRENCH + "51",
        attributes='negationInd="true"',
    )
    found = kinds(laboratory, entry, code="10157-6")["FamilyMemberHistory"]
    assert "condition" not in found
    assert found["note"] == [{"text": "Absent : Hémophilie"}]


def test_the_day_a_sample_was_received_stands_with_its_taking(laboratory: bytes) -> None:
    inside = (
        f'<act classCode="ACT" moodCode="EVN">{templates(FRENCH + "107")}'
        '<code code="281271004" codeSystem="2.16.840.1.113883.6.96"/>'
        '<effectiveTime value="20180116"/></act>'
    )
    entry = act("EVN", "completed", DAY).replace(
        "</procedure>", related("COMP", inside) + "</procedure>"
    )
    found = kinds(laboratory, entry)["Procedure"]
    assert {"text": "Échantillon reçu le 2018-01-16"} in found["note"]


def test_an_attached_file_is_titled_by_what_it_is_said_to_be_in_words(laboratory: bytes) -> None:
    held = (
        f'<organizer classCode="CLUSTER" moodCode="EVN">{templates(FRENCH + "18")}<component>'
        '<observation classCode="OBS" moodCode="EVN"><code code="69764-9" codeSystem="2.999"/>'
        '<value xsi:type="ST">Schéma oblique</value></observation></component><component>'
        '<observationMedia classCode="OBS" moodCode="EVN"><value mediaType="application/pdf"'
        ' representation="B64">JVBERi0xLjQKJSVFT0YK</value></observationMedia></component></organizer>'
    )
    document = cda.read(with_entries(laboratory, held, code="55107-7"))
    assert "Schéma oblique" in [each.title for each in document.attachments]

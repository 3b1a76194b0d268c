# SPDX-License-Identifier: EUPL-1.2
"""Products handed out: what was, how much, in place of what, after which line."""

from typing import Any

import pytest

from tests.documents.metadata.entries.fragments import (
    FRENCH,
    coded,
    own_id,
    read_in,
    related,
    templates,
    why,
)
from tests.documents.metadata.entries.test_medications import (
    NO_PRODUCT,
    TAKEN,
    administration,
    one,
    product,
)

Json = dict[str, Any]

HANDED = "60590-7"
GENERIC = "2.16.840.1.113883.5.1070"


def supply(
    inside: str = "",
    *,
    template: str = "204",
    mood: str = "EVN",
    attributes: str = "",
    what: str | None = None,
    amount: str = '<quantity value="2" unit="30009000"/>',
) -> str:
    held = product() if what is None else what
    held = held.replace("consumable>", "product>")
    return (
        f'<supply classCode="SPLY" moodCode="{mood}" {attributes}>{templates(FRENCH + template)}'
        f"{own_id()}{amount}{held}{inside}</supply>"
    )


def substitution(attributes: str = "") -> str:
    return related(
        "COMP",
        f'<act classCode="ACT" moodCode="EVN" {attributes}>{templates(FRENCH + "206")}'
        f"{coded('code', 'G', GENERIC, 'Générique')}</act>",
    )


def test_what_was_handed_out_is_a_dispensation(laboratory: bytes) -> None:
    line = related(
        "REFR",
        f'<substanceAdministration classCode="SBADM" moodCode="INT">{templates(FRENCH + "90")}'
        f'<id root="2.999.8" extension="line-1"/>{NO_PRODUCT}</substanceAdministration>',
    )
    advice = related(
        "SUBJ",
        f'<act classCode="ACT" moodCode="INT">{templates(FRENCH + "207")}'
        f"{coded('code', 'FINSTRUCT', '2.999.1', 'Note')}<text>Patient averti</text></act>",
    )
    dosage = related(
        "COMP",
        f'<substanceAdministration classCode="SBADM" moodCode="INT">{templates(FRENCH + "42")}'
        '<effectiveTime xsi:type="PIVL_TS"><period value="12" unit="h"/></effectiveTime>'
        f'<doseQuantity value="1"/>{NO_PRODUCT}</substanceAdministration>',
    )
    found = one(laboratory, supply(line + advice + dosage + substitution()), code=HANDED)
    assert found["resourceType"] == "MedicationDispense"
    assert found["status"] == "completed"
    assert found["quantity"]["unit"] == "boîte"
    assert found["whenHandedOver"]
    assert found["substitution"]["wasSubstituted"] is True
    assert found["note"] == [{"text": "Pharmacien : Patient averti"}]
    assert found["dosageInstruction"][0]["timing"]["repeat"]["period"] == 12
    (asked,) = found["authorizingPrescription"]
    assert asked["identifier"]["value"] == "line-1"
    assert "reference" not in asked  # the line stands in another document
    assert why(laboratory, supply(line + dosage), code=HANDED) == set()


@pytest.mark.parametrize("mood", ["INT", "RQO", "PRP"])
def test_what_is_only_asked_was_not_handed_out(laboratory: bytes, mood: str) -> None:
    entry = supply(mood=mood)
    assert {why for _, why in why(laboratory, entry, code=HANDED)} == {"not-done"}


def test_what_was_not_handed_out_is_said_so(laboratory: bytes) -> None:
    found = one(laboratory, supply(attributes='negationInd="true"'), code=HANDED)
    assert found["status"] == "declined"
    assert "whenHandedOver" not in found


def test_a_substitution_that_is_denied_was_not_made(laboratory: bytes) -> None:
    found = one(laboratory, supply(substitution('negationInd="true"')), code=HANDED)
    assert found["substitution"] == {"wasSubstituted": False}


def test_a_supply_within_a_treatment_is_of_its_product(laboratory: bytes) -> None:
    inside = related("REFR", supply(template="44", what="", amount='<quantity value="1"/>'))
    found = [
        each
        for each in read_in(laboratory, administration(inside), code=TAKEN)
        if each["resourceType"] in ("MedicationStatement", "MedicationDispense")
    ]
    kinds = [each["resourceType"] for each in found]
    assert sorted(kinds) == ["MedicationDispense", "MedicationStatement"]
    assert found[0]["medicationCodeableConcept"] == found[1]["medicationCodeableConcept"]


def test_a_product_without_a_name_is_said_by_its_form(laboratory: bytes) -> None:
    form = (
        "<consumable><manufacturedProduct><manufacturedMaterial>"
        '<code nullFlavor="NA"/><pharm:formCode xmlns:pharm="urn:ihe:pharm:medication" '
        'code="50015000" displayName="pommade"/>'
        "</manufacturedMaterial></manufacturedProduct></consumable>"
    )
    found = one(laboratory, supply(what=form), code=HANDED)
    assert found["medicationCodeableConcept"] == {"text": "Produit sans nom : pommade"}
    entry = supply(what=NO_PRODUCT)
    assert {why for _, why in why(laboratory, entry, code=HANDED)} == {"no-code"}


def test_a_supply_without_template_is_known_by_its_section(laboratory: bytes) -> None:
    bare = supply().replace(templates(FRENCH + "204"), "")
    assert one(laboratory, bare, code=HANDED)["resourceType"] == "MedicationDispense"

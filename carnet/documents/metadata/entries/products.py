# SPDX-License-Identifier: EUPL-1.2
"""Medicines and vaccines: their codes, and what they are made of. Source: IHE PCC, Product; IHE Pharmacy."""

from carnet.documents.cda.statements import Ingredient, Product
from carnet.documents.metadata.pieces import Json, answers, concept, kept, quantity


def product(found: Product | None) -> Json | None:
    """What a medicine is: its code with its translations, its classes, its name."""
    if found is None:
        return None
    named = concept(found.code) or {}
    codings = list(named.get("coding", []))
    for general in found.kinds:
        codings += [
            each for each in (concept(general) or {}).get("coding", []) if each not in codings
        ]
    text = found.name or named.get("text")
    if codings and text and answers(text):
        text = None
    if not codings and not text:
        return None
    return kept({"coding": codings, "text": text})


def contained(found: Product | None, named: Json) -> tuple[list[Json], list[Json]]:
    """What the code does not say of a product, as a Medication inside, and the reference to it."""
    if found is None or not (found.form or found.ingredients or found.lot or found.expires):
        return [], []
    expires = found.expires if found.expires and len(found.expires) >= len("2025-01") else None
    made = kept(
        {
            "resourceType": "Medication",
            "id": "medication",
            "code": named,
            "manufacturer": {"display": found.maker} if found.maker else None,
            "form": concept(found.form),
            "ingredient": [
                kept(
                    {
                        "itemCodeableConcept": kept(
                            {**(concept(each.code) or {}), "text": each.name}
                        )
                        or None,
                        "strength": {
                            "numerator": quantity(each.strength.numerator),
                            "denominator": quantity(each.strength.denominator),
                        }
                        if each.strength
                        else None,
                    }
                )
                for each in found.ingredients
                if each.name or concept(each.code)
            ],
            "batch": kept({"lotNumber": found.lot, "expirationDate": expires}),
        }
    )
    return [made], [{"reference": "#medication"}]


def made_of(found: Product | None) -> list[Json]:
    """The ingredients in words: a MedicationStatement has no place for its product's parts."""
    said = [_ingredient(each) for each in found.ingredients] if found else []
    return [{"text": "Composition : " + ", ".join(each for each in said if each)}] if said else []


def _ingredient(found: Ingredient) -> str:
    name = found.name or (found.code.label if found.code else None) or ""
    if found.strength is None:
        return name
    amount = found.strength.numerator
    return f"{name} {amount.value} {amount.unit or ''}".strip()

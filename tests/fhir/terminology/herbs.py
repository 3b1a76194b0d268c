# SPDX-License-Identifier: EUPL-1.2
"""An invented nomenclature of herbs, and value sets made of it in every way R4 has."""

from typing import Any

HERBS = "urn:carnet:test:herbes"
SET = "urn:carnet:test:ensemble:"

Json = dict[str, Any]


def concept(code: str, display: str, *below: Json, **more: Any) -> Json:
    """A concept; `more`: its properties as text, and english."""
    made: Json = {"code": code, "display": display}
    if english := more.pop("english", None):
        made["designation"] = [{"language": "en", "value": english}]
    given = [
        {"code": name, "valueBoolean": value} if type(value) is bool else {"code": name, "valueCode": value}
        for name, value in more.items()
    ]  # fmt: skip
    if given:
        made["property"] = given
    if below:
        made["concept"] = list(below)
    return made


SYSTEM: Json = {
    "resourceType": "CodeSystem",
    "url": HERBS,
    "version": "2",
    "name": "Herbes",
    "status": "active",
    "content": "complete",
    "language": "fr",
    "valueSet": SET + "toutes",
    "identifier": [{"system": "urn:ietf:rfc:3986", "value": "urn:oid:2.999.1"}],
    "property": [{"code": "place", "type": "code"}, {"code": "notSelectable", "type": "boolean"}],
    "concept": [
        concept(
            "lam",
            "Lamiacées",
            concept(
                "menthe",
                "Menthe",
                concept("menthe-p", "Menthe poivrée", english="Peppermint", place="jardin"),
                concept("menthe-v", "Menthe verte", english="Spearmint", place="jardin"),
                english="Mint",
            ),
            concept("thym", "Thym", place="pente"),
            concept("hysope", "Hysope", status="retired", place="pente"),
            notSelectable=True,
        ),
        concept("ortie", "Ortie brûlante", english="Nettle", place="chemin"),
        concept("fenouil", "Œillet de fenouil"),
    ],
}


def value_set(name: str, *include: Json, exclude: list[Json] | None = None, **more: Any) -> Json:
    """A value set composed of clauses."""
    compose: Json = {"include": list(include)}
    if exclude:
        compose["exclude"] = exclude
    if "inactive" in more:
        compose["inactive"] = more.pop("inactive")
    return {
        "resourceType": "ValueSet",
        "url": SET + name,
        "status": "active",
        "compose": compose,
        **more,
    }


def filtered(property: str, op: str, value: str, **more: Any) -> Json:
    """A clause with one filter."""
    return {"system": HERBS, "filter": [{"property": property, "op": op, "value": value}], **more}


LISTED: Json = {
    "system": HERBS,
    "concept": [
        {"code": "thym", "display": "Farigoule"},
        {"code": "ortie"},
        {"code": "thym"},
        {"code": "inconnue", "display": "Herbe d'ailleurs"},
    ],
}
LEAVES = "menthe-p menthe-v thym hysope ortie fenouil".split()
ALL = "lam menthe menthe-p menthe-v thym hysope ortie fenouil".split()
# Each value set, and the codes it has, in order.
SETS: list[tuple[Json, list[str]]] = [
    (value_set("entier", {"system": HERBS}), ALL),
    (value_set("liste", LISTED, language="fr"), ["thym", "ortie", "inconnue"]),
    (value_set("is-a", filtered("concept", "is-a", "menthe")), ["menthe", "menthe-p", "menthe-v"]),
    (value_set("descendent-of", filtered("concept", "descendent-of", "lam")), ALL[1:6]),
    (value_set("child-of", filtered("concept", "child-of", "lam")), ["menthe", "thym", "hysope"]),
    (value_set("is-not-a", filtered("concept", "is-not-a", "lam")), ["ortie", "fenouil"]),
    (value_set("generalizes", filtered("concept", "generalizes", "menthe-v")), ["lam", "menthe", "menthe-v"]),
    (value_set("egal", filtered("place", "=", "pente")), ["thym", "hysope"]),
    (value_set("parent", filtered("parent", "=", "menthe")), ["menthe-p", "menthe-v"]),
    (value_set("enfant", filtered("child", "=", "thym")), ["lam"]),
    (value_set("parmi", filtered("place", "in", "pente, chemin")), ["thym", "hysope", "ortie"]),
    (value_set("hors", filtered("place", "not-in", "pente,chemin,jardin")), ["lam", "menthe", "fenouil"]),
    (value_set("codes", filtered("concept", "in", "ortie,thym")), ["thym", "ortie"]),
    (value_set("existe", filtered("place", "exists", "true")), ALL[2:7]),
    (value_set("sans", filtered("place", "exists", "false")), ["lam", "menthe", "fenouil"]),
    (value_set("feuilles", filtered("child", "exists", "false")), LEAVES),
    (value_set("regex", filtered("code", "regex", "menthe-.")), ["menthe-p", "menthe-v"]),
    (value_set("regex-place", filtered("place", "regex", "pen.*|ch.min")), ["thym", "hysope", "ortie"]),
    (
        value_set(
            "deux-filtres",
            {"system": HERBS, "filter": [
                {"property": "concept", "op": "is-a", "value": "lam"},
                {"property": "place", "op": "=", "value": "jardin"}]},
        ),
        ["menthe-p", "menthe-v"],
    ),
    (value_set("actives", {"system": HERBS}, inactive=False), [c for c in ALL if c != "hysope"]),
    (
        value_set("moins", {"system": HERBS}, exclude=[filtered("concept", "is-a", "lam")]),
        ["ortie", "fenouil"],
    ),
    (
        value_set("moins-liste", {"system": HERBS},
                  exclude=[{"system": HERBS, "concept": [{"code": "lam"}]}]),
        ALL[1:],
    ),
    (value_set("importe", {"valueSet": [SET + "egal"]}), ["thym", "hysope"]),
    (value_set("commun", {"valueSet": [SET + "egal", SET + "liste"]}), ["thym"]),
    (value_set("restreint", {"system": HERBS, "valueSet": [SET + "parmi"]}), ["thym", "hysope", "ortie"]),
    (
        value_set("union", filtered("place", "=", "pente"), {"valueSet": [SET + "liste"]}),
        ["thym", "hysope", "ortie", "inconnue"],
    ),
    (value_set("moins-importe", {"system": HERBS}, exclude=[{"valueSet": [SET + "is-not-a"]}]), ALL[:6]),
]  # fmt: skip
# Those that take what is not known here, or too much.
OTHERS = [
    value_set("cercle", {"valueSet": [SET + "cercle-2"]}),
    value_set("cercle-2", {"valueSet": [SET + "cercle"]}),
    value_set("manque", {"valueSet": [SET + "nulle-part"]}),
    value_set("systeme-absent", {"system": "urn:carnet:test:absent"}, {"system": HERBS}),
    value_set("unites", {"system": "http://unitsofmeasure.org"}, {"system": HERBS}),
    value_set("filtre-absent", filtered("concept", "is-a", "nulle-part")),
]
RESOURCES: list[Json] = [SYSTEM, *(made for made, _ in SETS), *OTHERS]

# Another version, a supplement, and what more a value set may say: for those who ask over HTTP.
MANY = [{"code": f"c{at}"} for at in range(1100)]
SPANISH = "urn:carnet:test:herbes-es"
ASKED = "http://hl7.org/fhir/StructureDefinition/valueset-supplement"
MORE: list[Json] = [
    *RESOURCES,
    SYSTEM | {"version": "1", "date": "2000-01-01", "concept": [concept("thym", "Thym d'avant")]},
    {
        "resourceType": "CodeSystem", "url": SPANISH, "version": "1", "status": "active",
        "content": "supplement", "language": "es", "supplements": HERBS,
        "concept": [{"code": "thym", "designation": [{"language": "es", "value": "Tomillo"}]}],
    },
    value_set("version-1", {"system": HERBS, "version": "1"}),
    value_set("grand", {"system": "urn:carnet:test:sans", "concept": MANY}),
    value_set("supplement", filtered("place", "=", "pente"),
              extension=[{"url": ASKED, "valueCanonical": SPANISH + "|1"}]),
    value_set("supplement-absent", filtered("place", "=", "pente"),
              extension=[{"url": ASKED, "valueCanonical": SPANISH + "|9"}]),
    value_set(
        "choisies", {"system": HERBS, "concept": [{"code": "thym"}]},
        version="7", title="Les herbes choisies", date="2024-03-02",
        publisher="Le jardin", description="Celles de la pente.",
        identifier=[{"system": "urn:carnet:test", "value": "42"}],
    ) | {"status": "draft", "name": "Choisies"},
]  # fmt: skip
MORE[0] = SYSTEM | {"date": "2020-01-01"}

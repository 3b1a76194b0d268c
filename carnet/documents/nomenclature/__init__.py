# SPDX-License-Identifier: EUPL-1.2
"""Code lists of documents, as data: each file says its source and what is unverified in it."""

import tomllib
from functools import cache
from importlib import resources
from typing import Any

# An OID is looked for upwards as long as it is longer than the arc of all templates.
MODEL_ARCS = len("1.2.250.1.213.1.1.3".split(".")) - 1


@cache
def table(name: str) -> dict[str, Any]:
    """One of the files of this folder, by name without its ending."""
    return tomllib.loads(resources.files(__package__).joinpath(f"{name}.toml").read_text("utf-8"))


@cache
def system(oid: str) -> str:
    """The URI by which FHIR names a code system."""
    known = table("systems")
    return str(
        known["hl7"].get(oid) or known["ans"].get(oid) or f"urn:oid:{oid.replace(' ', '%20')}"
    )


@cache
def _types() -> dict[str, dict[str, str]]:
    return {entry["code"]: entry for entry in table("types")["type"]}


def types() -> tuple[str, ...]:
    """The codes of the document types that are listed."""
    return tuple(_types())


def type_label(code: str) -> str | None:
    """The French label of a document type; None for one that is not listed."""
    entry = _types().get(code)
    return entry["label"] if entry else None


def class_of(code: str) -> tuple[str, str] | None:
    """Class of a document type, code and label; unverified, see types.toml."""
    entry = _types().get(code)
    return (entry["class"], table("classes")["labels"][entry["class"]]) if entry else None


@cache
def confidentiality() -> dict[str, dict[str, Any]]:
    """Levels and masks by code."""
    return {entry["code"]: entry for entry in table("confidentiality")["code"]}


def unit(code: str) -> str:
    """A UCUM code as people read it."""
    return str(table("units")["shown"].get(code, code))


def absent(null: str | None) -> str:
    """Why a value is absent, in the words of FHIR."""
    return str(table("absent")["reasons"].get(null or "", "unknown"))


def empty(null: str | None) -> str | None:
    """Why a section is empty, in the words of FHIR; None when the document does not say."""
    found = table("absent")["empty"].get(null or "")
    return str(found) if found else None


@cache
def entry_name(what: str) -> str:
    """An entry as people call it, in French, from its element and template; the OID at worst."""
    known = table("templates")
    element, _, template = what.partition(" ")
    oid = template
    while oid.count(".") > MODEL_ARCS:
        if oid in known["entry"]:
            return str(known["entry"][oid])
        oid = oid.rpartition(".")[0]
    if template and template[0].isdigit():
        return template
    return str(known["element"].get(element, element))


def document_format(templates: tuple[str, ...], body: str | None) -> dict[str, str]:
    """formatCode of a document: `body` is the media type of a level 1, None when structured."""
    known = table("formats")
    if body is not None:
        return dict(known["body"].get(body, known["default"]))
    for template in reversed(templates):
        if template in known["template"]:
            return dict(known["template"][template])
    return dict(known["default"])

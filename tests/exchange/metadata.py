# SPDX-License-Identifier: EUPL-1.2
"""METADATA.XML of the tests' own: documents, a submission set, folders, what replaces what."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from carnet.exchange import ebrim

XSD = "urn:oasis:names:tc:ebxml-regrep:xsd"
HAS = "urn:oasis:names:tc:ebxml-regrep:AssociationType:HasMember"
IHE = "urn:ihe:iti:2007:AssociationType:"
PERSON = {
    "sourcePatientId": ["279035121518989^^^&1.2.250.1.213.1.4.10&ISO^NH"],
    "sourcePatientInfo": ["PID-5|PAT-TROIS^DOMINIQUE^^^^^L", "PID-7|19790328", "PID-8|F"],
}
TYPES = {
    ebrim.TYPE: ("11488-4", "2.16.840.1.113883.6.1", "CR de consultation"),
    ebrim.CLASS: ("11", "1.2.250.1.213.1.1.4.1", "Comptes rendus"),
    ebrim.FORMAT: ("urn:ihe:iti:xds-sd:pdf:2008", "1.3.6.1.4.1.19376.1.2.3", "PDF"),
    ebrim.FACILITY: ("SA07", "1.2.250.1.71.4.2.4", "Cabinet individuel"),
    ebrim.SETTING: ("AMBULATOIRE", "1.2.250.1.213.1.1.4.9", "Ambulatoire"),
}


@dataclass(frozen=True)
class Entry:
    """One DocumentEntry: its file, and what is said of it beside what is always said."""

    id: str
    name: str
    data: bytes
    unique_id: str
    slots: Mapping[str, Sequence[str]] = field(default_factory=lambda: PERSON)
    labels: Sequence[str] = ()
    title: str = "Compte rendu"
    said_of: bytes | None = None  # the bytes the metadata were made of, when they are others


def slot(name: str, values: Sequence[str]) -> str:
    held = "".join(f"<Value>{escape(each)}</Value>" for each in values)
    return f'<Slot name="{name}"><ValueList>{held}</ValueList></Slot>'


def classified(scheme: str, code: str, system: str, label: str) -> str:
    return (
        f'<Classification classificationScheme="{scheme}" nodeRepresentation="{code}">'
        f'{slot("codingScheme", [system])}<Name><LocalizedString value="{escape(label)}"/></Name>'
        "</Classification>"
    )


def external(scheme: str, value: str) -> str:
    return f'<ExternalIdentifier identificationScheme="{scheme}" value="{value}"/>'


def author(scheme: str) -> str:
    return (
        f'<Classification classificationScheme="{scheme}">'
        + slot("authorPerson", ["801234567897^BOILEAU^Charles^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS"])
        + slot("authorInstitution",
               ["Centre du Belvédère^^^^^&1.2.250.1.71.4.2.2&ISO^IDNST^^^1120456789"])
        + slot("authorRole", ["Médecin traitant"])
        + slot("authorSpecialty", ["G15_10/SM26^Médecine générale^1.2.250.1.213.1.1.4.5"])
        + "</Classification>"
    )  # fmt: skip


def entry(one: Entry) -> str:
    said = one.said_of if one.said_of is not None else one.data
    media = "text/xml" if one.name.endswith(".XML") else "application/pdf"
    slots = {
        "URI": [one.name], "hash": [hashlib.sha1(said).hexdigest()], "size": [str(len(said))],
        "creationTime": ["20240306"], "serviceStartTime": ["202403050900"],
        "serviceStopTime": ["20240306"], "languageCode": ["fr-FR"],
        "legalAuthenticator": ["801234567897^BOILEAU^Charles^^^^^^&1.2.250.1.71.4.2.1&ISO"],
        **one.slots,
    }  # fmt: skip
    labels = "".join(
        classified(ebrim.LABEL, each, "1.2.250.1.213.1.1.4.13", each) for each in one.labels
    )
    return (
        f'<ExtrinsicObject id="{one.id}" mimeType="{media}" objectType="{ebrim.ENTRY}">'
        + "".join(slot(name, values) for name, values in slots.items())
        + f'<Name><LocalizedString value="{escape(one.title)}"/></Name>'
        + "".join(classified(scheme, *held) for scheme, held in TYPES.items())
        + labels
        + author(ebrim.AUTHOR)
        + external(ebrim.UNIQUE, one.unique_id)
        + "</ExtrinsicObject>"
    )


def package(kind: str, id: str, unique_id: str, title: str) -> str:
    submission = kind == "submissionset"
    node = ebrim.SUBMISSION if submission else ebrim.FOLDER
    own = (
        classified(ebrim.CONTENT, "04", "1.2.250.1.213.2.2", "Hospitalisation")
        + author(ebrim.SENT_BY)
        + external(ebrim.SET_NUMBER, unique_id)
        + external(ebrim.SET_SOURCE, "1.2.3.99")
        if submission
        else classified(ebrim.CODES, "GROSSESSE", "1.2.3.50", "Grossesse")
        + external(ebrim.FOLDER_NUMBER, unique_id)
    )
    return (
        f'<RegistryPackage id="{id}">{slot("submissionTime", ["20240307101500"])}'
        f'<Name><LocalizedString value="{escape(title)}"/></Name>{own}</RegistryPackage>'
        f'<Classification classifiedObject="{id}" classificationNode="{node}"/>'
    )


def link(kind: str, source: str, target: str) -> str:
    return (
        f'<Association associationType="{kind}" sourceObject="{source}" targetObject="{target}"/>'
    )


def metadata(*objects: str) -> bytes:
    return (
        f'<lcm:SubmitObjectsRequest xmlns:lcm="{XSD}:lcm:3.0" xmlns="{XSD}:rim:3.0">'
        f"<RegistryObjectList>{''.join(objects)}</RegistryObjectList></lcm:SubmitObjectsRequest>"
    ).encode()


def files(entries: Sequence[Entry], *more: str, subset: str = "SUBSET01") -> dict[str, bytes]:
    """An XDM of one submission set that holds every entry."""
    held = [link(HAS, "set", each.id) for each in entries]
    said = metadata(
        package("submissionset", "set", f"1.2.3.{subset[-1]}", "Séjour & suites"),
        *map(entry, entries), *held, *more,
    )  # fmt: skip
    return {
        "INDEX.HTM": b"<html/>",
        "README.TXT": b"x",
        f"IHE_XDM/{subset}/METADATA.XML": said,
        **{f"IHE_XDM/{subset}/{each.name}": each.data for each in entries},
    }

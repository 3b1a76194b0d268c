# SPDX-License-Identifier: EUPL-1.2
"""People and places of a header: contained in the DocumentReference, or named by their number."""

from collections.abc import Iterable
from typing import Any, Final

from carnet.documents.cda.datatypes import Id
from carnet.documents.cda.header import Organisation, Party, Patient
from carnet.documents.metadata.pieces import (
    Json,
    address,
    concept,
    human_name,
    identifier,
    kept,
    telecom,
)
from carnet.identity.traits import Traits

CORE: Final = "https://hl7.fr/ig/fhir/core/StructureDefinition/"


class Contained:
    """People and places of the header inside the DocumentReference, each once."""

    def __init__(self) -> None:
        self.resources: list[Json] = []
        self._known: dict[tuple[Any, ...], str] = {}

    def party(self, party: Party | None) -> Json | None:
        """An author or authenticator, as a role where they have a place; their number in sight."""
        if party is None or not (party.name or party.ids or party.device or party.organisation):
            return None
        if party.device and not party.name:
            return self._reference(party, self._device(party))
        person = self._add(
            "Practitioner",
            (party.ids, party.name),
            {
                "identifier": [identifier(i) for i in party.ids],
                "name": [human_name(party.name)] if party.name else None,
                "telecom": [telecom(t) for t in party.telecoms],
                "address": [address(a) for a in party.addresses],
                "qualification": [{"code": concept(party.profession)}]
                if party.profession
                else None,
            },
        )
        if party.organisation is None:
            return self._reference(party, person)
        place = self.organisation(party.organisation) or {}
        role = self._add(
            "PractitionerRole",
            (party.ids, party.name, party.organisation.ids, party.organisation.name),
            {
                "identifier": [identifier(i) for i in party.ids],
                "practitioner": {"reference": person},
                "organization": {"reference": place.get("reference")} if place else None,
                "code": [c for c in map(concept, (party.function, party.profession)) if c],
                "specialty": [c for c in (concept(party.profession),) if c],
            },
        )
        return self._reference(party, role)

    def organisation(self, organisation: Organisation | None) -> Json | None:
        if organisation is None or not (organisation.ids or organisation.name):
            return None
        url = self._add(
            "Organization",
            (organisation.ids, organisation.name),
            {
                "identifier": [identifier(i) for i in organisation.ids],
                "name": organisation.name,
                "telecom": [telecom(t) for t in organisation.telecoms],
                "address": [address(organisation.address)] if organisation.address else None,
            },
        )
        return kept({"reference": url, **known(organisation.ids, organisation.name)})

    def patient(self, patient: Patient | None) -> Json | None:
        """The patient as the document describes them, claim included: not the record's owner."""
        if patient is None:
            return None
        traits = patient.traits
        numbers = [identifier(i) for i in patient.ids]
        if patient.claim and patient.claim.value:
            numbers.insert(0, {"system": patient.claim.system, "value": patient.claim.value})
        url = self._add(
            "Patient",
            (patient,),
            {
                "extension": birth_place(traits.birth_place, patient.birth_city),
                "identifier": numbers,
                "name": [n for n in (_birth_name(traits), _used_name(patient)) if n],
                "gender": traits.sex.value if traits.sex else None,
                "birthDate": traits.birth_date.isoformat() if traits.birth_date else None,
                "deceasedDateTime": patient.deceased,
                "telecom": [telecom(t) for t in patient.telecoms],
                "address": [address(a) for a in patient.addresses],
            },
        )
        return {"reference": url}

    def _device(self, party: Party) -> str:
        place = self.organisation(party.organisation)
        return self._add(
            "Device",
            (party.ids, party.device),
            {
                "identifier": [identifier(i) for i in party.ids],
                "deviceName": [{"name": party.device, "type": "model-name"}],
                "owner": {"reference": place["reference"]} if place else None,
            },
        )

    def _reference(self, party: Party, url: str) -> Json:
        named = party.name.text if party.name else party.device
        return {"reference": url, **known(party.ids, named)}

    def _add(self, kind: str, key: tuple[Any, ...], resource: Json) -> str:
        known = self._known.get((kind, *key))
        if known is None:
            identity = f"{kind.lower()}-{len(self.resources) + 1}"
            known = self._known[(kind, *key)] = f"#{identity}"
            self.resources.append(kept({"resourceType": kind, "id": identity, **resource}))
        return known


def logical(parties: Iterable[Party | Organisation | None]) -> list[Json]:
    """References by identifier: the directory may know them, the record holds no copy."""
    found: list[Json] = []
    for party in parties:
        if party is None:
            continue
        if isinstance(party, Organisation):
            made = known(party.ids, party.name)
        else:
            made = known(party.ids, party.name.text if party.name else None)
        if made and made not in found:
            found.append(made)
    return found


def known(ids: tuple[Id, ...], display: str | None) -> Json:
    return kept({"identifier": identifier(ids[0]) if ids else None, "display": display})


def _birth_name(traits: Traits) -> Json | None:
    """FR Core: official name with the first given name, the whole list in an extension."""
    if not (traits.birth_name or traits.first_given_name or traits.birth_given_names):
        return None
    given = traits.first_given_name
    listed = traits.birth_given_names
    return kept(
        {
            "extension": [
                {"url": f"{CORE}fr-core-patient-birth-list-given-name", "valueString": listed}
            ]
            if listed
            else None,
            "use": "official",
            "family": traits.birth_name,
            "given": [given] if given else (listed.split() if listed else None),
        }
    )


def _used_name(patient: Patient) -> Json | None:
    if not (patient.used_family or patient.used_given):
        return None
    given = [patient.used_given] if patient.used_given else None
    return kept({"use": "usual", "family": patient.used_family, "given": given})


def birth_place(insee: str | None, city: str | None) -> list[Json]:
    """Extension of a Patient: INSEE code and town of birth."""
    if not (insee or city):
        return []
    commune = "https://mos.esante.gouv.fr/NOS/TRE_R13-CommuneOM/FHIR/TRE-R13-CommuneOM"
    coding = {"system": commune, "code": insee}
    code = [{"url": f"{CORE}fr-core-address-insee-code", "valueCoding": coding}] if insee else None
    return [
        {
            "url": "http://hl7.org/fhir/StructureDefinition/patient-birthPlace",
            "valueAddress": kept({"extension": code, "city": city}),
        }
    ]

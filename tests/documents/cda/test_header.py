# SPDX-License-Identifier: EUPL-1.2
"""The header of a document of ours, read whole."""

from datetime import date

import pytest

from carnet.documents import cda
from carnet.documents.cda.datatypes import Id
from carnet.documents.cda.header import Header
from carnet.identity.ins import Defect, InsSystem
from carnet.identity.traits import Sex, Traits


@pytest.fixture(scope="module")
def header(laboratory: bytes) -> Header:
    return cda.read(laboratory).header


def test_the_document_says_what_it_is(header: Header) -> None:
    """Identifier, type, title, date, language, version."""
    assert header.id == Id("1.2.250.1.999.7.1", "CR-2025-0001")
    assert header.set_id == Id("1.2.250.1.999.7.1", "LOT-1")
    assert header.version == 1
    assert header.code
    assert (header.code.code, header.code.system) == ("11502-2", "2.16.840.1.113883.6.1")
    assert header.title == "Compte rendu d'examens biologiques"
    assert header.effective == "2025-03-12T16:45:00+01:00"
    assert header.language == "fr-FR"
    assert [c.code for c in header.confidentiality] == ["N"]
    assert header.templates[-1] == "1.2.250.1.213.1.1.1.55"


def test_the_patient_is_claimed_with_their_traits(header: Header) -> None:
    """Birth names apart from used names; local numbers apart from the INS."""
    patient = header.patient
    assert patient
    assert patient.claim
    assert patient.claim.verified().system is InsSystem.NIR_TEST
    assert patient.claim.defects == {Defect.TEST_SYSTEM}
    assert patient.traits == Traits(
        birth_name="ÉTOURNEAU-D'ARC",
        birth_given_names="LÉONIE MARIE-JEANNE",
        first_given_name="LÉONIE",
        birth_date=date(1984, 5, 17),
        sex=Sex.FEMALE,
        birth_place="99100",
    )
    assert (patient.used_family, patient.used_given) == ("MARTELLAN", "LÉO")
    assert patient.ids == (Id("1.2.250.1.999.8", "IPP-42"),)
    assert patient.addresses[0].lines == ("3 rue des Tilleuls",)
    assert patient.birth_city == "VALFLEURI"


def test_those_who_took_part_are_known_by_number_and_role(header: Header) -> None:
    """Author, responsible, prescriber, médecin traitant, laboratory."""
    author = header.authors[0]
    assert author.name
    assert author.name.text == "Dr Ambroise LOMBREUIL"
    assert author.ids == (Id("1.2.250.1.71.4.2.1", "899700000013"),)
    assert author.profession
    assert author.profession.code == "G15_10/SM03"
    assert author.organisation
    assert author.organisation.name == "Laboratoire des Deux Rives"
    assert header.legal_authenticator
    assert header.legal_authenticator.ids == author.ids
    assert header.custodian
    assert header.custodian.ids == (Id("1.2.250.1.71.4.2.2", "1990000010"),)
    assert [(p.role, p.function.code if p.function else None) for p in header.participants] == [
        ("REF", None),
        ("INF", "PCP"),
    ]


def test_the_act_is_dated_and_placed(header: Header) -> None:
    """Period, setting, sector, order."""
    (event,) = header.events
    assert event.period
    assert event.period.low == "2025-03-12T08:00:00+01:00"
    assert event.period.high == "2025-03-12T16:05:00+01:00"
    assert event.status == "completed"
    assert event.performer
    assert event.performer.organisation
    assert event.performer.organisation.setting
    assert event.performer.organisation.setting.code == "AMBULATOIRE"
    assert header.encounter
    assert header.encounter.facility_type
    assert header.encounter.facility_type.code == "SA25"
    assert header.encounter.place_name == "Laboratoire des Deux Rives"
    assert header.orders[0].ids == (Id("1.2.250.1.999.9", "ORD-77"),)


PARENT = b"""<relatedDocument typeCode="RPLC"><parentDocument>
<id root="1.2.250.1.999.7.1" extension="CR-2025-0000"/><versionNumber value="1"/>
</parentDocument></relatedDocument><componentOf>"""


def test_a_replacement_names_what_it_replaces(laboratory: bytes) -> None:
    """RPLC, by identifier."""
    header = cda.read(laboratory.replace(b"<componentOf>", PARENT)).header
    assert header.replaces == (Id("1.2.250.1.999.7.1", "CR-2025-0000"),)


def test_masks_are_read_wherever_they_stand(laboratory: bytes) -> None:
    """Beside the level, or as its translation."""
    source = laboratory.replace(
        b'<confidentialityCode code="N" codeSystem="2.16.840.1.113883.5.25"/>',
        b'<confidentialityCode code="N" codeSystem="2.16.840.1.113883.5.25">'
        b'<translation code="INVISIBLE_PATIENT" codeSystem="1.2.250.1.213.1.1.4.13"/>'
        b"</confidentialityCode>"
        b'<confidentialityCode code="MASQUE_PS" codeSystem="1.2.250.1.213.1.1.4.13"/>',
    )
    codes = [c.code for c in cda.read(source).header.confidentiality]
    assert codes == ["N", "INVISIBLE_PATIENT", "MASQUE_PS"]


@pytest.mark.parametrize("written", ["1984", "198405", "19840532", "inconnue", ""])
def test_a_birth_date_that_is_no_day_is_no_trait(laboratory: bytes, written: str) -> None:
    """Kept as written beside, so that nobody is matched on half a date."""
    source = laboratory.replace(b'"19840517"', f'"{written}"'.encode())
    patient = cda.read(source).header.patient
    assert patient
    assert patient.traits.birth_date is None
    assert patient.birth_date_written == (written or None)
    assert patient.claim
    assert Defect.MISSING_TRAITS in patient.claim.defects


def test_a_machine_may_be_the_author(laboratory: bytes) -> None:
    """Model and software stand for a name."""
    source = laboratory.replace(
        b"<assignedPerson><name><given>Ambroise</given>",
        b"<assignedAuthoringDevice><manufacturerModelName>AU-1</manufacturerModelName>"
        b"<softwareName>Sil</softwareName></assignedAuthoringDevice>"
        b"<assignedPerson><name><given>Ambroise</given>",
        1,
    )
    assert cda.read(source).header.authors[0].device == "AU-1 Sil"


def test_an_empty_header_is_read_all_the_same() -> None:
    """Whatever is missing is judged afterwards."""
    header = cda.read(b'<ClinicalDocument xmlns="urn:hl7-org:v3"/>').header
    assert header.id is None
    assert header.patient is None
    assert header.authors == ()

# SPDX-License-Identifier: EUPL-1.2
"""What is found wrong in a document: a table of faults, each with its rule and its weight."""

import re
from datetime import UTC, datetime

import pytest

from carnet.documents import cda, nomenclature
from carnet.documents.cda.conformance import (
    FIRST,
    MOST,
    Profile,
    Severity,
    conformance,
    ordered,
    quarantines,
)
from carnet.documents.cda.minimal import path_of
from carnet.fhir import xml

INS = b'<id root="1.2.250.1.213.1.4.10" extension="284059999978968"/>'
ID = b'<id root="1.2.250.1.999.7.1" extension="CR-2025-0001"/>'


@pytest.fixture(scope="session")
def laboratory(laboratory: bytes) -> bytes:
    """The sample with no code that LOINC could not have given, and no text that is not there."""
    return re.sub(rb"99999-[0-9]", b"99999-5", laboratory).replace(b"#none", b"#vih")


def element(source: bytes, name: bytes) -> bytes:
    """The first element of that name, whole."""
    start = source.index(b"<" + name)
    end = source.index(b"</" + name + b">", start) + len(name) + 3
    return source[start:end]


def parent(relation: bytes, number: bytes) -> bytes:
    return (
        b'<relatedDocument typeCode="' + relation + b'"><parentDocument>' + number
        + b"</parentDocument></relatedDocument><componentOf>"
    )  # fmt: skip


LOSSES = {
    "patient": ("no-patient", "903"),
    "code": ("no-type", "906"),
    "title": ("no-title", "906"),
    "effectiveTime": ("no-date", "906"),
    "legalAuthenticator": ("no-legal-authenticator", "906"),
    "author": ("no-author", "906"),
    "custodian": ("no-custodian", "906"),
    "documentationOf": ("no-act-date", "906"),
    "confidentialityCode": ("no-confidentiality", "906"),
}

CHANGES = [
    (INS, b"", "no-ins", "903"),
    (b"284059999978968", b"284059999978967", "ins-key", "906"),
    (b"284059999978968", b"28405999997896", "ins-shape", "906"),
    (b"284059999978968", b"", "ins-shape", "906"),
    (b"1.2.250.1.213.1.4.10", b"1.2.250.1.213.1.4.8", "ins-production-system", "906"),
    (b"1.2.250.1.213.1.4.10", b"1.2.250.1.213.1.4.2", "ins-unknown-system", "906"),
    (INS, INS + INS, "several-ins", "906"),
    (b'qualifier="BR">', b'qualifier="X">', "traits", "905"),
    (b"<county>99100</county>", b"", "traits", "905"),
    (b'<birthTime value="19840517"/>', b"", "traits", "905"),
    (ID, b"", "no-unique-id", "906"),
    (ID, b'<id root="rapport-1"/>', "unique-id-shape", "906"),
    (b"<componentOf>", parent(b"RPLC", ID), "replaces-itself", "906"),
    (b"<componentOf>", parent(b"RPLC", b""), "replaces-nothing", "906"),
    (b'confidentialityCode code="N"', b'confidentialityCode code="TOP"', "confidentiality-unknown", "906"),
    (b"JVBERi0xLjQK", b"JVBERi0x*jQK", "file-base64", "906"),
    (b"JVBERi0xLjQK", b"AAAAAAAAAAAA", "file-content", "906"),
    (b"application/pdf", b"application/zip", "file-renamed", "906"),
    (b'pdf" representation="B64">\nJVBERi0xLjQK', b'zip" representation="B64">\nAAAAAAAAAAAA',
     "file-media-type", "906"),
]  # fmt: skip


@pytest.mark.parametrize("sample", ["laboratory", "consultation"])
@pytest.mark.parametrize("profile", Profile)
def test_a_right_document_has_no_fault(
    sample: str, profile: Profile, request: pytest.FixtureRequest
) -> None:
    """In an instance that holds no real people."""
    document = cda.read(request.getfixturevalue(sample))
    assert conformance(document, profile=profile) == []


@pytest.mark.parametrize(("before", "after", "rule", "code"), CHANGES)
def test_each_fault_is_found(
    laboratory: bytes, before: bytes, after: bytes, rule: str, code: str
) -> None:
    """One fault, one finding, with its national code; nothing of the content is in it."""
    assert before in laboratory
    found = conformance(cda.read(laboratory.replace(before, after)), profile=Profile.STRICT)
    assert [(f.rule, f.code) for f in found] == [(rule, code)]
    assert "ÉTOURNEAU" not in found[0].sentence + found[0].path
    assert "2840599999" not in found[0].sentence + found[0].path


TIME = b'<time value="20250312163000+0100"/>'
AUTHOR = b'<id root="1.2.250.1.71.4.2.1" extension="899700000013"/>\n      <code'
SETTING = (
    b'<standardIndustryClassCode code="AMBULATOIRE" codeSystem="1.2.250.1.213.1.1.4.9"\n'
    b'              displayName="Ambulatoire"/>'
)
FACILITY = b'<code code="SA25" codeSystem="1.2.250.1.71.4.2.4"'
SIGNED = b'<assignedEntity>\n      <id root="1.2.250.1.71.4.2.1" extension="899700000013"/>\n      <assigned'
THEIRS = (
    b'<representedOrganization>\n        <id root="1.2.250.1.71.4.2.2" extension="1990000010"/>\n'
    b"        <name>Laboratoire des Deux Rives</name>\n      </representedOrganization>\n"
    b"    </assignedAuthor>"
)
NEXT = b'<versionNumber value="2"/>'
FIRST_ONE = b'<id root="1.2.250.1.999.7.1" extension="CR-2024"/>'

REST = [
    # what the header or the body becomes, and the one rule that is found
    (b'<realmCode code="FR"/>', b"", "no-realm"),
    (b"POCD_HD000040", b"POCD_HD000041", "no-model"),
    (b'<templateId root="1.2.250.1.213.1.1.1.1"/>', b"", "no-minimal-template"),
    (b'code code="11502-2"', b'code code="11503-0"', "type-not-listed"),
    (b'languageCode code="fr-FR"', b'languageCode code="en-US"', "language"),
    (b'<setId root="1.2.250.1.999.7.1" extension="LOT-1"/>', b"", "no-set"),
    (b'<versionNumber value="1"/>', b"", "no-version"),
    (b'<versionNumber value="1"/>', b'<versionNumber value="un"/>', "no-version"),
    (b'<versionNumber value="1"/>', NEXT, "version-of-nothing"),
    (b"20250312164500+0100", b"202503121645+0100", "date-imprecise"),
    (b"20250312164500+0100", b"20250312164500", "date-without-zone"),
    (b"20250312164500+0100", b"20270312164500+0100", "date-future"),
    (b"20250312164500+0100", b"19840312164500+0100", "before-birth"),
    (b'GenderCode code="F"', b'GenderCode code="M"', "ins-contradicts-traits"),
    (b'birthTime value="19840517"', b'birthTime value="19850517"', "ins-contradicts-traits"),
    (b'birthTime value="19840517"', b'birthTime value="19840617"', "ins-contradicts-traits"),
    (b'<time value="20250312160000+0100"/>', b"", "author-no-time"),
    (AUTHOR, b"<code", "author-no-id"),
    (b'code="G15_10/SM03"', b"", "author-no-profession"),
    (
        b'<representedCustodianOrganization>\n    <id root="1.2.250.1.71.4.2.2" extension="1990000010"/>',
        b"<representedCustodianOrganization>",
        "custodian-no-id",
    ),
    (TIME, b"", "authenticator-no-time"),
    (b'<signatureCode code="S"/>', b'<signatureCode code="I"/>', "authenticator-no-signature"),
    (SETTING, b"", "act-no-setting"),
    (FACILITY, b"<code", "encounter-no-facility"),
    (b'<low value="20250312073500+0100"/>', b"", "encounter-no-date"),
    (b"<componentOf>", parent(b"RPLC", FIRST_ONE), "replaces-no-later-version"),
    (b'reference value="#vih"', b'reference value="#nulle-part"', "reference-nowhere"),
    (b'ID="crp"', b'ID="na"', "anchor-twice"),
    (b'code="99999-5"', b'code="99999-6"', "not-loinc"),
    (b'code="99999-5"', b'code="NFS"', "not-loinc"),
    (SIGNED, b"<assignedEntity><assigned", "authenticator-no-id"),
    (THEIRS, b"</assignedAuthor>", "author-no-organisation"),
    (b"encompassingEncounter", b"encounter", "no-encounter"),
    (b"performer", b"performed", "act-no-performer"),
    (
        b'<templateId root="1.2.250.1.213.1.1.3.80"/>',
        b'<templateId root="1.2.250.1.213.1.1.3.80"/><id root="1.2.9"/>',
        "entry-id-twice",
    ),
]


@pytest.mark.parametrize(("before", "after", "rule"), REST)
def test_the_rest_of_the_header_is_told_and_refuses_nothing(
    laboratory: bytes, before: bytes, after: bytes, rule: str
) -> None:
    """One fault, one rule, with the line it is on."""
    assert before in laboratory
    source = laboratory.replace(before, after)
    now = datetime(2026, 11, 22, tzinfo=UTC)
    for profile in Profile:
        found = conformance(cda.read(source), profile=profile, now=now)
        # An anchor that is renamed leaves a reference nowhere too.
        rules = {each.rule for each in found} - (
            {"reference-nowhere"} if b"ID=" in before else set()
        )
        assert rules == {rule}
        assert all(each.severity is not Severity.ERROR for each in found)
        assert all(each.line and "TOURNEAU" not in each.path for each in found)


def test_a_replacement_keeps_its_set_and_a_birth_is_past(laboratory: bytes) -> None:
    """Faults that bring others with them."""
    old = FIRST_ONE + b'<setId root="1.2.250.1.999.7.1" extension="AUTRE"/>'
    source = laboratory.replace(b"<componentOf>", parent(b"RPLC", old))
    source = source.replace(b'<versionNumber value="1"/>', NEXT)
    found = conformance(cda.read(source), profile=Profile.LENIENT)
    assert [f.rule for f in found] == ["replaces-other-set"]
    source = laboratory.replace(b"19840517", b"20840517")
    now = datetime(2026, 11, 22, tzinfo=UTC)
    rules = [f.rule for f in conformance(cda.read(source), profile=Profile.LENIENT, now=now)]
    assert rules == ["birth-future", "before-birth"]


def test_a_line_is_where_a_vendor_looks(laboratory: bytes) -> None:
    """The element itself, or the one it is missing from; and the rank among others of its name."""
    found = conformance(
        cda.read(laboratory.replace(b"284059999978968", b"284059999978967")), profile=Profile.STRICT
    )
    place = laboratory.index(INS)
    assert [(f.path, f.line) for f in found] == [
        ("ClinicalDocument/recordTarget/patientRole/id", laboratory[:place].count(b"\n") + 1)
    ]
    second = laboratory.replace(b"</author>", b"</author><author/>", 1)
    found = conformance(cda.read(second), profile=Profile.STRICT)
    assert {f.path.split("/")[1] for f in found} == {"author[2]"}
    root = xml.parse(second)
    assert path_of(root[-1]) == "ClinicalDocument/component"


def test_one_fault_repeated_is_told_so_many_times(laboratory: bytes) -> None:
    """A document of a thousand authors is no answer of a thousand lines."""
    source = laboratory.replace(b"</author>", b"</author>" + b"<author/>" * 1000, 1)
    found = conformance(cda.read(source), profile=Profile.STRICT)
    assert len([f for f in found if f.rule == "author-no-time"]) == MOST


def test_whose_it_is_comes_first_among_errors(laboratory: bytes) -> None:
    """A refusal has one code: that of the identity before any other."""
    source = laboratory.replace(ID, b"").replace(INS, b"")
    found = conformance(cda.read(source), profile=Profile.STRICT)
    assert [f.code for f in found] == ["903", "906"]
    assert ordered(reversed(found)) == found


@pytest.mark.parametrize("name", LOSSES)
def test_each_missing_part_is_found(laboratory: bytes, name: str) -> None:
    """The header without it is read, and judged."""
    lost = {
        "patient": element(laboratory, b"recordTarget"),
        "code": b'<code code="11502-2" codeSystem="2.16.840.1.113883.6.1"'
        b""" displayName="Compte rendu d'examens biologiques"/>""",
        "effectiveTime": b'<effectiveTime value="20250312164500+0100"/>',
        "confidentialityCode": b'<confidentialityCode code="N" codeSystem="2.16.840.1.113883.5.25"/>',
    }.get(name) or element(laboratory, name.encode())
    assert lost in laboratory
    found = conformance(cda.read(laboratory.replace(lost, b"")), profile=Profile.STRICT)
    assert [(f.rule, f.code) for f in found] == [LOSSES[name]]


def test_a_body_is_needed(laboratory: bytes) -> None:
    """A header alone is no document."""
    start, end = (
        laboratory.index(b"  <component>\n    <structuredBody>"),
        laboratory.rindex(b"</Clin"),
    )
    found = conformance(cda.read(laboratory[:start] + laboratory[end:]), profile=Profile.LENIENT)
    assert [f.rule for f in found] == ["no-body"]


def test_the_body_of_a_level_1_must_be_readable(consultation: bytes) -> None:
    """Of a type we keep, and in the document."""
    source = consultation.replace(b"application/pdf", b"application/zip")
    source = source.replace(b"JVBERi0xLjQK", b"AAAAAAAAAAAA")
    found = conformance(cda.read(source), profile=Profile.LENIENT)
    assert [(f.rule, f.severity) for f in found] == [("body-unread", Severity.ERROR)]


def test_missing_traits_are_named_in_both_languages(laboratory: bytes) -> None:
    """Names of traits, never their values."""
    source = laboratory.replace(b"<county>99100</county>", b"").replace(b"birthTime", b"birthTyme")
    (found,) = conformance(cda.read(source), profile=Profile.LENIENT)
    assert found.sentence == "Strict identity traits are missing: birth date, birth place."
    assert found.french.endswith(": date de naissance, lieu de naissance.")
    assert found.severity is Severity.WARNING


@pytest.mark.parametrize(
    ("system", "production", "rules"),
    [
        (b".10", False, []),
        (b".11", False, []),
        (b".10", True, ["ins-test-system"]),
        (b".11", True, ["ins-test-system"]),
        (b".8", True, []),
        (b".9", True, []),
        (b".8", False, ["ins-production-system"]),
    ],
)
def test_an_ins_has_its_instances(
    laboratory: bytes, system: bytes, production: bool, rules: list[str]
) -> None:
    """Real numbers in production, test numbers elsewhere."""
    source = laboratory.replace(b"1.2.250.1.213.1.4.10", b"1.2.250.1.213.1.4" + system)
    found = conformance(cda.read(source), profile=Profile.STRICT, production=production)
    assert [f.rule for f in found] == rules


def test_a_production_instance_keeps_test_numbers_apart_or_refuses_them(laboratory: bytes) -> None:
    """Lenient is a way to receive, not a way to mix real and invented people."""
    (found,) = conformance(cda.read(laboratory), profile=Profile.LENIENT, production=True)
    assert found.severity is Severity.WARNING
    assert quarantines(found.rule, production=True)
    assert not quarantines(found.rule, production=False)


def test_a_refusal_says_that_it_refuses_not_what_another_entry_would_assume(
    laboratory: bytes,
) -> None:
    source = laboratory.replace(b"<confidentialityCode ", b"<other ")
    said = {}
    for profile in Profile:
        found = conformance(cda.read(source), profile=profile)
        (said[profile],) = [f for f in found if f.rule == "no-confidentiality"]
    strict, lenient = said[Profile.STRICT], said[Profile.LENIENT]
    assert ("assumed" in lenient.sentence, "normal" in lenient.french) == (True, True)
    assert ("refused" in strict.sentence, "refusé" in strict.french) == (True, True)
    assert ("assumed" in strict.sentence, "normal" in strict.french) == (False, False)


def test_errors_come_first(laboratory: bytes) -> None:
    """The reason of a refusal is read before the rest."""
    source = laboratory.replace(b"<title>Compte", b"<titre>Compte").replace(
        b"biologiques</title>", b"biologiques</titre>"
    )
    found = conformance(cda.read(source.replace(ID, b"")), profile=Profile.STRICT)
    assert [f.severity for f in found] == [Severity.ERROR, Severity.WARNING]


def test_lenient_never_weighs_more_than_strict() -> None:
    """And every rule has both weights, both languages and a national code."""
    order = list(Severity)
    for rule, known in nomenclature.table("findings").items():
        strict, lenient = (order.index(Severity(known[p.value])) for p in Profile)
        assert strict <= lenient, rule
        assert known["code"] in FIRST, rule
        assert known["why"].endswith("."), rule
        assert known.get("quarantine") in (None, "always", "production", "unheld"), rule
        for words in (known, known.get("refused", known)):
            assert words["en"].endswith("."), rule
            assert words["fr"].endswith("."), rule

# SPDX-License-Identifier: EUPL-1.2
"""What is found wrong in a document: a table of faults, each with its rule and its weight."""

import pytest

from carnet.documents import cda, nomenclature
from carnet.documents.cda.conformance import Profile, Severity, conformance

INS = b'<id root="1.2.250.1.213.1.4.10" extension="284059999978968"/>'
ID = b'<id root="1.2.250.1.999.7.1" extension="CR-2025-0001"/>'


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
    (b"application/pdf", b"application/zip", "file-media-type", "906"),
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


def test_a_production_instance_refuses_test_numbers_under_any_profile(laboratory: bytes) -> None:
    """Lenient is a way to receive, not a way to mix real and invented people."""
    (found,) = conformance(cda.read(laboratory), profile=Profile.LENIENT, production=True)
    assert found.severity is Severity.ERROR


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
        assert known["code"] in ("903", "904", "905", "906"), rule
        assert known["en"].endswith("."), rule
        assert known["fr"].endswith("."), rule

# SPDX-License-Identifier: EUPL-1.2
"""HL7 v2: the agency's messages are read, and what is wrong in one is said."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from carnet.exchange import hl7v2
from carnet.exchange.hl7v2 import NotHl7

HEAD = "MSH|^~\\&|SIL|labo|PFI|org|202106060931||{kind}|015|P|2.5|||||FRA|UNICODE UTF-8\r"
PID = (
    "PID|||279035121518989^^^INS&1.2.250.1.213.1.4.10&ISO^INS"
    "||PAT-TROIS^DOMINIQUE^DOMINIQUE^^^^L~DUPONT^D^^^^^D||19790328|F"
    "|||1 rue^^PARIS^^75007^FRA^H~^^^^^^BDL^^63220\r"
)


def one(*lines: str, kind: str = "ORU^R01^ORU_R01") -> hl7v2.Meaning:
    text = HEAD.format(kind=kind) + PID + "\r".join(lines)
    return hl7v2.understood(hl7v2.messages(text.encode())[0])


def rules(meaning: hl7v2.Meaning) -> set[str]:
    return {each.rule for each in meaning.notes}


def test_every_message_of_the_agency_is_read(shared: Path) -> None:
    files = [
        each for each in sorted((shared / "data/french/hl7v2").iterdir())
        if each.suffix in (".er7", ".hl7")
    ]  # fmt: skip
    kinds = set()
    documents = 0
    for each in files:
        assert hl7v2.looks(each.read_bytes()), each.name
        for message in hl7v2.messages(each.read_bytes()):
            meaning = hl7v2.understood(message)
            kinds.add(meaning.kind)
            documents += len(meaning.documents)
            if meaning.person is not None:
                assert meaning.person.claim is not None, each.name
                assert meaning.person.birth_date is not None, each.name
    assert {"ADT^A01", "MDM^T02", "ORU^R01"} <= kinds
    assert documents >= 11  # those that are neither cut short nor taken back


def test_who_it_is_about_is_a_claim_with_birth_and_used_names() -> None:
    person = one().person
    assert person is not None and person.claim is not None
    assert (person.claim.value, person.birth_name, person.used_name) == (
        "279035121518989", "PAT-TROIS", "DUPONT",
    )  # fmt: skip
    assert (str(person.birth_date), person.sex, person.birth_place) == (
        "1979-03-28",
        "female",
        "63220",
    )


def test_a_document_in_base64_comes_out_whole_and_a_cut_one_is_told() -> None:
    data = base64.b64encode(b"%PDF-1.4 hello").decode()
    (part,) = one(f"OBX|1|ED|11502-2^CR^LN||^AP^PDF^Base64^{data}||||||F").documents
    assert (part.data, part.media_type) == (b"%PDF-1.4 hello", "application/pdf")
    cut = one("OBX|1|ED|11502-2^CR^LN||^AP^PDF^Base64^JVBERi0x!||||||F")
    assert not cut.documents and "v2-not-base64" in rules(cut)


def test_results_are_numbers_with_their_unit_and_text_stays_text() -> None:
    meaning = one(
        "OBR|1|||24323-8^Bilan^LN|||202106060700",
        "OBX|1|NM|718-7^Hémoglobine^LN||13,5|g/dL^^UCUM|12-16|N|||F",
        "OBX|2|SN|2160-0^Créatinine^LN||<^5|umol/L|||||F",
        "OBX|3|NM|2345-7^Glucose^LN||illisible|g/L|||||F",
        "OBX|4|CE|882-1^Groupe^LN||A^A positif^L||||||F",
        "OBX|5|CWE|MASQUE_PS^Masqué^MetaDMPMSS||N||||||F",
    )
    assert [(each.kind, each.comparator, each.value) for each in meaning.results] == [
        ("number", "", "13.5"), ("number", "<", "5"), ("text", "", "illisible"),
        ("text", "", "A positif"),
    ]  # fmt: skip
    assert "v2-number" in rules(meaning)
    assert meaning.results[0].at == "202106060700"


def test_escapes_and_other_separators_are_read() -> None:
    text = "MSH$%!*@$SIL$labo$$$2021$$ORU%R01$1$P$2.5\rOBX$1$ST$1%a*S*b$$x*F*y*.br*z*X41*$$$$$$F"
    (message,) = hl7v2.messages(text.encode())
    segment = message.segments[1]
    assert (segment.get(3, 2), segment.get(5)) == ("a%b", "x$y\nzA")


def test_accents_are_read_in_the_charset_it_says_and_in_the_one_it_is() -> None:
    latin = HEAD.format(kind="ADT^A01").replace("UNICODE UTF-8", "8859/1") + PID.replace(
        "1 rue", "é"
    )
    wrong = HEAD.format(kind="ADT^A01") + PID.replace("1 rue", "é")
    for data in (latin.encode("latin-1"), wrong.encode("cp1252")):
        assert hl7v2.messages(data)[0].segments[1].get(11) == "é"


def test_a_batch_gives_its_messages() -> None:
    batch = "FHS|^~\\&\rBHS|^~\\&\r" + (HEAD.format(kind="ADT^A01") + PID) * 3 + "BTS|3\rFTS|1"
    assert len(hl7v2.messages(batch.encode())) == 3


def test_a_message_in_xml_says_the_same() -> None:
    text = """<ORU_R01 xmlns="urn:hl7-org:v2xml"><MSH><MSH.1>|</MSH.1><MSH.2>^~\\&amp;</MSH.2>
      <MSH.9><MSG.1>ORU</MSG.1><MSG.2>R01</MSG.2></MSH.9><MSH.10>7</MSH.10></MSH>
      <X><PID><PID.3><CX.1>279035121518989</CX.1><CX.4><HD.1>INS</HD.1><HD.2>1.2.250.1.213.1.4.10</HD.2>
      </CX.4><CX.5>INS</CX.5></PID.3><PID.5><XPN.1><FN.1>PAT-TROIS</FN.1></XPN.1><XPN.2>DOMINIQUE</XPN.2>
      </PID.5><PID.7><TS.1>19790328</TS.1></PID.7></PID></X>
      <OBX><OBX.2>NM</OBX.2><OBX.3><CE.1>718-7</CE.1><CE.3>LN</CE.3></OBX.3><OBX.5>13.5</OBX.5></OBX>
      </ORU_R01>"""
    meaning = hl7v2.understood(hl7v2.messages(text.encode())[0])
    assert meaning.person is not None and meaning.person.birth_name == "PAT-TROIS"
    assert meaning.person.claim is not None and meaning.results[0].value == "13.5"


def test_what_cancels_brings_nothing_and_says_so() -> None:
    meaning = one("ORC|CA|1", "OBX|1|NM|718-7^H^LN||13|g/dL")
    assert not meaning.results and "v2-cancelled" in rules(meaning)


def test_a_consent_is_told_and_never_taken_for_one() -> None:
    meaning = one("ZFA|ACTIF|20240306|||||||INO", kind="ADT^A01^ADT_A01")
    assert {"v2-consent", "v2-identity"} <= rules(meaning)
    said = one("ZFA|ACTIF|20240306|||||||IO|20240306|INC|20240306", kind="ADT^A01^ADT_A01").notes
    told = {each.place: each.french for each in said if each.rule == "v2-consent"}
    assert "s’oppose à l’ajout" in told["ZFA-9"] and "n’accepte pas" in told["ZFA-11"]
    assert all("inscrit nulle part" in each for each in told.values())


@pytest.mark.parametrize(
    "wrong",
    [
        "", "MSH", "MSH|", "MSH|^^^^|x", "PID|1", "MSH|^~\\&|a\rnot a segment",
        "MSH|^~\\&|a|b|c|d|2021||", "MSH|^~\\&|a|b|c|d|2021||\rPID|1",
    ],
)  # fmt: skip
def test_what_is_not_hl7_is_refused_in_a_sentence(wrong: str) -> None:
    with pytest.raises(NotHl7):
        hl7v2.messages(wrong.encode())

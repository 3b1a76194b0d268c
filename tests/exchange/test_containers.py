# SPDX-License-Identifier: EUPL-1.2
"""Archives, XDM and mails: what is read of them, and what nobody can make them do."""

from __future__ import annotations

import hashlib
import io
import stat
import zipfile
from collections.abc import Mapping
from email.message import EmailMessage

import pytest

from carnet import errors
from carnet.exchange import archive, ebrim, eml, xdm
from carnet.exchange.archive import Bomb, NotAnArchive

XSD = "urn:oasis:names:tc:ebxml-regrep:xsd"
RIM = f"{XSD}:rim:3.0"


def zipped(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as made:
        for name, data in files.items():
            made.writestr(zipfile.ZipInfo(name), data, method)
    return out.getvalue()


def metadata(uri: str, data: bytes, **changed: str) -> bytes:
    """A METADATA.XML of one document."""
    values = {"hash": hashlib.sha1(data).hexdigest(), "size": str(len(data)), **changed}
    slots = "".join(
        f'<Slot name="{name}"><ValueList>'
        f'{"".join(f"<Value>{each}</Value>" for each in held)}</ValueList></Slot>'
        for name, held in {
            "URI": [uri], "hash": [values["hash"]], "size": [values["size"]],
            "creationTime": ["20240306"],
            "sourcePatientId": ["279035121518989^^^&amp;1.2.250.1.213.1.4.10&amp;ISO^NH"],
            "sourcePatientInfo": [
                "PID-5|PAT-TROIS^DOMINIQUE^^^^^L", "PID-7|19790328", "PID-8|F",
            ],
        }.items()
    )  # fmt: skip
    return f"""<lcm:SubmitObjectsRequest xmlns:lcm="{XSD}:lcm:3.0" xmlns="{RIM}">
 <RegistryObjectList>
  <RegistryPackage id="lot"><Name><LocalizedString value="Lot"/></Name>
   <Classification classifiedObject="lot" classificationNode="{ebrim.SUBMISSION}"/></RegistryPackage>
  <ExtrinsicObject id="doc" mimeType="application/pdf" objectType="{ebrim.ENTRY}">{slots}
   <Name><LocalizedString value="Compte rendu"/></Name>
   <Classification classificationScheme="{ebrim.TYPE}" nodeRepresentation="11488-4">
    <Slot name="codingScheme"><ValueList><Value>2.16.840.1.113883.6.1</Value></ValueList></Slot>
    <Name><LocalizedString value="CR de consultation"/></Name></Classification>
   <ExternalIdentifier identificationScheme="{ebrim.UNIQUE}" value="1.2.3.4"/>
  </ExtrinsicObject>
  <Association associationType="urn:oasis:names:tc:ebxml-regrep:AssociationType:HasMember"
   sourceObject="lot" targetObject="doc"/>
 </RegistryObjectList></lcm:SubmitObjectsRequest>""".encode()


def media(data: bytes = b"%PDF-1.4 x", uri: str = "DOC1.PDF", **changed: str) -> bytes:
    return zipped(
        {
            "INDEX.HTM": b"<html/>",
            "README.TXT": b"x",
            "IHE_XDM/SUBSET01/METADATA.XML": metadata(uri, data, **changed),
            "IHE_XDM/SUBSET01/DOC1.PDF": data,
        }
    )


def rules(notes: object) -> set[str]:
    return {each.rule for each in notes}  # type: ignore[attr-defined]


def test_an_xdm_says_what_each_file_is_and_whose() -> None:
    opened = xdm.read(archive.read(media()))
    (part,) = opened.parts
    assert not opened.notes
    assert (part.told.title, part.told.unique_id, part.media_type) == (
        "Compte rendu", "1.2.3.4", "application/pdf",
    )  # fmt: skip
    assert part.told.type is not None and part.told.type.code == "11488-4"
    person = part.told.person
    assert person is not None and person.claim is not None
    assert person.claim.value == "279035121518989"
    assert (person.birth_name, person.given_names, str(person.birth_date)) == (
        "PAT-TROIS", ("DOMINIQUE",), "1979-03-28",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("made", "rule"),
    [
        (media(hash="0" * 40), "xdm-hash"),
        (media(size="3"), "xdm-size"),
        (media(uri="OTHER.PDF"), "xdm-file-missing"),
        (media(uri="../../../etc/passwd"), "xdm-uri-climbs"),
        (media(hash="", size=""), "xdm-no-hash"),
        (zipped({"IHE_XDM/A/METADATA.XML": b"<!DOCTYPE x><x/>"}), "xdm-metadata-unread"),
        (zipped({"IHE_XDM/A/lower name.pdf": b"%PDF"}), "xdm-name"),
        (zipped({"IHE_XDM/A/DOC.PDF": b"%PDF"}), "xdm-no-metadata"),
    ],
)
def test_what_an_xdm_says_wrongly_is_noted(made: bytes, rule: str) -> None:
    assert rule in rules(xdm.read(archive.read(made)).notes)


def test_a_file_the_metadata_do_not_name_is_not_lost() -> None:
    opened = xdm.read(archive.read(zipped({"IHE_XDM/A/DOC.PDF": b"%PDF-1.4"})))
    assert [each.name for each in opened.parts] == ["IHE_XDM/A/DOC.PDF"]


def test_a_bomb_is_refused_whatever_it_says_of_its_size() -> None:
    with pytest.raises(Bomb):
        archive.read(zipped({"a": bytes(4 << 20)}), room=1 << 20)
    with pytest.raises(Bomb):  # it says a size that fits, and grows as nothing does
        archive.read(zipped({"a": bytes(8 << 20)}))


def test_an_archive_of_another_form_is_refused_and_a_cut_one_too() -> None:
    whole = zipped({"a": b"x" * 1000}, zipfile.ZIP_STORED)
    for wrong in (b"PK\x03\x04", whole[:-30], b"nothing"):
        with pytest.raises(NotAnArchive):
            archive.read(wrong)


def test_members_that_climb_link_or_hide_are_left_out() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("../../etc/cron.d/x", b"x")
        made.writestr("/absolute", b"x")
        made.writestr("C:/windows", b"x")
        link = zipfile.ZipInfo("link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        made.writestr(link, b"/etc/passwd")
        made.writestr("a.txt", b"first")
        with pytest.warns(UserWarning):
            made.writestr("a.txt", b"second")
    opened = archive.read(out.getvalue())
    assert [(each.name, each.data) for each in opened.parts] == [("a.txt", b"first")]
    assert rules(opened.notes) == {"zip-climbs", "zip-link", "zip-twice"}
    assert sum(each.rule == "zip-climbs" for each in opened.notes) == 3


def test_an_encrypted_member_is_told_and_the_others_are_read() -> None:
    held = bytearray(zipped({"locked": b"abc", "open": b"def"}, zipfile.ZIP_STORED))
    for start in (held.find(b"PK\x03\x04") + 6, held.find(b"PK\x01\x02") + 8):
        held[start] |= 1
    opened = archive.read(bytes(held))
    assert [each.name for each in opened.parts] == ["open"]
    assert rules(opened.notes) == {"zip-encrypted"}


def test_a_broken_member_is_told() -> None:
    held = bytearray(zipped({"a": b"abcdefgh", "b": b"x"}, zipfile.ZIP_STORED))
    held[held.find(b"abcdefgh")] ^= 1
    opened = archive.read(bytes(held))
    assert [each.name for each in opened.parts] == ["b"]
    assert rules(opened.notes) == {"zip-broken"}


def mail(**attached: bytes) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = "labo@exemple.mssante.fr", "medecin@exemple.mssante.fr"
    message["Subject"] = "XDM/1.0/DDM+Compte rendu"
    message.set_content("Bonjour, ci-joint le compte rendu.")
    for name, data in attached.items():
        file = name.replace("_", ".")
        message.add_attachment(data, maintype="application", subtype="octet-stream", filename=file)
    return message


def test_a_mail_gives_its_text_and_its_attachments() -> None:
    held = mail(IHE_ZIP=media()).as_bytes()
    assert eml.looks(held)
    opened = eml.read(held)
    assert [each.name for each in opened.parts] == ["message.txt", "IHE.ZIP"]
    assert archive.looks(opened.parts[1].data)


def test_a_mail_in_a_mail_is_read_and_too_many_are_refused() -> None:
    held = mail(a_pdf=b"%PDF-1.4")
    outer = EmailMessage()
    outer["Subject"] = "Tr"
    outer.set_content("voir")
    outer.add_attachment(held)
    assert [each.name for each in eml.read(outer.as_bytes())] == [
        "message.txt", "message-1/message.txt", "message-1/a.pdf",
    ]  # fmt: skip
    for _ in range(12):
        deeper = EmailMessage()
        deeper.set_content("x")
        deeper.add_attachment(held)
        held = deeper
    with pytest.raises(errors.TooLarge):
        eml.read(held.as_bytes())


def test_a_signature_is_said_not_verified_and_what_is_encrypted_unread() -> None:
    signed = (
        b"From: a@b\r\nTo: c@d\r\nMIME-Version: 1.0\r\nContent-Type: multipart/signed;"
        b' protocol="application/pkcs7-signature"; boundary=B\r\n\r\n--B\r\n'
        b"Content-Type: text/plain\r\n\r\nBonjour\r\n--B\r\n"
        b"Content-Type: application/pkcs7-signature; name=smime.p7s\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\nMIIB\r\n--B--\r\n"
    )
    assert rules(eml.read(signed).notes) == {"mail-signed"}
    sealed = (
        b"From: a@b\r\nTo: c@d\r\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data;"
        b" name=smime.p7m\r\nContent-Transfer-Encoding: base64\r\n\r\nMIIB\r\n"
    )
    opened = eml.read(sealed)
    assert rules(opened.notes) == {"mail-encrypted"}
    assert [each.name for each in opened.parts] == ["smime.p7m"]


def test_the_name_of_an_attachment_is_its_last_step_and_commands_nothing() -> None:
    message = EmailMessage()
    message.set_content("x")
    for name in ("../../etc/passwd", "a\x1b[2Jb.pdf", "a\x1b[2Jb.pdf"):
        message.add_attachment(b"x", maintype="application", subtype="pdf", filename=name)
    assert [each.name for each in eml.read(message.as_bytes())] == [
        "message.txt", "passwd", "a[2Jb.pdf", "a[2Jb-2.pdf",
    ]  # fmt: skip

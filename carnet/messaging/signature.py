# SPDX-License-Identifier: EUPL-1.2
"""S/MIME: was a mail signed, and by the mailbox it says it is from? Never *signed* unless all of it holds.

The signature covers the whole mail, by a certificate of the authority that was valid when the mail came,
meant for mail (emailProtection), whose only say is an address equal to the one From. Everything else is
*not signed*: a signed part inside another, words before or after it, another signer, a weak digest.
Source: RFC 8551, RFC 5652, RFC 5280; threats.md D4.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from asn1crypto import cms
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import VerificationError

from carnet.messaging.envelope import Letter

DIGESTS: Final[dict[str, hashes.HashAlgorithm]] = {
    "sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512(),
}  # fmt: skip
BOUNDARY: Final = re.compile(rb'boundary="?([^";\r\n]{1,70})"?', re.IGNORECASE)
# What mail programs write before the parts, for those that know no MIME; any other words are not theirs.
PREAMBLES: Final = (
    b"", b"This is an S/MIME signed message",
    b"This is a cryptographically signed message in MIME format.",
)  # fmt: skip
ATTACHED: Final = ("application/pkcs7-signature", "application/x-pkcs7-signature")


class Verdict(StrEnum):
    """What may be said of a mail."""

    SIGNED = "signed"
    NOT_SIGNED = "not-signed"
    WRONG = "wrong"  # it has a signature, which proves nothing


@dataclass(frozen=True, slots=True)
class Trusted:
    """The certificates of the authorities signatures are believed of."""

    authorities: tuple[x509.Certificate, ...]


class _Wrong(Exception):
    """The signature proves nothing."""


def trusted(pem: bytes) -> Trusted:
    """Those of a PEM file."""
    return Trusted(tuple(x509.load_pem_x509_certificates(pem)))


def verdict(data: bytes, letter: Letter, known: Trusted, at: datetime) -> Verdict:
    """What may be said of a whole mail. at: when it came."""
    parts = _parts(data, letter)
    if parts is None:
        inside = any(each.get_content_type() in ATTACHED for each in letter.message.walk())
        return Verdict.WRONG if inside else Verdict.NOT_SIGNED
    try:
        signer, digest = _verified(*parts)
        _chain(signer, known, at)
        if digest not in DIGESTS or _mailboxes(signer) != {str(letter.sender)}:
            raise _Wrong
    except (
        _Wrong, ValueError, TypeError, KeyError, IndexError, AttributeError, InvalidSignature,
        VerificationError, x509.ExtensionNotFound,
    ):  # fmt: skip
        return Verdict.WRONG
    return Verdict.SIGNED


def _parts(data: bytes, letter: Letter) -> tuple[bytes, bytes] | None:
    """The bytes that are signed and the signature, of a mail that is multipart/signed itself."""
    message = letter.message
    if message.get_content_type() != "multipart/signed":
        return None
    inside = list(message.iter_parts())
    if len(inside) != 2:
        return None
    head, _, body = data.partition(b"\r\n\r\n")
    found = BOUNDARY.search(head.replace(b"\r\n\t", b" ").replace(b"\r\n ", b" "))
    if found is None or inside[1].get_content_type() not in ATTACHED:
        return None
    mark = b"--" + found[1]
    pieces = (b"\r\n" + body).split(b"\r\n" + mark)
    if len(pieces) != 4 or pieces[0].strip() not in PREAMBLES or not pieces[3].startswith(b"--"):
        return None  # words before, or more than two parts
    if pieces[3][2:].strip():
        return None  # words after
    _, _, encoded = pieces[2].lstrip(b"\r\n").partition(b"\r\n\r\n")
    try:
        return pieces[1].removeprefix(b"\r\n"), base64.b64decode(
            b"".join(encoded.split()), validate=True
        )
    except binascii.Error:
        return None


def _verified(content: bytes, signature: bytes) -> tuple[x509.Certificate, str]:
    """The signer of these bytes, and the digest's name."""
    info = cms.ContentInfo.load(signature, strict=True)
    if info["content_type"].native != "signed_data":
        raise _Wrong
    signed = info["content"]
    if len(signed["signer_infos"]) != 1 or signed["encap_content_info"]["content"].native:
        raise _Wrong
    (one,) = signed["signer_infos"]
    digest = str(one["digest_algorithm"]["algorithm"].native)
    if digest not in DIGESTS:
        raise _Wrong
    algorithm = DIGESTS[digest]
    signer = _signer(signed, one)
    attributes = one["signed_attrs"]
    if not attributes:
        raise _Wrong
    held = {each["type"].native: each["values"] for each in attributes}
    hashed = hashes.Hash(algorithm)
    hashed.update(content)
    if len(held["message_digest"]) != 1 or held["message_digest"][0].native != hashed.finalize():
        raise _Wrong
    if held["content_type"][0].native != "data":
        raise _Wrong
    told = attributes.untag().dump(force=True)
    key, value = signer.public_key(), one["signature"].native
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < 2048 or "pss" in one["signature_algorithm"]["algorithm"].native:
            raise _Wrong
        key.verify(value, told, padding.PKCS1v15(), algorithm)
    elif isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(value, told, ec.ECDSA(algorithm))
    else:
        raise _Wrong
    return signer, digest


def _signer(signed: cms.SignedData, one: cms.SignerInfo) -> x509.Certificate:
    """The one certificate the signature names."""
    found = []
    for each in signed["certificates"]:
        certificate = each.chosen
        sid = one["sid"]
        if sid.name == "issuer_and_serial_number":
            chosen = sid.chosen
            same = (
                certificate.issuer == chosen["issuer"]
                and certificate.serial_number == chosen["serial_number"].native
            )
        else:
            same = certificate.key_identifier == sid.chosen.native
        if same:
            found.append(x509.load_der_x509_certificate(certificate.dump()))
    if len(found) != 1:
        raise _Wrong
    return found[0]


def _chain(signer: x509.Certificate, known: Trusted, at: datetime) -> None:
    """Valid when the mail came, for mail, under an authority that is known."""
    usage = signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    if ExtendedKeyUsageOID.EMAIL_PROTECTION not in usage:
        raise _Wrong
    if not signer.not_valid_before_utc <= at <= signer.not_valid_after_utc:
        raise _Wrong
    for each in known.authorities:
        if (
            signer.issuer == each.subject
            and each.not_valid_before_utc <= at <= each.not_valid_after_utc
        ):
            constraints = each.extensions.get_extension_for_class(x509.BasicConstraints).value
            signer.verify_directly_issued_by(each)
            if constraints.ca:
                return
    raise _Wrong


def _mailboxes(signer: x509.Certificate) -> set[str]:
    """The addresses a certificate is for."""
    names = signer.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {each.lower() for each in names.get_values_for_type(x509.RFC822Name)}

# SPDX-License-Identifier: EUPL-1.2
"""Certificates of a demonstration: an authority of its own, and what each simulated domain bears.

A real installation has those of IGC-Santé in the folder of CARNET_MSS_CERTIFICATES; nothing is made there.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from carnet import errors

AUTHORITY: Final = "authority"
BITS: Final = 2048  # RSA: some mail servers of today present nothing else
LIFE: Final = timedelta(days=825)


class NoCertificates(errors.Invalid):
    """Mail needs authority.pem, own.pem and own.key in the folder of CARNET_MSS_CERTIFICATES."""


@dataclass(frozen=True, slots=True)
class Files:
    """Paths of PEM files."""

    certificate: Path
    key: Path
    authority: Path


def files(folder: Path, name: str = "own") -> Files:
    """Those of a folder; NoCertificates when one is missing."""
    found = Files(folder / f"{name}.pem", folder / f"{name}.key", folder / f"{AUTHORITY}.pem")
    if not all(each.is_file() for each in (found.certificate, found.key, found.authority)):
        raise NoCertificates
    return found


def simulate(folder: Path, name: str, domains: list[str], now: datetime, mail: str = "") -> Files:
    """Make what is missing: the authority, then a certificate for these domains or for one mailbox."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _alone(folder):
        if not (folder / f"{AUTHORITY}.pem").exists():
            _authority(folder, now)
        if not (folder / f"{name}.pem").exists():
            _issue(folder, name, domains, now, mail)
    return files(folder, name)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time: two authorities would each sign what the other does not know."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def hand_out(held: Files, folder: Path, name: str) -> None:
    """A copy of a certificate, its key and the authority's certificate."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for source, path in (
        (held.certificate, folder / f"{name}.pem"),
        (held.key, folder / f"{name}.key"),
        (held.authority, folder / f"{AUTHORITY}.pem"),
    ):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(source.read_bytes())


def _authority(folder: Path, now: datetime) -> None:
    key = rsa.generate_private_key(65537, BITS)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Simulateur MSSanté")])
    made = (
        _begun(subject, subject, key, now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write(folder, AUTHORITY, key, made)


def _issue(folder: Path, name: str, domains: list[str], now: datetime, mail: str) -> None:
    pem = (folder / f"{AUTHORITY}.pem").read_bytes()
    authority = x509.load_pem_x509_certificate(pem)
    held = serialization.load_pem_private_key((folder / f"{AUTHORITY}.key").read_bytes(), None)
    assert isinstance(held, rsa.RSAPrivateKey)
    key = rsa.generate_private_key(65537, BITS)
    shown = mail or domains[0]
    names: list[x509.GeneralName] = [x509.RFC822Name(mail)] if mail else []
    names += [x509.DNSName(each) for each in domains]
    purposes = (
        [ExtendedKeyUsageOID.EMAIL_PROTECTION]
        if mail
        else [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    )
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, shown[:64])])
    made = (
        _begun(subject, authority.subject, key, now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()),  # type: ignore[arg-type]
            critical=False,
        )
        .sign(held, hashes.SHA256())
    )
    _write(folder, name, key, made)


def _begun(
    subject: x509.Name, issuer: x509.Name, key: rsa.RSAPrivateKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + LIFE)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs, content_commitment=not signs, key_encipherment=not signs,
        data_encipherment=False, key_agreement=False, key_cert_sign=signs, crl_sign=signs,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _write(folder: Path, name: str, key: rsa.RSAPrivateKey, made: x509.Certificate) -> None:
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    for path, content in (
        (folder / f"{name}.key", secret),
        (folder / f"{name}.pem", made.public_bytes(serialization.Encoding.PEM)),
    ):
        temporary = path.with_suffix(f".{os.getpid()}.new")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        temporary.replace(path)

# SPDX-License-Identifier: EUPL-1.2
"""The trust list: the domains mail is exchanged with, and the certificates that speak for each.

What is not on it is refused, whatever the DNS says: the DNS is never asked.
Source: ANS, référentiel MSSanté no 1 (espace de confiance, liste blanche): its text is not in our sources,
so the form of the file is our own, and the list that comes with Carnet is a simulator's.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from carnet import errors

SIMULATED: Final = Path(__file__).with_name("trust.toml")


class WrongTrustList(errors.Invalid):
    """The trust list (CARNET_TRUST_LIST) cannot be read: see carnet/messaging/trust.toml for its form."""


@dataclass(frozen=True, slots=True)
class Domain:
    """One domain, its server, and the names its server's certificate bears."""

    name: str
    server: str
    port: int
    certificates: frozenset[str]
    patients: str = ""  # its domain of citizens' addresses


@dataclass(frozen=True, slots=True)
class TrustList:
    """All of them. source: who says so; `simulateur` for an invented list."""

    source: str
    domains: Mapping[str, Domain]

    def find(self, domain: str) -> Domain | None:
        """The line of a domain, of professionals or of citizens."""
        return self.domains.get(domain.lower())

    def speaks_for(self, names: Iterable[str], domain: str) -> bool:
        """Whether a certificate with these names may send from a domain."""
        found = self.find(domain)
        return found is not None and not found.certificates.isdisjoint(
            each.lower() for each in names
        )

    def known(self, names: Iterable[str]) -> bool:
        """Whether a certificate with these names is that of any domain of the list."""
        held = {each.lower() for each in names}
        return any(not held.isdisjoint(each.certificates) for each in self.domains.values())


def load(path: str | Path = "") -> TrustList:
    """The list of a file; the simulated one when none is named."""
    try:
        said = tomllib.loads(Path(path or SIMULATED).read_text("utf-8"))
        lines = [_domain(each) for each in said["domain"]]
        source = str(said["source"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise WrongTrustList from None
    domains = {each.name: each for each in lines}
    domains |= {each.patients: each for each in lines if each.patients}
    return TrustList(source, domains)


def names_of(certificate: Mapping[str, Any]) -> list[str]:
    """The DNS names of a peer's certificate, as Python's ssl tells it; its common name when it has none."""
    names = [value for kind, value in certificate.get("subjectAltName", ()) if kind == "DNS"]
    if not names:
        pairs = [pair for group in certificate.get("subject", ()) for pair in group]
        names = [value for name, value in pairs if name == "commonName"]
    return [str(each).lower() for each in names]


def _domain(said: Mapping[str, Any]) -> Domain:
    names = frozenset(str(each).lower() for each in said["certificates"])
    if not names:
        raise ValueError
    return Domain(
        str(said["name"]).lower(),
        str(said["server"]),
        int(said["port"]),
        names,
        str(said.get("patients", "")).lower(),
    )

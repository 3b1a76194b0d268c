# SPDX-License-Identifier: EUPL-1.2
"""Who acts: what a token or a log-in says of the caller, and nothing the content says."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class ActorKind(StrEnum):
    """What sort of caller; the rules of each are in door.py and writing.toml."""

    PATIENT = "patient"
    PROFESSIONAL = "professional"
    ASSISTANT = "assistant"  # of a named professional
    HELPER = "helper"  # helps people who ask, for a session
    SOFTWARE = "software"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Actor:
    """One caller, once verified.

    sub: subject, `patient:…`, `rpps:…`, `software:…`. rpps: of a professional. profession: TRE_G15,
    with the specialty of TRE_R38 after a slash. situation: the exercise chosen at log-in. org:
    compartment of the organisation of that situation, or of the software. patient: compartment of the
    patient's own record. For an assistant, rpps is that of the professional they act for. secret: a
    minor's connection that leaves no trace for their representatives. purpose: HL7 PurposeOfUse.
    client: what the request came through. scopes: of the token; empty for who acts on pages. grant: id
    of what they allowed a client (access.allowed). kinds: rows of the access matrix it was limited to,
    None for none. writes: whether it may deposit. context: the one record it was opened on, by
    compartment. acr: how they proved who they are (factors.toml); authenticated: when they last did.
    """

    kind: ActorKind
    sub: str
    name: str
    client: str
    purpose: str = "TREAT"
    rpps: int | None = None
    profession: str = ""
    situation: str = ""
    org: int | None = None
    org_name: str = ""
    patient: int | None = None
    secret: bool = False
    scopes: frozenset[str] = frozenset()
    rev: int = 1
    grant: str = ""
    kinds: frozenset[int] | None = None
    writes: bool = True
    context: int | None = None
    acr: str = ""
    authenticated: datetime | None = field(default=None, compare=False)

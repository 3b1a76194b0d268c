# SPDX-License-Identifier: EUPL-1.2
"""Status of an identity, and what may be done on it: a table of transitions, and rules over it.

Source: RNIV 1 (identity status and attributes): provisional when created, retrieved once the INSi
answered, validated once a high-trust document was seen, qualified when both. An identity that is doubtful
or fictitious is neither validated nor qualified. Only a qualified one carries the INS outward.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from carnet import errors


class Status(StrEnum):
    """How far an identity can be relied on."""

    PROVISIONAL = "PROV"
    RETRIEVED = "RECUP"
    VALIDATED = "VALI"
    QUALIFIED = "QUAL"


@dataclass(frozen=True, slots=True)
class Standing:
    """A status with its attributes; homonym goes with any status, the other two with the lower ones."""

    status: Status = Status.PROVISIONAL
    homonym: bool = False  # another person has the same traits, or nearly
    doubtful: bool = False  # there is a doubt on who this is
    fictitious: bool = False  # nobody: a test, an anonymous stay

    def __post_init__(self) -> None:
        if (self.doubtful or self.fictitious) and self.status in TRUSTED:
            raise NotTrusted

    @property
    def outward(self) -> bool:
        """Whether the INS may leave with this identity."""
        return self.status is Status.QUALIFIED and not (self.doubtful or self.fictitious)

    def __str__(self) -> str:
        """As the history of acts writes it: PROV+homonym+doubtful."""
        marks = ("homonym", "doubtful", "fictitious")
        return "+".join([self.status, *(name for name in marks if getattr(self, name))])


class Act(StrEnum):
    """What may be done on an identity."""

    RETRIEVE = "retrieve"  # the INSi answered with this person, and one alone
    VALIDATE = "validate"  # a high-trust document was seen
    DEGRADE = "degrade"  # what the status stood on does not hold any more
    DOUBT = "doubt"
    CLEAR = "clear"  # the doubt is over
    HOMONYM = "homonym"
    NO_HOMONYM = "no-homonym"
    FICTITIOUS = "fictitious"


class NotTrusted(errors.BusinessRule):
    """A doubtful or fictitious identity is neither validated nor qualified."""


class NoSuchAct(errors.BusinessRule):
    """This cannot be done on an identity of this status."""


class NoProof(errors.Invalid):
    """An identity is validated on a document of high trust, named by its code."""


TRUSTED: Final = frozenset((Status.VALIDATED, Status.QUALIFIED))

# From each status, where an act leads; an act that is not there cannot be done. DOUBT and FICTITIOUS take
# back what a document had given; the number that was had stays, inside.
TRANSITIONS: Final[Mapping[Act, Mapping[Status, Status]]] = {
    Act.RETRIEVE: {
        Status.PROVISIONAL: Status.RETRIEVED,
        Status.RETRIEVED: Status.RETRIEVED,
        Status.VALIDATED: Status.QUALIFIED,
        Status.QUALIFIED: Status.QUALIFIED,
    },
    Act.VALIDATE: {
        Status.PROVISIONAL: Status.VALIDATED,
        Status.RETRIEVED: Status.QUALIFIED,
        Status.VALIDATED: Status.VALIDATED,
        Status.QUALIFIED: Status.QUALIFIED,
    },
    Act.DEGRADE: dict.fromkeys(Status, Status.PROVISIONAL),
    Act.DOUBT: {
        Status.PROVISIONAL: Status.PROVISIONAL,
        Status.RETRIEVED: Status.RETRIEVED,
        Status.VALIDATED: Status.PROVISIONAL,
        Status.QUALIFIED: Status.RETRIEVED,
    },
    Act.CLEAR: {each: each for each in Status},
    Act.HOMONYM: {each: each for each in Status},
    Act.NO_HOMONYM: {each: each for each in Status},
    Act.FICTITIOUS: dict.fromkeys(Status, Status.PROVISIONAL),
}
# What each act does to the attributes.
MARKS: Final[Mapping[Act, Mapping[str, bool]]] = {
    Act.DOUBT: {"doubtful": True},
    Act.CLEAR: {"doubtful": False},
    Act.HOMONYM: {"homonym": True},
    Act.NO_HOMONYM: {"homonym": False},
    Act.FICTITIOUS: {"fictitious": True},
}
# Not while a doubt lasts, nor ever on somebody invented.
REFUSED: Final[Mapping[Act, frozenset[str]]] = {
    Act.RETRIEVE: frozenset(("doubtful", "fictitious")),
    Act.VALIDATE: frozenset(("doubtful", "fictitious")),
    Act.HOMONYM: frozenset(("fictitious",)),
}

# Documents that prove an identity, by the codes of our own that acts record: no copy is kept.
# Source: RNIV 1, documents of high trust; FR Core has a value set of its own (validation mode).
PROOFS: Final[Mapping[str, str]] = {
    "CN": "Carte nationale d’identité",
    "PA": "Passeport",
    "CS": "Titre de séjour",
    "LE": "Livret de famille, avec une pièce du parent",
    "AN": "Extrait d’acte de naissance, avec une pièce du parent",
    "EI": "Identité électronique de niveau substantiel ou élevé",
    "ES": "Validée par l’établissement qui l’a transmise",
}


def after(standing: Standing, act: Act, *, proof: str = "") -> Standing:
    """Where an act leads; a refusal where it cannot be done.

    proof: code of PROOFS, for VALIDATE.
    """
    if act is Act.VALIDATE and proof not in PROOFS:
        raise NoProof
    if any(getattr(standing, name) for name in REFUSED.get(act, ())):
        raise NotTrusted
    found = TRANSITIONS[act].get(standing.status)
    if found is None:
        raise NoSuchAct
    # The status first goes down, then a mark is put: both at once would meet neither rule.
    return replace(standing, status=found, **MARKS.get(act, {}))

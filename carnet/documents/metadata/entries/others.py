# SPDX-License-Identifier: EUPL-1.2
"""What a document says of somebody else than the patient: the mother of a newborn, a child, a foetus.

Each of them is one FamilyMemberHistory a section, and nothing said of them is ever searched as the
patient's: illnesses are its conditions, all else that has a value is an Observation contained in it, which
no search of Observations finds. Treatments, acts and stays of somebody else stay in the source.
Source: FHIR R4, FamilyMemberHistory, extension family-member-history-genetics-observation.
"""

from typing import Final

from carnet.documents.cda.datatypes import Code
from carnet.documents.cda.statements import Part, Statement
from carnet.documents.metadata.entries.conditions import PROBLEM
from carnet.documents.metadata.entries.family import UNKNOWN, illness, relative
from carnet.documents.metadata.entries.observations import absent
from carnet.documents.metadata.entries.reading import Reading
from carnet.documents.metadata.entries.shared import COMMENT, notes, recorded, titled, words
from carnet.documents.metadata.pieces import Json, concept, effective, identifier, kept, value
from carnet.documents.metadata.report import STATUS

SEEN: Final = "http://hl7.org/fhir/StructureDefinition/family-member-history-genetics-observation"
WHY: Final = "of-another"
WHO: Final = ("relationship", "name", "sex", "bornDate")  # what tells one person from another


def made(reading: Reading, statement: Statement) -> None:
    """Everything below a statement that speaks of somebody else."""
    held = _History(reading, next(statement.taking("subject"), None))
    held.add(statement, statement, said=True)


class _History:
    """What one person's history holds, and where it is put."""

    def __init__(self, reading: Reading, part: Part | None) -> None:
        self.reading = reading
        self.part = part

    def add(self, statement: Statement, top: Statement, *, said: bool) -> None:
        """One statement and what it holds. said: nothing above it is denied, planned or masked."""
        reading = self.reading
        said = said and statement.happened
        own = next(statement.taking("subject"), None)
        if own is not None and statement is not top and own != self.part:
            for each in statement.walk():  # a third person: whose, nobody can tell here
                reading.keep(each, WHY)
            return
        if not said:
            reading.keep(statement, "not-done")
        elif statement.kind in ("organizer", "act"):
            if not statement.is_a(*COMMENT) and not reading.told(statement) and statement.related:
                self._group(statement, top)
                return
        elif statement.kind == "observation":
            self._observation(statement, top)
        for link in statement.related:
            if not reading.told(link.statement):
                self.add(link.statement, top, said=said)
        if not reading.told(statement):
            reading.keep(statement, WHY)

    def _group(self, statement: Statement, top: Statement) -> None:
        """What only holds others is data when any of them is."""
        for link in statement.related:
            self.add(link.statement, top, said=True)
        if any(self.reading.is_data(link.statement) for link in statement.related):
            self.reading.use(statement)
        else:
            self.reading.keep(statement, WHY)

    def _observation(self, statement: Statement, top: Statement) -> None:
        reading = self.reading
        if statement.is_a(*PROBLEM):
            found = illness(reading, statement)
            if found is not None:
                self._resource(top)["condition"].append(found)
            else:
                reading.keep(statement, "not-done")
        elif statement.code is None or not statement.label:
            reading.keep(statement, "no-code")
        elif statement.value is None and not statement.text:
            reading.keep(statement, "no-value")
        else:
            reading.use(statement)
            history = self._resource(top)
            name = f"o{len(history['contained']) + 1}"
            history["contained"].append(_seen(reading, statement, name))
            link = {"url": SEEN, "valueReference": {"reference": f"#{name}"}}
            history["extension"].append(link)

    def _resource(self, top: Statement) -> Json:
        """The history of this person in this section; made with the first thing it says."""
        reading = self.reading
        about = reading.about if self.part is None else None
        whose = relative(self.part)
        if about and "relationship" not in whose:
            whose["relationship"] = {**UNKNOWN, "text": about}
        history = {
            "resourceType": "FamilyMemberHistory",
            "status": "completed",
            "patient": reading.making.subject,
            "date": recorded(reading, top),
            "relationship": UNKNOWN,
            **whose,
        }
        who = (reading.section, *(str(history.get(key)) for key in WHO))
        if (known := reading.others.get(who)) is None:
            reading.take(top, history)
            known = reading.others[who] = reading.found[-1].resource
            known |= {"contained": [], "extension": [], "condition": []}
        return known


def tidied(reading: Reading) -> None:
    """Nothing empty is written."""
    for each in reading.others.values():
        for key in ("contained", "extension", "condition"):
            if not each[key]:
                del each[key]


def _seen(reading: Reading, statement: Statement, name: str) -> Json:
    """What was seen of them; it has no subject: it is of the person whose history holds it."""
    codes: list[Code] = [each for each in statement.values if isinstance(each, Code)]
    return kept(
        {
            "resourceType": "Observation",
            "id": name,
            "identifier": [identifier(each) for each in statement.ids],
            "status": STATUS.get(statement.status or "completed", "unknown"),
            "code": titled(statement),
            **effective(statement.at, None),
            **value(statement.value),
            "dataAbsentReason": absent(statement),
            "interpretation": [c for c in map(concept, statement.interpretations) if c],
            "note": notes(reading, statement, words(statement.code, *codes)),
        }
    )

# SPDX-License-Identifier: EUPL-1.2
"""Statements that only hold others: a panel when it has a name and members, else nothing of its own."""

from carnet.documents.cda.statements import Statement
from carnet.documents.metadata.entries.observations import observation
from carnet.documents.metadata.entries.reading import Reading


def made(reading: Reading, statement: Statement) -> None:
    """What it holds goes by itself; a named group of observations is an Observation of its own."""
    if statement.negated or statement.null:
        for each in statement.walk():  # nothing in what is denied or masked is a fact
            reading.keep(each, "not-done")
        return
    before = len(reading.found)
    with reading.during(statement):
        for link in statement.related:
            reading.again(reading, link.statement)
    held = reading.found[before:]
    if not held:
        return
    inside = {link.statement.place for link in statement.related}
    members = [
        each.url
        for each in held
        if each.statement.place in inside and each.resource["resourceType"] == "Observation"
    ]
    named = statement.code is not None and statement.label and statement.code.code
    if statement.kind == "organizer" and named and members and statement.happened:
        panel = observation(reading, statement)
        panel["hasMember"] = [{"reference": url} for url in members]
        reading.take(statement, panel)
        if statement.code is not None and statement.code.qualifiers and "text" in panel["code"]:
            # "Genes without anomaly": a gene says nothing without the list it stands in.
            said = {"text": f"Dans : {panel['code']['text']}"}
            for found in held:
                if found.url in members:
                    found.resource["note"] = [*found.resource.get("note", []), said]
    else:
        reading.use(statement)

# SPDX-License-Identifier: EUPL-1.2
"""The emergency operations of the API: by the id of a Patient, or by the number of the person.

Somebody who cannot speak has no id at hand but a card: finding them is the search of vigilance, counted
and limited as on the page, then the same opening.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from carnet import errors
from carnet.access.door import Visit
from carnet.identity.ins import Ins, InsSystem
from carnet.rest.acts import Acts
from carnet.rights import emergency
from carnet.vigilance import find
from carnet.vigilance.pages import TraitsForm

ASKS = {"mode": "code", "reason": "code"}


def register(table: Acts) -> None:
    """Have the API open in an emergency, and end it."""
    table.ask("Patient", "emergency", emergency.operation, ASKS)
    table.ask("Patient", "emergency", by_number, {"ins": "string", **ASKS}, of_type=True)
    table.operate("POST", "Patient", "emergency-end", emergency.end_operation)


async def by_number(visit: Visit, id: str, given: Mapping[str, str]) -> dict[str, Any]:
    """POST Patient/$emergency: the person bearing an INS; nobody, or a record that is shut, is not found."""
    await emergency.check(visit, given["mode"], given["reason"])
    typed = Ins(
        "".join(given["ins"].split()).upper(), InsSystem.NIR
    )  # one that cannot be is said so
    found = await find.find(visit, TraitsForm(ins=typed.value))
    if len(found) != 1:
        raise errors.NotFound
    opened = await emergency.open(visit, found[0].handle, given["mode"], given["reason"])
    return emergency.told(opened)

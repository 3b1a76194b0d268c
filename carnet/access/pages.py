# SPDX-License-Identifier: EUPL-1.2
"""What the page "who has read my record" shows, and the seal of every page."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Opening:
    """One time somebody opened the record, as its patient may read it."""

    at: datetime  # aware, UTC
    who: str  # name of the person, or of the software
    profession: str  # French label, "" for the patient and for software
    place: str  # establishment, "" when none
    what: str  # what was done to what, in plain French: "Lecture : Bilan lipidique"…
    purpose: str  # HL7 PurposeOfUse: TREAT, ETREAT (emergency), PATRQT…
    own: bool  # the patient's own act
    wrote: bool = False  # something was added or changed, nothing was read
    application: str = ""  # by which they did it, "" when by a page of ours
    line: str = ""  # opaque id of the line, to have its proof


@dataclass(frozen=True, slots=True)
class Seal:
    """The last root of the audit handed out, as the foot of every page shows it."""

    root: str  # hexadecimal
    size: int  # lines
    at: datetime  # aware, UTC

# SPDX-License-Identifier: EUPL-1.2
"""Paths of the twin worlds that are followed from one resource to others: parts, all that points to it."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from tests.agreement.aims import Aim, Probe, get
from tests.agreement.items import CODES, PROTOCOLS, RPPS, WORDS, date

AROUND = (
    "Observation",
    "DiagnosticReport",
    "Encounter",
    "Condition",
    "Patient",
    "DocumentReference",
)
# By what is aimed at: where a reference to it may be followed up and down.
PARTS = {
    "Encounter": (("Encounter", "part-of"), ("Observation", "encounter"), ("Condition", "encounter")),
    "Procedure": (("Procedure", "part-of"), ("Observation", "part-of")),
    "CarePlan": (("CarePlan", "part-of"), ("Procedure", "based-on")),
    "Location": (("Encounter", "location"), ("Location", "partof")),
}  # fmt: skip


def around(aim: Aim) -> Probe:
    """Whatever points to a page's matches, and whatever these point to."""
    chance = aim.chance
    rtype = chance.choice(AROUND)
    named = aim.person if rtype == "Patient" else aim.address(rtype)
    given = [("_count", str(chance.choice((1, 3))))]
    if chance.random() < 0.7:
        given.append(("_id", named.split("/")[1]))
    given += chance.choice((
        [("_revinclude", "*")], [("_revinclude:iterate", "*")], [("_include:iterate", "*")],
        [("_revinclude", "*"), ("_include:iterate", "*")], [("_revinclude", "*:*"), ("_include", "*")],
    ))  # fmt: skip
    return get("_revinclude and :iterate of all", f"{rtype}?{urlencode(given)}", follow=True)


def hierarchy(aim: Aim) -> Probe:
    """A reference above or below what is hidden, or is not there."""
    chance = aim.chance
    kind = aim.rtype if aim.rtype in PARTS else chance.choice(tuple(PARTS))
    rtype, name = chance.choice(PARTS[kind])
    target = f"{kind}/{aim.address(kind).split('/')[1]}"
    how = chance.choice(("above", "below"))
    asked = f"{name}:{how}={target}"
    if chance.random() < 0.3:
        test = f"{name} {'sb' if how == 'above' else 'ss'} {target}"
        asked = urlencode({"_filter": chance.choice((test, f"not ({test})"))})
    more = chance.choice(("", "&_total=accurate", "&_summary=count", "&_count=1"))
    return get("reference above and below", f"{rtype}?{asked}{more}", follow=True)


def joined(aim: Aim) -> Probe:
    """What is followed inside or, and inside not."""
    chance = aim.chance
    tests = [
        f"has-member:Observation.code eq {chance.choice(CODES)}",
        f"_has:DiagnosticReport:result:code eq {chance.choice(CODES)}",
        f"_has:Observation:has-member:date ge {date(chance)}",
        f"value-string co {chance.choice(WORDS)[1:4]}",
        f"value-string ew {chance.choice(WORDS)[-3:]}",
        f"date po {date(chance)[: chance.choice((4, 7, 10))]}",
        f"subject:Patient.family ew {chance.choice(WORDS)[-2:]}",
        f"code eq {chance.choice(CODES)}",
    ]  # fmt: skip
    one, other = chance.sample(tests, 2)
    text = chance.choice((f"{one} or {other}", f"not ({one})", f"not ({one} or {other})",
                          f"{one} and not ({other})", f"({one} or {other}) and {tests[-1]}"))  # fmt: skip
    given = [("_filter", text), *chance.choice(([], [("_summary", "count")], [("_count", "1")]))]
    return get("_filter, what is followed in it", f"Observation?{urlencode(given)}", follow=True)


def contained(aim: Aim) -> Probe:
    """A chain into what a resource holds itself."""
    chance = aim.chance
    rtype, name = chance.choice((("Observation", "performer"), ("DocumentReference", "author")))
    word, number = chance.choice(WORDS), chance.randint(1, 20)
    one = f"{name}:Practitioner."
    given = [chance.choice((
        (f"{one}family", word), (f"{one}family:exact", word), (f"{one}name", word[:3]),
        (f"{one}identifier", f"{RPPS}|{number}"), (f"{one}identifier", f"{number},{number % 20 + 1}"),
        ("_filter", f"{one}family eq {word}"), ("_filter", f"not ({one}identifier eq {number})"),
    ))]  # fmt: skip
    given += chance.choice(
        ([], [("_total", "accurate")], [("_summary", "count")], [("_count", "1")])
    )
    return get("chain into what is contained", f"{rtype}?{urlencode(given)}", follow=True)


def versioned(aim: Aim) -> Probe:
    """What follows a definition, of one version, of those below it, of any."""
    chance = aim.chance
    rtype, url = chance.choice(("CarePlan", "Procedure")), f"{PROTOCOLS}/{chance.randint(1, 3)}"
    version = f"{chance.randint(1, 2)}.{chance.randint(0, 1)}"
    name = "instantiates-canonical"
    given = [chance.choice((
        (name, url), (name, f"{url}|{version}"), (f"{name}:below", f"{url}|{version[0]}"),
        (f"{name}:missing", chance.choice(("true", "false"))), (name, f"{url}|{version},{url}|9"),
    ))]  # fmt: skip
    given += chance.choice(
        ([], [("_total", "accurate")], [("_summary", "count")], [("_count", "1")])
    )
    return get("canonical with a version", f"{rtype}?{urlencode(given)}", follow=True)


GRAMMAR: dict[str, Callable[[Aim], Probe]] = {
    "_revinclude and :iterate of all": around,
    "reference above and below": hierarchy,
    "_filter, what is followed in it": joined,
    "chain into what is contained": contained,
    "canonical with a version": versioned,
}

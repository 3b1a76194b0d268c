# SPDX-License-Identifier: EUPL-1.2
"""The twin-world run: the same requests to two databases that differ only in what one may not see.

Every difference is a leak: status, body, headers (but the request's id), totals, order, page links,
words of refusals. A probe is one request to both. `run` is what the campaign calls.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import itertools
import json
import logging
import random
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import structlog
from pypdf import PdfReader

from tests.agreement import attacks, followed, shown, standard
from tests.agreement.aims import Aim, Probe, bundle, get, span, token
from tests.agreement.items import (
    CAST,
    CODES,
    DOCUMENTS,
    LOINC,
    MASKS,
    SECURITY,
    WORDS,
    Item,
    date,
)
from tests.agreement.pages import inside
from tests.agreement.worlds import (
    PERSONAS,
    Original,
    Twins,
    World,
    campaigning,
    original,
    quickly,
    twins,
)
from tests.space import FHIR, Answer, Peopled

IGNORED = frozenset(("x-request-id",))
MOST_PAGES = 6
TOGETHER = 12  # probes at once
PATIENCE = 5  # times a probe is asked again of a server that cannot answer just now
HOUR = timedelta(minutes=61)
EACH = 400  # probes an hour: the door looks at what its caller read in the last one
VISIBLE = "visible"  # the target of a probe that aims at something seen


@dataclass
class Report:
    """What a run did, and what it found."""

    seed: int
    probes: int = 0
    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    covered: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    wanted: set[tuple[str, str, str]] = field(default_factory=set)
    leaks: list[str] = field(default_factory=list)

    def __add__(self, other: Report) -> Report:
        """Two runs as one; the seconds are of both."""
        return Report(
            min(self.seed, other.seed),
            self.probes + other.probes,
            self.seconds + other.seconds,
            self.statuses + other.statuses,
            self.covered + other.covered,
            self.wanted | other.wanted,
            self.leaks + other.leaks,
        )

    @property
    def missed(self) -> set[tuple[str, str, str]]:
        """(path kind, persona, what it aims at) that no probe hit."""
        return self.wanted - set(self.covered)

    def __str__(self) -> str:
        hit = len(self.wanted & set(self.covered))
        kinds = {kind for kind, _, _ in self.covered}
        return (
            f"twin worlds: {self.probes} probes in {self.seconds:.0f} s, {len(self.leaks)} differences"
            f" (seed {self.seed}); {len(kinds)} path kinds; coverage path kind x persona x hidden kind:"
            f" {hit} of {len(self.wanted)}; statuses {dict(sorted(self.statuses.items()))}"
        )


# -------------------------------------------------------------------------------- the path grammar


def _words(aim: Aim) -> tuple[str, str]:
    word = aim.chance.choice(WORDS)
    if aim.rtype in ("Patient", "Practitioner"):
        how = aim.chance.choice(("name", "family", "family:exact", "name:contains"))
        return how, word[: aim.chance.randint(1, 8)]
    if aim.rtype == "DocumentReference":
        return "description", word
    return "code:not", aim.chance.choice(CODES)


def _sorted(aim: Aim) -> tuple[str, str]:
    param = aim.chance.choice((aim.dated or "_lastUpdated", "_lastUpdated"))
    return "_sort", aim.chance.choice(("", "-")) + param


def _included(aim: Aim) -> list[tuple[str, str]]:
    of = {"Observation": ("has-member", "subject", "encounter"), "DiagnosticReport": ("result",
          "result:Observation", "subject"), "DocumentReference": ("subject", "subject:Patient"),
          "Appointment": ("actor", "patient"), "Claim": ("patient",)}  # fmt: skip
    params = of.get(aim.rtype, ("patient",))
    return [("_include", f"{aim.rtype}:{param}") for param in params]


def _form(aim: Aim) -> Probe:
    path, _, query = aim.search(token(aim), span(aim)).partition("?")
    form = (("content-type", "application/x-www-form-urlencoded"),)
    return Probe("search by POST", "POST", f"{path}/_search", query.encode(), form)


def _hostile(aim: Aim) -> Probe:
    """A write that cannot be theirs: on what is hidden, on nobody's, with conditions."""
    address, chance = aim.address(), aim.chance
    if aim.item.number not in aim.twins.hidden:
        address = f"{aim.rtype}/{'b' * 25}a"
    match = (("if-match", f'W/"{chance.randint(1, 3)}"'),) if chance.random() < 0.5 else ()
    if chance.random() < 0.5 or "-" in address:  # a UUID that is hidden is free to take
        return Probe("write of what is hidden", "DELETE", address, headers=match)
    rtype, id = address.split("/")
    body = {"resourceType": rtype, "id": id, "status": "final", "code": {"text": "x"},
            "subject": {"reference": aim.person}}  # fmt: skip
    return Probe("write of what is hidden", "PUT", address, json.dumps(body).encode(), match)


def _masking(aim: Aim) -> Probe:
    """A mask put on, or lifted from, what is hidden or is not there; the visible stays as it is."""
    address = aim.address("DocumentReference")
    if aim.item.number not in aim.twins.hidden or not address.startswith("DocumentReference/"):
        address = f"DocumentReference/{'b' * 25}a"
    name = aim.chance.choice(("hide", "show"))
    return Probe("$hide and $show", "POST", f"{address}/${name}")


def _consent(aim: Aim) -> Probe:
    """Who may read is read by whom it concerns."""
    chance = aim.chance
    person = chance.choice((aim.person, f"Patient/{aim.twins.ids[chance.choice(CAST)]}"))
    path = chance.choice(
        (
            f"Consent?patient={person}",
            f"Consent?patient={person}&status={chance.choice(('active', 'inactive'))}",
            "Consent?_total=accurate",
            "Consent?_summary=count",
            f"Consent?patient={person}&_count=1",
            f"Consent/{aim.address().split('/')[1]}",
        )
    )
    return get("Consent", path, follow="?" in path)


def _identifier(aim: Aim) -> Probe:
    """What looks a person up by a number: telling whether the number is known is a leak."""
    value = aim.chance.choice(aim.twins.numbers)
    system = "urn:oid:1.2.250.1.213.1.4.10"
    if aim.twins.viewer.kind == "software" or aim.chance.random() < 0.2:
        return get("search by identifier", f"Patient?identifier={quote(f'{system}|{value}')}")
    body: dict[str, Any] = {
        "resourceType": "Patient",
        "identifier": [{"system": system, "value": value}],
        "name": [{"family": "X"}],
    }
    if aim.twins.viewer.kind == "patient" and aim.chance.random() < 0.5:
        named: dict[str, Any] = {"identifier": {"system": system, "value": value}}
        if aim.chance.random() < 0.5:
            named = {"reference": f"Patient?identifier={system}|{value}"}
        body = {"resourceType": "QuestionnaireResponse", "status": "completed", "subject": named}
    rtype = body["resourceType"]
    return Probe("search by identifier", "POST", rtype, json.dumps(body).encode())


def _has(aim: Aim) -> tuple[str, str]:
    """A reverse chain: what points to what is searched, and answers."""
    value = token(aim)
    if aim.rtype == "Patient" or aim.chance.random() < 0.7:
        rtype, param, code = aim.chance.choice((
            ("Observation", "subject", ("code", aim.chance.choice(CODES))),
            ("Observation", "subject", ("date", "ge" + date(aim.chance))),
            ("Observation", "subject", ("_id", aim.address("Observation").split("/")[1])),
            ("DocumentReference", "subject", ("type", aim.chance.choice(DOCUMENTS))),
            ("DocumentReference", "subject", ("_security", aim.chance.choice(MASKS))),
            ("Condition", "subject", ("recorded-date", "lt" + date(aim.chance))),
            ("DiagnosticReport", "subject", ("result.code", aim.chance.choice(CODES))),
        ))  # fmt: skip
        return f"_has:{rtype}:{param}:{code[0]}", code[1]
    if aim.rtype == "Observation":
        return aim.chance.choice((
            ("_has:DiagnosticReport:result:date", "ge" + date(aim.chance)),
            ("_has:Observation:has-member:code", value[1]),
            ("_has:Observation:has-member:_has:DiagnosticReport:result:status", "final"),
        ))  # fmt: skip
    return "_has:Provenance:target:recorded", "ge2020"


def _reverse(aim: Aim) -> Probe:
    name, value = _has(aim)
    rtype = "Patient" if ":subject:" in name else aim.rtype
    more = aim.chance.choice(((), (("_total", "accurate"),), (("_summary", "count"),), (("_id",
           aim.person.split("/")[1] if rtype == "Patient" else aim.address().split("/")[1]),)))  # fmt: skip
    return get("_has", f"{rtype}?{urlencode([(name, value), *more])}", follow=True)


def _chained(aim: Aim) -> Probe:
    chance, word = aim.chance, aim.chance.choice(WORDS)
    owner = aim.owner if aim.owner not in ("_id", "actor", "beneficiary") else "patient"
    name, value = chance.choice((
        (f"{owner}:Patient.family", word),
        (f"{owner}:Patient.birthdate", "lt" + date(chance).replace("202", "197")),
        (f"{owner}:Patient._id", aim.person.split("/")[1]),
        (f"{owner}:Patient.identifier", chance.choice(aim.twins.numbers)),
        (f"{owner}:Patient._has:Observation:subject:code", chance.choice(CODES)),
        ("has-member:Observation.code", chance.choice(CODES)),
        ("has-member:Observation._id", aim.address("Observation").split("/")[1]),
        ("result.code", chance.choice(CODES)),
        ("result:Observation.has-member:Observation.date", "ge" + date(chance)),
    ))  # fmt: skip
    rtype = ("Observation" if name.startswith("has-member") else
             "DiagnosticReport" if name.startswith("result") else aim.rtype)  # fmt: skip
    more = chance.choice(((), (("_total", "accurate"),), (("_count", "1"),)))
    return get("chain", f"{rtype}?{urlencode([(name, value), *more])}", follow=True)


def _iterated(aim: Aim) -> Probe:
    chance = aim.chance
    rtype = chance.choice(("DiagnosticReport", "Observation", "Patient", "DocumentReference"))
    given = {
        "DiagnosticReport": [("_include", "DiagnosticReport:result"),
                             ("_include:iterate", "Observation:has-member"),
                             ("_include:iterate", "Observation:subject")],
        "Observation": [("_revinclude", "DiagnosticReport:result"),
                        ("_revinclude:iterate", "DiagnosticReport:subject"),
                        ("_include", "Observation:*")],
        "Patient": [("_revinclude", "Observation:subject"),
                    ("_revinclude", "DocumentReference:subject"),
                    ("_revinclude:iterate", "DiagnosticReport:result")],
        "DocumentReference": [("_include", "*"), ("_revinclude", "DocumentReference:relatesto")],
    }[rtype]  # fmt: skip
    chosen = chance.sample(given, chance.randint(1, len(given)))
    if chance.random() < 0.6:
        chosen.append(("_id", aim.address(rtype).split("/")[1] if rtype != "Patient"
                       else aim.person.split("/")[1]))  # fmt: skip
    chosen.append(("_count", str(chance.choice((1, 3, 50)))))
    return get("includes, both ways", f"{rtype}?{urlencode(chosen)}", follow=True)


def _keys(aim: Aim) -> Probe:
    """Several keys, of what has an order and of what has none."""
    keys = [aim.dated or "_lastUpdated", "_lastUpdated", "_id", "family", "code"]
    asked = aim.chance.sample(keys[: 3 + (aim.chance.random() < 0.2) * 2], 2)
    order = ",".join(aim.chance.choice(("", "-")) + key for key in asked)
    given = (("_sort", order), ("_count", str(aim.chance.randint(1, 9))))
    return get("_sort by several", aim.search(*given), follow=True)


def _part(aim: Aim) -> Probe:
    given = aim.chance.choice((("_summary", "true"), ("_summary", "data"), ("_summary", "text"),
                               ("_elements", "status,code"), ("_total", "estimate")))  # fmt: skip
    return get("_summary and _elements", aim.search(given, token(aim)))


def _conditional(aim: Aim) -> Probe:
    """A write that depends on what is there: it must not depend on what is hidden. None is carried out."""
    chance, rtype = aim.chance, "Observation"
    condition = chance.choice((
        f"identifier=urn:labo|r-{chance.randint(1, 60)}",
        f"_id={aim.address('Observation').split('/')[1]}",
        f"code={chance.choice(CODES)}&date={date(chance)}",
        f"subject={aim.person}&code={chance.choice(CODES)}",
        f"subject={aim.person}&subject:Patient.gender={chance.choice(('female', 'male'))}",
    ))  # fmt: skip
    nobody = {"reference": f"Patient/{'b' * 25}a"}
    body: dict[str, Any] = {
        "resourceType": rtype, "status": "final", "code": {"text": "x"}, "subject": nobody,
    }  # fmt: skip
    never = (("if-match", 'W/"99"'),)
    path, method = f"{rtype}?{condition}", chance.choice(("DELETE", "PUT", "PATCH", "POST"))
    if method == "DELETE":
        return Probe("conditional write", method, path, headers=never)
    if method == "PUT":
        return Probe("conditional write", method, path, json.dumps(body).encode(), never)
    if method == "PATCH":
        return Probe("conditional write", method, path, FAILING, PATCHING)
    if condition.startswith("identifier"):
        body["status"] = "nonsense"  # here what their organisation deposited answers too: DESIGN §3
    head = (("if-none-exist", condition),)
    return Probe("conditional write", "POST", rtype, json.dumps(body).encode(), head)


FAILING = b'[{"op":"test","path":"/status","value":"nonsense"}]'
PATCHING = (("content-type", "application/json-patch+json"),)


def _patching(aim: Aim) -> Probe:
    """A patch that fails on what is there, and the operations that read as a read does."""
    address, chance = aim.address(), aim.chance
    if chance.random() < 0.3:
        return Probe("PATCH, $meta and $validate", "PATCH", address, FAILING, PATCHING)
    if chance.random() < 0.3:
        tag = {"name": "meta", "valueMeta": {"tag": [{"code": "x"}]}}
        body = json.dumps({"resourceType": "Parameters", "parameter": [tag]}).encode()
        never = (("if-match", 'W/"99"'),)
        return Probe("PATCH, $meta and $validate", "POST", f"{address}/$meta-add", body, never)
    name = chance.choice(("$meta", "$validate", "$validate?mode=delete"))
    return get("PATCH, $meta and $validate", f"{address}/{name}")


def _emergency(aim: Aim) -> Probe:
    """The mode of a regulation centre, which none of these personas has."""
    given = {"mode": ("Code", "centre-15"), "reason": ("Code", "call")}
    path = f"{aim.person}/$emergency"
    if aim.chance.random() < 0.5:
        path, given = (
            "Patient/$emergency",
            given | {"ins": ("String", aim.chance.choice(aim.twins.numbers))},
        )
    if aim.chance.random() < 0.3:
        return Probe("$emergency", "POST", f"{aim.person}/$emergency-end")
    body = {"resourceType": "Parameters", "parameter": [
        {"name": name, f"value{kind}": value} for name, (kind, value) in given.items()]}  # fmt: skip
    return Probe("$emergency", "POST", path, json.dumps(body).encode())


def _everything(aim: Aim) -> Probe:
    chance = aim.chance
    given = chance.choice((("_count", "5"), ("_type", "Observation"), ("start", date(chance)),
                           ("_since", aim.twins.now.isoformat()[:10])))  # fmt: skip
    asked = f"?{urlencode([given])}" if chance.random() < 0.7 else ""
    return get("$everything", f"{aim.person}/$everything{asked}", follow=True)


def _audit(aim: Aim) -> Probe:
    """Who was there before: a line about what is hidden is hidden, and so are its numbers."""
    until = (aim.twins.now - timedelta(minutes=1)).isoformat().replace("+00:00", "Z")
    given = [("date", "ge2026-11-20"), ("date", f"lt{until}")]
    given += aim.chance.choice(([], [("patient", aim.person)], [("entity", aim.address())],
                                [("action", "C")], [("outcome", "4")], [("subtype", "update")]))  # fmt: skip
    given += aim.chance.choice(([], [("_total", "accurate")], [("_summary", "count")]))
    return get("AuditEvent", f"AuditEvent?{urlencode(given)}&_count=500")


def _summarised(aim: Aim) -> Probe:
    path = f"{aim.person}/$summary"
    if aim.chance.random() < 0.4:  # as it is printed
        asked = urlencode(
            {"_format": "application/pdf", "_language": aim.chance.choice(("fr-FR", "en"))}
        )
        return get("$summary", f"{path}?{asked}")
    if aim.chance.random() < 0.3:
        content = (("content-type", FHIR),)
        return Probe("$summary", "POST", path, b'{"resourceType":"Parameters"}', content)
    return get("$summary", path)


def _same(aim: Aim) -> Probe:
    """Documents that are one, and what was already done of an order."""
    chance, kind = aim.chance, "$same and $already-done"
    if chance.random() < 0.3:
        body = {"resourceType": "Parameters", "parameter": [
            {"name": "patient", "valueId": aim.person.split("/")[1]},
            {"name": "system", "valueUri": LOINC},
            {"name": "code", "valueCode": chance.choice(CODES)}]}  # fmt: skip
        return Probe(kind, "POST", "ServiceRequest/$already-done", json.dumps(body).encode(),
                     (("content-type", FHIR),))  # fmt: skip
    return get(kind, chance.choice((
        f"{aim.address('DocumentReference')}/$same", f"{aim.person}/$same-documents",
        f"{aim.address('ServiceRequest')}/$already-done",
    )))  # fmt: skip


# A whole record each time: asked once where the others are asked ten times.
HEAVY = frozenset(("archive", "$take-away", "$everything", "$summary",
                   "export, page and command", "job", "$export",
                   *standard.DONE, *attacks.HEAVY))  # fmt: skip
LIGHTER = 9
LINES = frozenset(("AuditEvent",))
NUMBERS = re.compile(
    rb'"id":"[a-z2-7]{26}",?|"fullUrl":"[^"]*",?|/AuditEvent/[a-z2-7]{26}|"value":"[0-9a-f]{16}"'
)

# What is drawn or told by the clock for each document: its own number, and when it was made.
DRAWN = re.compile(
    rb"[0-9a-f]{8}-[0-9a-f]{4}-[45][0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"
    rb'|"(?:timestamp|date)":"[0-9T:.+-]{29}"'
)

GRAMMAR: dict[str, Callable[[Aim], Probe]] = {
    "read": lambda aim: get("read", aim.address()),
    "read, not modified": lambda aim: get(
        "read, not modified", aim.address(),
        headers=(("if-none-match", f'W/"{aim.chance.randint(1, 3)}"'),),
    ),
    "read of the person": lambda aim: get("read of the person", aim.person),
    "vread": lambda aim: get("vread", f"{aim.address()}/_history/{aim.chance.randint(1, 4)}"),
    "history": lambda aim: get("history", f"{aim.address()}/_history"),
    "Binary": lambda aim: get(
        "Binary", aim.address("Binary"),
        headers=(("accept", aim.chance.choice(("*/*", "text/plain", FHIR))),),
    ),
    "search, all": lambda aim: get("search, all", aim.search(about=False)),
    "search, one person": lambda aim: get("search, one person", aim.search(about=True)),
    "search by _id": lambda aim: get(
        "search by _id", f"{aim.rtype}?_id={aim.address().split('/')[1]}"),
    "search by token": lambda aim: get("search by token", aim.search(token(aim))),
    "search by label": lambda aim: get(
        "search by label", aim.search(("_security", f"{SECURITY}|{aim.chance.choice(MASKS)}"))),
    "search by reference": lambda aim: get(
        "search by reference", aim.search(("has-member" if aim.rtype == "Observation" else
        "result" if aim.rtype == "DiagnosticReport" else aim.owner, aim.address()), about=False)),
    "search by date": lambda aim: get("search by date", aim.search(span(aim), span(aim))),
    "search by string": lambda aim: get("search by string", aim.search(_words(aim))),
    "search by identifier": _identifier,
    "search by POST": _form,
    "_sort": lambda aim: get("_sort", aim.search(_sorted(aim))),
    "_count": lambda aim: get(
        "_count", aim.search(("_count", str(aim.chance.choice((0, 1, 2, 5, 1000)))))),
    "_total": lambda aim: get("_total", aim.search(("_total", "accurate"), token(aim))),
    "_summary": lambda aim: get("_summary", aim.search(("_summary", "count"), span(aim))),
    "_include": lambda aim: get("_include", aim.search(*_included(aim), ("_count", "100"))),
    "pages": lambda aim: get(
        "pages", aim.search(_sorted(aim), ("_count", str(aim.chance.randint(1, 3)))), follow=True),
    "pages with _include": lambda aim: get(
        "pages with _include", aim.search(*_included(aim), ("_count", "2"), ("_total", "accurate")),
        follow=True),
    "batch": lambda aim: bundle("batch", "batch", [
        aim.address(), aim.search(token(aim)), aim.search(("_total", "accurate")), aim.person]),
    "transaction of reads": lambda aim: bundle(
        "transaction of reads", "transaction", [aim.search(span(aim)), aim.address()]),
    "write of what is hidden": _hostile,
    "Consent": _consent,
    "$explain": lambda aim: get("$explain", f"{aim.person}/$explain"),
    "$take-away": lambda aim: get("$take-away", f"{aim.person}/$take-away"),
    "$summary": _summarised,
    "$same and $already-done": _same,
    "$hide and $show": _masking,
    "_has": _reverse,
    "chain": _chained,
    "includes, both ways": _iterated,
    "_sort by several": _keys,
    "_summary and _elements": _part,
    "conditional write": _conditional,
    "PATCH, $meta and $validate": _patching,
    "$everything": _everything,
    "$emergency": _emergency,
    "AuditEvent": _audit,
    "notice": lambda aim: Probe("notice", "GET", "", page=("notices",)),
    "letter": lambda aim: Probe("letter", "GET", "", page=("letters",)),
    **shown.GRAMMAR,
    **standard.GRAMMAR,
    **followed.GRAMMAR,
    **attacks.GRAMMAR,
}  # fmt: skip


# ------------------------------------------------------------------------------------- the comparison


def difference(a: Answer, b: Answer) -> str | None:
    """What tells one answer from the other."""
    if a.status != b.status:
        return f"status {a.status} and {b.status}"
    if a.status >= 500:
        return f"status {a.status} twice: {a.body[:300]!r}"
    seen = {name: value for name, value in a.headers.items() if name not in IGNORED}
    other = {name: value for name, value in b.headers.items() if name not in IGNORED}
    if a.body != b.body:
        return f"bodies:\n  {a.body[:700]!r}\n  {b.body[:700]!r}"
    if seen != other:
        return f"headers {set(seen.items()) ^ set(other.items())}"
    return None


async def ask(of: Twins, probe: Probe, report: Report) -> str | None:
    """The difference one probe shows, pages followed."""
    path, pages, again = probe.path, 0, 0
    while True:
        headers = dict(probe.headers)
        asked = [
            world.look(of.persona, probe.page[0], probe.page[1:], of.reader, of.now)
            if probe.page else
            world.ask(of.persona, probe.method, path, probe.body, headers)
            for world in (of.a, of.b)
        ]  # fmt: skip
        if probe.method == "GET":
            a, b = await asyncio.gather(*asked)
        else:  # files of the same bytes are made in one folder
            a, b = [await each for each in asked]
        if 503 in (a.status, b.status) and probe.method == "GET" and again < PATIENCE:
            again += 1  # a machine too busy says so to either
            continue
        report.probes += 1
        report.statuses[a.status] += 1
        if probe.kind == "$take-away" and a.status == b.status == 200:  # as an archive is
            a, b = (replace(each, body=inside(each.body, of.now)) for each in (a, b))
        if probe.kind == "$summary":
            a, b = (replace(each, body=DRAWN.sub(b"", printed(each.body))) for each in (a, b))
        if told := difference(
            *((_unnumbered(a), _unnumbered(b)) if probe.kind in LINES else (a, b))
        ):
            said = " ".join(probe.page) or path
            sent = probe.body[:700].decode(errors="replace")
            return f"{of.persona}: {probe.kind}: {probe.method} {said} {headers} {sent}: {told}"
        pages += 1
        following = _next(a) if probe.follow and pages < MOST_PAGES else None
        if following is None:
            return None
        path = following


def printed(data: bytes) -> bytes:
    """What is read on the pages of a PDF, and how many there are; anything else as it is."""
    if not data.startswith(b"%PDF"):
        return data
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(data)).pages]
    return b"%PDF\n" + "\f".join(pages).encode()


def _unnumbered(answer: Answer) -> Answer:
    """Lines of the audit without the numbers they have in it, which count the hidden ones too."""
    return Answer(answer.status, answer.headers, NUMBERS.sub(b"", answer.body))


def _next(answer: Answer) -> str | None:
    if answer.status != 200:
        return None
    links: dict[str, str] = {link["relation"]: link["url"] for link in answer.json.get("link", [])}
    if "next" not in links:
        return None
    parts = urlsplit(links["next"])
    return parts.path.removeprefix("/fhir/") + "?" + parts.query


def aims(of: Twins, chance: random.Random, grammar: Iterable[str]) -> Iterator[tuple[str, str]]:
    """(path kind, what it aims at), each pair in turn, for ever."""
    pairs = list(itertools.product(grammar, (*sorted(set(of.hidden.values())), VISIBLE)))
    while True:
        chance.shuffle(pairs)
        yield from pairs
        light = [pair for pair in pairs if pair[0] not in HEAVY]
        for _ in range(LIGHTER):
            chance.shuffle(light)
            yield from light


async def compare(
    of: Twins,
    probes: int,
    report: Report,
    *,
    first: bool = False,
    grammar: Mapping[str, Callable[[Aim], Probe]] = GRAMMAR,
) -> None:
    """Ask both worlds, each kind about each reason at least once; `first`: to the first difference."""
    try:
        await _compare(of, probes, report, first, grammar)
    finally:
        for world in (of.a, of.b):
            world.forget(of.now)


async def _compare(
    of: Twins,
    probes: int,
    report: Report,
    first: bool,
    grammar: Mapping[str, Callable[[Aim], Probe]],
) -> None:
    chance = random.Random(f"{report.seed} probes {of.persona}")
    by_why: dict[str, list[Item]] = {}
    for item in of.items:
        by_why.setdefault(of.hidden.get(item.number, VISIBLE), []).append(item)
    report.wanted |= {(kind, of.persona, why) for kind in grammar for why in by_why}
    start, now, moved = report.probes, of.now, of.now
    for world in (of.a, of.b):  # and it was later when they ended
        world.source.begin("asking", of.now, frozen=True)
        world.tokens.clear()
        world.built.door.ids._last = 0  # numbers of this run alone
    end = start + probes
    asked: list[Probe] = []
    for kind, why in aims(of, chance, grammar):
        if not by_why.get(why):
            continue
        aim = Aim(of, chance.choice(_fit(kind, by_why[why])), chance)
        asked.append(grammar[kind](aim))
        report.covered[kind, of.persona, why] += 1
        if len(asked) < TOGETHER:
            continue
        # Whatever a write draws, it draws the same in both worlds: one at a time.
        alone = [probe for probe in asked if probe.method != "GET"]
        found = await asyncio.gather(
            *(ask(of, probe, report) for probe in asked if probe.method == "GET")
        )
        for probe in alone:
            # Each at its own millisecond: an id says nothing of how many were drawn before it.
            at = now + timedelta(milliseconds=report.probes - start)
            for world in (of.a, of.b):
                world.source.begin(f"probe {report.probes}", at, frozen=True)
            found.append(await ask(of, probe, report))
        report.leaks += [told for told in found if told]
        asked = []
        if first and (report.leaks or report.probes >= end):
            return
        if report.probes >= end and report.wanted <= set(report.covered):
            return
        now = of.now + HOUR * ((report.probes - start) // EACH)
        if now != moved:
            moved = now
            for world in (of.a, of.b):
                world.move(now)
                world.forget(of.now)


def _fit(kind: str, items: list[Item]) -> list[Item]:
    """Items a kind of path can aim at best; any, when there is none."""
    wanted = {"Binary": {"Binary"}, "$hide and $show": {"DocumentReference"},
              "rendered page of one thing": {"DocumentReference"},
              "_include": {"DiagnosticReport", "Observation"},
              "pages with _include": {"DiagnosticReport"},
              **standard.FITTING, **attacks.FITTING}.get(kind, set())  # fmt: skip
    return [item for item in items if wanted & set(item.types)] or items


async def several(
    peopled: Peopled,
    probes: int,
    seed: int,
    *,
    personas: tuple[str, ...] = PERSONAS,
    count: int = 120,
) -> Report:
    """One A, a B for each persona, and the probes shared between them."""
    report = Report(seed)
    started = time.perf_counter()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    async with original(peopled, seed, count) as of:
        for persona in personas:
            async with twins(of, persona) as made:
                await compare(made, probes // len(personas), report)
    report.seconds = time.perf_counter() - started
    return report


@contextlib.asynccontextmanager
async def pair(
    peopled: Peopled, persona: str, seed: int, count: int
) -> AsyncIterator[tuple[Original, Twins]]:
    """One pair of twins."""
    async with original(peopled, seed, count) as of, twins(of, persona) as made:
        yield of, made


def run(probes: int, seed: int) -> Report:
    """A whole run, on a server of its own: what `bench/campaign` calls."""
    with campaigning("twin") as peopled:
        return quickly(several(peopled, probes, seed, count=180))


__all__ = ["PERSONAS", "Report", "World", "compare", "pair", "run", "several"]

# SPDX-License-Identifier: EUPL-1.2
"""Faults that known servers have had, and what shows that this one has not.

COVERED names every one with its tests: those of other folders are not repeated here, and `named` says that
they are still there. The eight first are of specs/domain.md and of issue 5; F1 to F9 of specs/threats.md,
where each has its source.

| fault | where it was | shown by |
| --- | --- | --- |
| a chained token of eleven values | the eleventh dropped or refused | here, and over each count |
| paging by offset | rows twice, rows never, as others write | here |
| a total that shrinks | counted page by page | here |
| a year refused as a date | R4 allows every precision | here |
| `$everything` under 32 clients | errors, or waiting for ever | here |
| `_count=1` gives two | included counted as a match | here |
| a missing value set | answered five ways | here |
| concurrent updates, deadlocks, double creation, all connections taken | | test_concurrency.py |
| more clients than connections, slow or gone; a worker or the database gone | | test_edges.py |
| F1 includes leave the compartment | | twin worlds; includes |
| F2 a missing claim is no filter | | every claim, dropped or retyped |
| F3 an empty list is everything | | an empty scope, an empty context |
| F4 results are filtered, criteria are not | | bisection; here |
| F5 hidden, yet searched or sorted by | | here, by every parameter of what is hidden |
| F6 the status tells what exists | | here, by every verb |
| F7 linked patients, identifier references | | sets merged and undone; here |
| F8 an update moves a record | | here, by every verb |
| F9 files for whoever has the address | | exports; here, by every persona |
"""

from __future__ import annotations

import ast
import base64
import json
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote

import pytest

from carnet.fhir.search.extract import extract
from tests import people
from tests.conformance.serving import Served
from tests.conformance.test_capabilities import queries
from tests.rest.samples import LAB, bundle, get, observation, organization, post
from tests.space import FHIR, Space

ROOT = Path(__file__).resolve().parents[2]
HERE = "tests/conformance/test_peers_faults.py"
COVERED = {
    "chained token of eleven values": (
        f"{HERE}::test_a_chained_token_takes_eleven_values",
        "tests/rest/test_chains.py::test_a_chained_token_takes_eleven_values",
    ),
    "offset paging": (
        f"{HERE}::test_pages_repeat_nothing_and_leave_nothing_out_while_others_write",
        "tests/rest/test_history.py::test_pages_repeat_nothing_and_leave_nothing_out_whatever_is_written",
        "tests/rest/test_search.py::test_what_does_not_change_is_on_one_page_exactly",
    ),
    "shrinking total": (
        f"{HERE}::test_pages_repeat_nothing_and_leave_nothing_out_while_others_write",
        "tests/rest/test_results.py::test_a_count_of_one_gives_one_and_the_total_stays",
    ),
    "year refused": (f"{HERE}::test_a_date_may_be_a_year",),
    "$everything under 32 clients": (
        f"{HERE}::test_everything_answers_thirty_two_clients",
        "tests/rest/test_everything.py::test_many_clients_all_get_their_answer",
    ),
    "_count=1 gives two": (f"{HERE}::test_a_count_of_one_gives_one",),
    "missing value set": (
        f"{HERE}::test_a_missing_value_set_is_answered_in_one_way",
        "tests/rest/test_terminology.py::test_what_is_missing_is_answered_in_one_way",
    ),
    "concurrent updates brick a resource": (
        "tests/conformance/test_concurrency.py::test_concurrent_updates_of_one_resource_are_each_a_version",
        "tests/rest/test_conditions.py::test_updates_at_the_same_instant_leave_one_resource_that_can_be_changed",
    ),
    "deadlocks between bundles": (
        "tests/conformance/test_concurrency.py::test_bundles_in_opposite_orders_never_wait_in_a_ring",
        "tests/rest/test_conditions.py::test_bundles_that_write_the_same_resources_in_other_orders_all_pass",
    ),
    "double conditional creation": (
        "tests/conformance/test_concurrency.py::test_sixty_four_conditional_creates_make_one",
        "tests/rest/test_conditions.py::test_sixty_four_at_the_same_instant_make_one",
    ),
    "a server that hangs when clients are as many as connections": (
        "tests/conformance/test_concurrency.py::test_as_many_slow_clients_as_the_pool_has_connections_keep_nobody_waiting",
        "tests/rest/test_conditions.py::test_sixty_four_at_the_same_instant_make_one",
        "tests/rest/test_terminology.py::test_more_callers_than_connections_do_not_wait_for_each_other",
        f"{HERE}::test_everything_answers_thirty_two_clients",
    ),
    "F1": (
        "tests/agreement/test_twin_world.py::test_twin_worlds_answer_alike",
        "tests/rest/test_includes.py::test_what_is_hidden_is_not_included_and_leads_nowhere",
        "tests/rest/test_search.py::test_an_include_never_shows_what_a_read_would_not",
    ),
    "F2": ("tests/rest/test_desk.py::test_every_claim_is_needed_and_has_its_type",),
    "F3": (
        "tests/access/test_rules.py::test_without_a_link_only_ones_own_bucket_is_left",
        "tests/access/test_rules.py::test_an_empty_scope_is_a_false_condition_and_an_empty_context",
        "tests/agreement/test_visibility.py::test_three_readings_of_the_rule_agree",
    ),
    "F4": (
        "tests/agreement/test_bisect.py::test_the_attacker_gains_nothing",
        f"{HERE}::test_what_is_hidden_is_not_searched_sorted_or_counted_by",
    ),
    "F5": (f"{HERE}::test_what_is_hidden_is_not_searched_sorted_or_counted_by",),
    "F6": (
        f"{HERE}::test_absent_hidden_and_deleted_are_answered_alike",
        "tests/access/test_writing.py::test_deleting_or_changing_what_is_hidden_is_as_with_what_is_absent",
    ),
    "F7": (
        f"{HERE}::test_a_reference_that_only_names_somebody_opens_nothing",
        "tests/agreement/test_sets.py::test_after_every_act_the_three_readings_agree",
        "tests/agreement/test_sets.py::test_a_merge_undone_leaves_every_access_table_row_for_row",
    ),
    "F8": (
        f"{HERE}::test_no_verb_moves_a_resource_to_another_person",
        "tests/rest/test_write.py::test_a_change_never_moves_a_resource_to_another_person",
        "tests/rest/test_patch.py::test_a_patch_moves_nothing_to_another_person_and_hides_nothing",
    ),
    "F9": (
        f"{HERE}::test_a_file_is_for_who_may_read_it_and_not_for_who_has_its_address",
        "tests/bulk/test_export.py::test_an_export_is_its_askers_alone",
        "tests/bulk/test_export.py::test_a_right_that_ends_closes_the_files",
    ),
}


@pytest.mark.parametrize("fault", COVERED)
def test_named(fault: str) -> None:
    """The tests that the table names are there."""
    for each in COVERED[fault]:
        path, _, name = each.partition("::")
        tree = ast.parse((ROOT / path).read_text())
        assert name in {node.name for node in ast.walk(tree)
                        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}, each  # fmt: skip


# ------------------------------------------------------------------------- over the wire


def ask(
    served: Served, path: str, who: str = LAB, body: Any = None, method: str | None = None
) -> Any:
    """(status, JSON) of one request on a connection of its own."""
    address = path if path.startswith("http") else f"{served.base}/{path}"
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {served.token(who)}", "Content-Type": FHIR}
    sent = urllib.request.Request(address, data, headers, method=method)
    try:
        with urllib.request.urlopen(sent, timeout=60) as answer:
            content = answer.read()
            return answer.status, json.loads(content) if content else None
    except HTTPError as refusal:
        return refusal.code, json.loads(refusal.read())


def make(served: Served, resource: Any) -> str:
    """The id of what was created."""
    status, made = ask(served, resource["resourceType"], body=resource)
    assert status == 201, made
    return str(made["id"])


def link(page: Any, relation: str) -> str | None:
    return next((each["url"] for each in page["link"] if each["relation"] == relation), None)


def ids(page: Any) -> list[str]:
    return [each["resource"]["id"] for each in page.get("entry", ())]


def test_a_chained_token_takes_eleven_values(served: Served) -> None:
    subject = f"Patient/{served.patient}"
    made = []
    for n in range(12):
        place = make(
            served, organization(f"Onze {n}", identifier=[{"system": "urn:onze", "value": str(n)}])
        )
        made.append(
            make(served, observation(subject, performer=[{"reference": f"Organization/{place}"}]))
        )
    for count in (10, 11, 12):
        values = quote(",".join(f"urn:onze|{n}" for n in range(count)))
        status, found = ask(
            served, f"Observation?performer:Organization.identifier={values}&_count=50"
        )
        assert (status, set(ids(found))) == (200, set(made[:count]))


@pytest.mark.parametrize("sort", ["", "&_sort=-date", "&_sort=date,_id", "&_sort=_lastUpdated"])
def test_pages_repeat_nothing_and_leave_nothing_out_while_others_write(
    served: Served, sort: str
) -> None:
    """Between two pages, what was read is deleted, and others come before and after it."""
    year = 1960 + len(sort)
    subject = f"Patient/{served.patient}"
    made = [make(served, observation(subject, date=f"{year}-01-{day:02d}")) for day in range(1, 9)]
    path: str | None = f"Observation?date={year}&_count=2&_total=accurate{sort}"
    seen, totals = [], []
    while path is not None:
        _, page = ask(served, path)
        seen += ids(page)
        totals.append(page["total"])
        path = link(page, "next")
        if (
            len(seen) == 2
        ):  # one of the first page goes, one comes first and one last: as many as before
            ask(served, f"Observation/{seen[0]}", method="DELETE")
            make(served, observation(subject, date=f"{year}-01-01"))
        assert len(seen) < 20
    assert len(seen) == len(set(seen))
    assert set(made) <= set(seen)
    assert set(totals) == {8}


@pytest.mark.parametrize("precision", ["1951", "1951-02", "1951-02-03", "1951-02-03T04:05Z"])
def test_a_date_may_be_a_year(served: Served, precision: str) -> None:
    made = make(served, observation(f"Patient/{served.patient}", date="1951-02-03T04:05:06Z"))
    for prefix in ("", "eq", "ge", "le"):
        status, found = ask(served, f"Observation?date={prefix}{precision}&date=1951&_count=50")
        assert status == 200, found
        assert made in ids(found), prefix
    written = make(served, observation(f"Patient/{served.patient}", date=precision[:4]))
    assert written in ids(ask(served, "Observation?date=1951&_count=50")[1])


def test_everything_answers_thirty_two_clients(served: Served) -> None:
    """All at the same instant, on connections of their own, more than the pool has."""
    ready = threading.Barrier(32)

    def client(_: int) -> tuple[int, int]:
        ready.wait(30)
        status, page = ask(served, f"Patient/{served.patient}/$everything?_count=20", "patient")
        while status == 503:  # told to try again, on a slow machine
            status, page = ask(served, f"Patient/{served.patient}/$everything?_count=20", "patient")
        return status, len(page.get("entry", ()))

    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(client, range(32)))
    assert {status for status, _ in answers} == {200}
    assert len({entries for _, entries in answers}) == 1


def test_a_count_of_one_gives_one(served: Served) -> None:
    """Matches alone are counted: what is included comes beside."""
    subject = f"Patient/{served.patient}"
    for _ in range(3):
        make(served, observation(subject, date="1947-01-01"))
    for more in ("", "&_sort=date", "&_include=Observation:subject", "&_total=accurate"):
        _, page = ask(served, f"Observation?date=1947&_count=1{more}", "patient")
        modes = [each["search"]["mode"] for each in page["entry"]]
        assert modes.count("match") == 1, more
        assert link(page, "next")


def test_a_missing_value_set_is_answered_in_one_way(served: Served) -> None:
    """A known server answers five ways, from an empty expansion to a 500."""
    url = quote("urn:example:no-such-set", safe="")
    told = set()
    coding = {"name": "coding", "valueCoding": {"system": "urn:a", "code": "a"}}
    given = [{"name": "url", "valueUri": "urn:example:no-such-set"}]
    for path, body in (
        (f"ValueSet/$expand?url={url}", None),
        (f"ValueSet/$expand?url={url}&filter=a&count=2", None),
        (f"ValueSet/$validate-code?url={url}&code=a&system=urn:a", None),
        ("ValueSet/$expand", {"resourceType": "Parameters", "parameter": given}),
        ("ValueSet/$validate-code", {"resourceType": "Parameters", "parameter": [*given, coding]}),
    ):
        status, answer = ask(served, path, body=body)
        told.add((status, answer["issue"][0]["code"], answer["issue"][0]["diagnostics"]))
    assert len(told) == 1, told
    assert next(iter(told))[:2] == (404, "not-found")


# ----------------------------------------------------------------------------- F4 to F9


MASKED = {"meta": {"security": [{"system": "urn:oid:1.2.250.1.213.1.1.4.13", "code": "MASQUE_PS"}]}}


@pytest.mark.slow
@pytest.mark.anyio
async def test_what_is_hidden_is_not_searched_sorted_or_counted_by(space: Space) -> None:
    """F4, F5: every search that would find it is answered, byte for byte, as before it was there."""
    subject = f"Patient/{space.patient_id()}"
    hidden = observation(
        subject,
        date="1933-03-03",
        code={"coding": [{"system": "urn:caché", "code": "c1"}], "text": "caché"},
        identifier=[{"system": "urn:caché", "value": "1"}],
        valueQuantity={"value": 99999.5, "unit": "mg"},
        note=[{"text": "caché"}],
        **MASKED,
    )
    asked = {f"Observation?{each}&_count=100" for each in queries(extract(hidden), "Observation")}
    asked |= {
        "Observation?_sort=-date&_count=3", "Observation?_sort=date&_count=3", "Observation?_total=accurate",
        "Observation?_sort=code&_count=3", "Observation?_sort=-value-quantity&_count=3",
        "Observation?identifier:missing=false", "Observation?value-quantity=gt99999&_summary=count",
        "Observation?_filter=date lt 1940", "Observation?code:text=cach", "Observation?_security=MASQUE_PS",
        "Observation?date=lt1940&_elements=note", "Observation?code:not=x&_summary=count",
        "Patient?_has:Observation:subject:code=c1", "Patient?_has:Observation:subject:date=lt1940",
        f"Patient?_id={space.patient_id()}&_revinclude=Observation:subject",
        f"{subject}/Observation?date=lt1940", f"{subject}/$everything?end=1940&_type=Observation",
    }  # fmt: skip

    async def answers() -> dict[str, tuple[int, str]]:
        found = {}
        for path in sorted(asked):
            answer = await space.get(path, as_="nurse")
            found[path] = answer.status, answer.body.split(b'"_cursor')[0].decode()
        return found

    assert len(asked) > 25
    before = await answers()
    made = await space.post("Observation", hidden, as_=LAB)
    assert made.status == 201, made.body
    id = made.json["id"]
    assert (await space.get(f"Observation/{id}", as_="nurse")).status == 404
    after = await answers()
    for path in asked:
        assert id not in after[path][1], path
        assert cut(after[path]) == cut(before[path]), path
    seen = [path for path in asked if id in (await space.get(path, as_=LAB)).body.decode()]
    assert len(seen) > 12  # the control: who may see it finds it by these


def cut(answer: tuple[int, str]) -> tuple[int, Any]:
    """An answer without its links, whose cursors are sealed anew each time."""
    try:
        content = json.loads(answer[1])
    except ValueError:
        return answer[0], answer[1].partition('"link"')[0]
    content.pop("link", None)
    return answer[0], content


@pytest.mark.slow
@pytest.mark.anyio
async def test_absent_hidden_and_deleted_are_answered_alike(space: Space) -> None:
    """F6: by every verb, to who may not see any of them."""
    subject = f"Patient/{space.patient_id()}"
    hidden, deleted = [
        (await space.post("Observation", observation(subject), as_=LAB)).json["id"]
        for _ in range(2)
    ]
    assert (await space.call("DELETE", f"Observation/{deleted}", as_=LAB)).status == 204
    absent = space.built.door.ids.encode(9, 9)
    patch = b'[{"op": "replace", "path": "/status", "value": "amended"}]'
    tag = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": {}}]}

    async def told(persona: str, id: str) -> list[tuple[int, str]]:
        address = f"Observation/{id}"
        json_patch = {"content-type": "application/json-patch+json"}
        answers = [
            await space.get(address, as_=persona),
            await space.call("HEAD", address, as_=persona),
            await space.get(address, as_=persona, **{"if-none-match": 'W/"1"'}),
            await space.get(f"{address}/_history", as_=persona),
            await space.get(f"{address}/_history/1", as_=persona),
            await space.get(f"{address}/_history/2", as_=persona),
            await space.get(f"{address}/$meta", as_=persona),
            await space.get(f"{address}/$validate", as_=persona),
            await space.post(f"{address}/$meta-add", tag, as_=persona),
            await space.put(address, observation(subject, id=id), as_=persona),
            await space.call("PATCH", address, as_=persona, body=patch, headers=json_patch),
            await space.call("DELETE", address, as_=persona),
            await space.get(f"Observation?_id={id}&_total=accurate", as_=persona),
            await space.post("", bundle(get(address), kind="batch"), as_=persona),
        ]  # fmt: skip
        return [(each.status, each.body.decode().replace(id, "ID")) for each in answers]

    for persona in ("outsider", "blocked", "hospital-software", "minor"):
        first = await told(persona, absent)
        assert await told(persona, hidden) == first, persona
        assert await told(persona, deleted) == first, persona
        assert first[0][0] == 404
    assert (await space.get(f"Observation/{deleted}", as_=LAB)).status == 410  # the control


@pytest.mark.anyio
async def test_a_reference_that_only_names_somebody_opens_nothing(space: Space) -> None:
    """F7: by number, by words or by address, what is not about them in the record is not theirs to read."""
    number = {"system": people.PATIENT.ins_oid, "value": people.PATIENT.ins}
    before = (await space.get("Observation?_total=accurate&_count=0", as_="patient")).json["total"]
    nobody = f"Patient/{'b' * 26}"
    for subject in (
        {"display": f"{people.PATIENT.used_given_name} {people.PATIENT.used_name}"},
        {"reference": nobody, "display": "x"},
        {"reference": f"https://elsewhere.example/fhir/Patient/{space.patient_id()}"},
        {"identifier": {"system": "urn:elsewhere", "value": people.PATIENT.ins}},
        {"identifier": {"value": people.PATIENT.ins}},
    ):
        made = await space.post("Observation", observation(None) | {"subject": subject}, as_=LAB)
        if made.status == 201:
            for persona in ("patient", "gp", "nurse"):
                answer = await space.get(f"Observation/{made.json['id']}", as_=persona)
                assert answer.status == 404, (subject, persona)
        else:
            assert made.status in (400, 422), made.body
    after = (await space.get("Observation?_total=accurate&_count=0", as_="patient")).json["total"]
    assert after == before
    assert (
        number["value"]
        not in (await space.get("Observation?_count=0", as_="outsider")).body.decode()
    )


@pytest.mark.anyio
async def test_no_verb_moves_a_resource_to_another_person(space: Space) -> None:
    """F8: alone or in a Bundle, by address or by condition: refused, and nothing is written."""
    mine, other = f"Patient/{space.patient_id()}", f"Patient/{space.patient_id('husband')}"
    identifier = [{"system": "urn:f8", "value": "1"}]
    made = (await space.post("Observation", observation(mine, identifier=identifier), as_=LAB)).json
    address, condition = f"Observation/{made['id']}", "Observation?identifier=urn:f8|1"
    moved = made | {"subject": {"reference": other}}
    anew = {key: value for key, value in moved.items() if key != "id"}
    patch = [{"op": "replace", "path": "/subject/reference", "value": other}]
    data = base64.b64encode(json.dumps(patch).encode()).decode()
    binary = {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": data}
    parts = [{"name": "type", "valueCode": "replace"}, {"name": "path", "valueString": "Observation.subject"},
             {"name": "value", "valueReference": {"reference": other}}]  # fmt: skip
    path_patch = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}
    ways = [("PUT", address, moved), ("PUT", condition, anew), ("PATCH", address, path_patch),
            ("PATCH", condition, path_patch), ("PATCH", address, binary)]  # fmt: skip
    for method, url, body in ways:
        if body is not binary:
            answer = await space.call(method, url, as_=LAB, body=body)
            assert answer.status == 422, (method, url, answer.body)
        one = {"request": {"method": method, "url": url}, "resource": body}
        whole = await space.post("", bundle(one), as_=LAB)
        assert whole.status == 422, (method, url, whole.body)
        beside = await space.post("", bundle(post(organization("x")), one, kind="batch"), as_=LAB)
        statuses = [each["response"]["status"][:3] for each in beside.json["entry"]]
        assert statuses == ["201", "422"], (method, url)
    assert (await space.get(f"{address}/_history", as_=LAB)).json["total"] == 1
    assert (await space.get(address, as_="patient")).json["subject"]["reference"] == mine


@pytest.mark.slow
@pytest.mark.anyio
async def test_a_file_is_for_who_may_read_it_and_not_for_who_has_its_address(space: Space) -> None:
    """F9: each Binary of the patient, asked by every persona: theirs, or absent, by each of its addresses."""
    found = (await space.get("DocumentReference?_count=3", as_="patient")).entries
    binaries = {
        content["attachment"]["url"].rpartition("/fhir/")[2]
        for each in found
        for content in each["content"]
    }
    assert binaries
    absent = f"Binary/{space.built.door.ids.encode(9, 9)}"
    asked = 0
    for persona in people.POPULATION.personas:
        if not persona.built or persona.key in ("patient", "announced"):
            continue
        try:
            await space.token(persona.key)
        except Exception:
            continue  # a kind of actor that has no token of the API
        listed = await space.get("DocumentReference?_count=100", as_=persona.key)
        seen = {each["id"] for each in listed.entries} if listed.status == 200 else set()
        nothing = await space.get(absent, as_=persona.key)
        for each in found:
            urls = {one["attachment"]["url"].rpartition("/fhir/")[2] for one in each["content"]}
            for url in urls if each["id"] not in seen else ():
                for address in (url, f"{url}/_history/1"):
                    answer = await space.get(address, as_=persona.key)
                    assert (answer.status, answer.body) == (nothing.status, nothing.body), (
                        persona.key
                    )
                    asked += 1
    assert asked > 20
    for address in binaries:
        assert (await space.get(address, as_="patient")).status == 200

# SPDX-License-Identifier: EUPL-1.2
"""The operations of terminology over HTTP: what they take, what they answer, one way of not finding."""

import asyncio
from typing import Any

import psycopg
import pytest

from carnet.fhir.validation.structure import check
from tests.fhir.terminology.conftest import put
from tests.fhir.terminology.herbs import HERBS, MORE, RESOURCES, SET, value_set
from tests.space import Answer, Space

pytestmark = pytest.mark.anyio


@pytest.fixture
def garden(space: Space) -> Space:
    """An installation with the invented nomenclature."""
    with psycopg.connect(space.admin_url, autocommit=True) as conn:
        put(conn, *MORE)
    return space


def parameters(**given: Any) -> dict[str, Any]:
    """A Parameters resource; names with their type: code_code='x', coding_Coding={…}."""
    made = []
    for name, value in given.items():
        name, _, kind = name.rpartition("_")
        made.append({"name": name, ("resource" if kind == "resource" else f"value{kind}"): value})
    return {"resourceType": "Parameters", "parameter": made}


def said(answer: Answer) -> dict[str, Any]:
    """Simple parameters of an answer, by name."""
    assert answer.status == 200, answer.body
    return {
        each["name"]: value
        for each in answer.json["parameter"]
        for key, value in each.items()
        if key.startswith("value")
    }


async def test_each_operation_answers_by_get_and_by_post(garden: Space) -> None:
    coding = {"system": HERBS, "code": "menthe"}
    looked = [
        await garden.get(f"CodeSystem/$lookup?system={HERBS}&code=menthe", as_="gp"),
        await garden.post(
            "CodeSystem/$lookup", parameters(system_Uri=HERBS, code_Code="menthe"), as_="gp"
        ),
        await garden.post("CodeSystem/$lookup", parameters(coding_Coding=coding), as_="patient"),
    ]
    assert [said(each)["display"] for each in looked] == ["Menthe"] * 3
    valid = [
        await garden.get(f"ValueSet/$validate-code?url={SET}is-a&system={HERBS}&code=menthe", as_="gp"),
        await garden.post(
            "ValueSet/$validate-code",
            parameters(url_Uri=SET + "is-a", codeableConcept_CodeableConcept={"coding": [coding]}), as_="gp",
        ),
        await garden.get(f"CodeSystem/$validate-code?url={HERBS}&code=menthe", as_="gp"),
        await garden.post("CodeSystem/$validate-code", parameters(coding_Coding=coding), as_="gp"),
    ]  # fmt: skip
    assert [said(each)["result"] for each in valid] == [True] * 4
    subsumed = await garden.get(
        f"CodeSystem/$subsumes?system={HERBS}&codeA=lam&codeB=menthe", as_="gp"
    )
    assert said(subsumed) == {"outcome": "subsumes"}
    expanded = [
        await garden.get(f"ValueSet/$expand?url={SET}is-a&count=2&offset=1&displayLanguage=en", as_="gp"),
        await garden.post(
            "ValueSet/$expand",
            parameters(url_Uri=SET + "is-a", count_Integer=2, offset_Integer=1, displayLanguage_Code="en"),
            as_="gp",
        ),
    ]  # fmt: skip
    for each in expanded:
        found = each.json["expansion"]
        assert [(one["code"], one["display"]) for one in found["contains"]] == [
            ("menthe-p", "Peppermint"), ("menthe-v", "Spearmint"),
        ]  # fmt: skip
        assert (found["total"], found["offset"]) == (3, 1)
    sent = value_set("x", {"system": HERBS, "concept": [{"code": "thym"}]})
    inline = await garden.post("ValueSet/$expand", parameters(valueSet_resource=sent), as_="gp")
    assert [one["code"] for one in inline.json["expansion"]["contains"]] == ["thym"]


MISSING = [
    f"ValueSet/$expand?url={SET}nulle-part",
    f"ValueSet/$expand?url={SET}manque",
    f"ValueSet/$expand?url={SET}is-a&valueSetVersion=9",
    f"ValueSet/$validate-code?url={SET}nulle-part&system={HERBS}&code=thym",
    f"ValueSet/{'a' * 26}/$expand",
    "CodeSystem/$lookup?system=urn:carnet:test:absent&code=x",
    f"CodeSystem/$lookup?system={HERBS}&code=x",
    "CodeSystem/$validate-code?url=urn:carnet:test:absent&code=x",
    f"CodeSystem/$subsumes?system={HERBS}&codeA=lam&codeB=x",
    f"ValueSet/$expand?url={SET}systeme-absent",
]


@pytest.mark.parametrize("path", MISSING)
async def test_what_is_missing_is_answered_in_one_way(garden: Space, path: str) -> None:
    """404 with an OperationOutcome of code not-found, wherever it is missed."""
    answer = await garden.get(path, as_="gp")
    assert answer.status == 404
    assert answer.json["resourceType"] == "OperationOutcome"
    assert [each["code"] for each in answer.json["issue"]] == ["not-found"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("CodeSystem/$lookup", 400),
        ("CodeSystem/$lookup?code=x", 400),
        (f"CodeSystem/$lookup?system={HERBS}&code=thym&code=lam", 400),
        (f"CodeSystem/$lookup?system={HERBS}&code=thym&colour=green", 400),
        (f"CodeSystem/$lookup?system={HERBS}&code=thym&date=hier", 400),
        (f"CodeSystem/$subsumes?system={HERBS}&codeA=lam", 400),
        (f"ValueSet/$expand?url={SET}entier&context=x", 400),
        (f"ValueSet/$expand?url={SET}entier&system-version={HERBS}", 400),
        (f"ValueSet/$expand?url={SET}version-1&check-system-version={HERBS}|2", 422),
        (f"ValueSet/$expand?url={SET}entier&useSupplement=urn:carnet:test:nul", 404),
        (f"CodeSystem/$lookup?system={HERBS}&code=thym&useSupplement=urn:carnet:test:nul", 404),
        (f"ValueSet/$expand?url={SET}supplement-absent", 404),
        (f"ValueSet/$expand?url={SET}grand", 403),
        (f"CodeSystem/$lookup?coding={HERBS}|thym", 400),
        (f"CodeSystem/$validate-code?url={HERBS}", 400),
        ("ValueSet/$expand", 400),
        (f"ValueSet/$expand?url={SET}entier&count=-1", 400),
        (f"ValueSet/$expand?url={SET}entier&count=deux", 400),
        (f"ValueSet/$expand?url={SET}entier&activeOnly=yes", 400),
        (f"ValueSet/$expand?url={SET}entier&filter={'x' * 3000}", 400),
        (f"ValueSet/$expand?url={SET}cercle", 422),
        (f"ValueSet/$expand?url={SET}unites", 403),
    ],
)
async def test_a_wrong_question_is_refused_with_its_reason(
    garden: Space, path: str, status: int
) -> None:
    answer = await garden.get(path, as_="gp")
    assert answer.status == status, answer.body
    assert answer.said


@pytest.mark.parametrize(
    "body",
    [
        {"resourceType": "Patient"},
        parameters(url_String=7),
        parameters(valueSet_resource={"resourceType": "Patient"}),
        parameters(valueSet_resource={"resourceType": "ValueSet", "status": "active"}),
        parameters(url_Uri=SET + "entier", valueSet_resource=value_set("x", {"system": HERBS})),
        parameters(url_Uri=SET + "entier", count_Integer=-3),
        parameters(valueSet_resource=value_set("x", {"system": HERBS, "filter": [
            {"property": "code", "op": "regex", "value": "(("}]})),
        b"{",
    ],
)  # fmt: skip
async def test_a_wrong_body_is_refused_with_its_reason(garden: Space, body: Any) -> None:
    answer = await garden.post("ValueSet/$expand", body, as_="gp")
    assert answer.status == 400, answer.body
    assert answer.said


async def test_a_parameter_that_is_not_taken_is_named(garden: Space) -> None:
    for path in ("CodeSystem/$lookup?couleur=verte", "ValueSet/$expand?couleur=verte"):
        answer = await garden.get(path, as_="gp")
        assert answer.status == 400
        assert answer.json["issue"][0]["code"] == "not-supported"
        assert "couleur" in answer.said
    inline = parameters(codeSystem_resource=RESOURCES[0], code_Code="thym")
    answer = await garden.post("CodeSystem/$validate-code", inline, as_="gp")
    assert (answer.status, answer.json["issue"][0]["code"]) == (400, "not-supported")


async def test_what_is_too_much_is_said_to_be_too_costly(garden: Space) -> None:
    """Without pages; by pages it is given, each code once, in one order."""
    answer = await garden.get(f"ValueSet/$expand?url={SET}grand", as_="gp")
    assert [each["code"] for each in answer.json["issue"]] == ["too-costly"]
    seen: list[str] = []
    for offset in range(0, 1200, 500):
        page = f"ValueSet/$expand?url={SET}grand&count=500&offset={offset}"
        found = (await garden.get(page, as_="gp")).json["expansion"]
        assert found["total"] == 1100
        seen += [each["code"] for each in found.get("contains", ())]
    assert seen == [f"c{at}" for at in range(1100)]


async def test_a_code_system_and_a_value_set_are_asked_by_their_id(garden: Space) -> None:
    found = (await garden.get(f"ValueSet?url={SET}is-a", as_="gp")).entries
    assert [each["url"] for each in found] == [SET + "is-a"]
    near = f"ValueSet/{found[0]['id']}"
    assert (await garden.get(near, as_="gp")).json == found[0]
    listed = (await garden.get(f"{near}/$expand", as_="gp")).json["expansion"]["contains"]
    assert [each["code"] for each in listed] == ["menthe", "menthe-p", "menthe-v"]
    valid = f"{near}/$validate-code?system={HERBS}&code=thym"
    assert said(await garden.get(valid, as_="gp"))["result"] is False
    other = await garden.get(f"{near}/$expand?url={SET}entier", as_="gp")
    assert other.status == 400
    systems = (await garden.get(f"CodeSystem?url={HERBS}&version=2", as_="gp")).entries
    near = f"CodeSystem/{systems[0]['id']}"
    subsumed = await garden.get(f"{near}/$subsumes?codeA=lam&codeB=menthe", as_="gp")
    assert said(subsumed) == {"outcome": "subsumes"}
    assert said(await garden.get(f"{near}/$validate-code?code=thym", as_="gp"))["result"] is True
    assert (
        await garden.get(f"CodeSystem/{'a' * 32}/$validate-code?code=x", as_="gp")
    ).status == 404


async def test_what_is_loaded_is_read_as_it_came(garden: Space) -> None:
    """A code system with its hierarchy, a value set with its clauses and lists: as their file says."""
    for sent in (*MORE[:8], *MORE[-5:]):
        kind = sent["resourceType"]
        wanted = f"{kind}?url={sent['url']}&version={sent['version']}" if "version" in sent else (
            f"{kind}?url={sent['url']}"
        )  # fmt: skip
        (found,) = (await garden.get(wanted, as_="patient")).entries
        kept = {key: value for key, value in found.items() if key not in ("id", "meta", "count")}
        if "concept" in sent and len(sent["concept"]) < 1000:
            assert sorted_properties(kept) == sorted_properties(sent)
        assert kept.get("compose") == sent.get("compose")
        assert check(found) == [] or "child-of" in str(sent)  # an operator of R5


def sorted_properties(value: Any) -> Any:
    """The same with the properties of each concept by their name: their order says nothing."""
    if isinstance(value, list):
        return [sorted_properties(each) for each in value]
    if not isinstance(value, dict):
        return value
    made = {key: sorted_properties(each) for key, each in value.items()}
    if "property" in made:
        made["property"] = sorted(made["property"], key=lambda each: str(each["code"]))
    return made


FOUND: list[tuple[str, list[str]]] = [
    ("ValueSet?name:exact=Choisies", ["choisies"]),
    ("ValueSet?name=choi", ["choisies"]),
    ("ValueSet?name:contains=OISI", ["choisies"]),
    ("ValueSet?title=les%20herbes", ["choisies"]),
    ("ValueSet?title:exact=les%20herbes", []),
    ("ValueSet?publisher=le%20jar", ["choisies"]),
    ("ValueSet?description:contains=pente", ["choisies"]),
    ("ValueSet?date=2024", ["choisies"]),
    ("ValueSet?date=ge2024-03-02&date=lt2024-03-03", ["choisies"]),
    ("ValueSet?date=gt2024-03-02", []),
    ("ValueSet?status=draft", ["choisies"]),
    ("ValueSet?status=http://hl7.org/fhir/publication-status|draft", ["choisies"]),
    ("ValueSet?status:not=active", ["choisies"]),
    ("ValueSet?identifier=urn:carnet:test|42", ["choisies"]),
    ("ValueSet?identifier=42", ["choisies"]),
    ("ValueSet?identifier=urn:autre|42", []),
    ("ValueSet?version=7", ["choisies"]),
    ("ValueSet?code=inconnue", ["liste"]),
    ("ValueSet?reference=urn:carnet:test:absent", ["systeme-absent"]),
    (f"ValueSet?url={SET}egal,{SET}parent", ["egal", "parent"]),
    ("CodeSystem?name=herbes&version=2", ["urn:carnet:test:herbes"]),
    (f"CodeSystem?system={HERBS}&version=1", ["urn:carnet:test:herbes"]),
    ("CodeSystem?identifier=urn:oid:2.999.1&version=2", ["urn:carnet:test:herbes"]),
    (f"CodeSystem?supplements={HERBS}", ["urn:carnet:test:herbes-es"]),
    ("CodeSystem?content-mode=supplement", ["urn:carnet:test:herbes-es"]),
    ("CodeSystem?language=es", ["urn:carnet:test:herbes-es"]),
    (f"CodeSystem?code=ortie&url={HERBS}&version=2", ["urn:carnet:test:herbes"]),
    ("CodeSystem?_lastUpdated=lt2000", []),
]


async def test_code_systems_and_value_sets_are_found(garden: Space) -> None:
    """By each parameter and modifier that is announced, in one installation."""
    for query, names in FOUND:
        answer = await garden.get(f"{query}&_total=accurate", as_="gp")
        assert answer.status == 200, (query, answer.body)
        assert [each["url"].removeprefix(SET) for each in answer.entries] == names, query
        assert answer.json["total"] == len(names), query


async def test_pages_of_value_sets_put_together_are_all_of_them(garden: Space) -> None:
    whole = (await garden.get("ValueSet?_count=1000&_summary=count", as_="gp")).json["total"]
    seen: list[str] = []
    path = "ValueSet?_count=7"
    while path:
        page = await garden.get(path, as_="gp")
        assert len(page.entries) <= 7
        seen += [each["id"] for each in page.entries]
        links = {each["relation"]: each["url"] for each in page.json["link"]}
        path = links.get("next", "").rpartition("/fhir/")[2]
    assert (
        len(seen)
        == len(set(seen))
        == whole
        == len([r for r in MORE if r["resourceType"] == "ValueSet"])
    )


async def test_what_replaces_a_value_set_is_another_version_of_it(garden: Space) -> None:
    """Under the same id; who had the one before is given the new one."""
    path = f"ValueSet?url={SET}entier"
    before = (await garden.get(path, as_="gp")).entries[0]
    near = f"ValueSet/{before['id']}"
    had = {"If-None-Match": (await garden.get(near, as_="gp")).headers["etag"]}
    assert (await garden.call("GET", near, as_="gp", headers=had)).status == 304
    with psycopg.connect(garden.admin_url, autocommit=True) as conn:
        put(
            conn,
            value_set("entier", {"system": HERBS, "concept": [{"code": "thym"}]}),
            replace=True,
        )
    after = await garden.call("GET", near, as_="gp", headers=had)
    assert after.status == 200
    assert after.json["compose"]["include"][0]["concept"] == [{"code": "thym"}]


async def test_nobody_writes_a_code_system_through_the_api(garden: Space) -> None:
    for persona in ("gp", "patient", "operator", "lab-software"):
        answer = await garden.post("CodeSystem", RESOURCES[0], as_=persona)
        assert answer.status in (400, 403)


async def test_a_version_is_had_by_its_number_and_by_its_day(garden: Space) -> None:
    async def shown(more: str) -> str:
        path = f"CodeSystem/$lookup?system={HERBS}&code=thym{more}"
        return str(said(await garden.get(path, as_="gp"))["display"])

    assert await shown("") == "Thym"
    assert await shown("&version=1") == "Thym d'avant"
    assert await shown("&date=2001-06-01") == "Thym d'avant"
    assert await shown("&date=2099") == "Thym"
    early = await garden.get(f"CodeSystem/$lookup?system={HERBS}&code=thym&date=1999", as_="gp")
    assert early.status == 404
    for more, wanted in (
        ("", "Thym"),
        (f"&system-version={HERBS}|1", "Thym d'avant"),
        (f"&force-system-version={HERBS}|1", "Thym d'avant"),
        (f"&check-system-version={HERBS}|1", "Thym d'avant"),
    ):
        path = f"ValueSet/$expand?url={SET}egal&filter=thym{more}"
        found = (await garden.get(path, as_="gp")).json["expansion"].get("contains", [])
        assert [each["display"] for each in found] == ([wanted] if "1" not in more else []), more


async def test_a_value_set_that_imports_what_is_missing_vouches_for_nothing(garden: Space) -> None:
    """A result of false that says what is missing; the value set itself is here."""
    path = f"ValueSet/$validate-code?url={SET}manque&system={HERBS}&code=thym"
    answer = await garden.get(path, as_="gp")
    assert said(answer)["result"] is False
    assert "could not be found" in said(answer)["message"]
    (outcome,) = [e["resource"] for e in answer.json["parameter"] if e["name"] == "issues"]
    kinds = [each["details"]["coding"][0]["code"] for each in outcome["issue"]]
    assert kinds == ["not-found", "vs-invalid"]


async def test_what_validators_send_is_taken(garden: Space) -> None:
    """The version of the system, a mark of theirs, how much is checked: of membership alone, no display."""
    path = f"ValueSet/$validate-code?url={SET}is-a&system={HERBS}&code=menthe&display=Ortie"
    path += "&version=2&uuid=urn:uuid:0c1d6f2e-0000-4000-8000-000000000000"
    assert said(await garden.get(path, as_="gp"))["result"] is False
    whole = path + "&valueSetMode=ALL_CHECKS"
    assert said(await garden.get(whole, as_="gp"))["result"] is False
    only = path + "&valueSetMode=CHECK_MEMBERSHIP_ONLY"
    assert said(await garden.get(only, as_="gp"))["result"] is True
    assert (await garden.get(path + "&valueSetMode=x", as_="gp")).status == 400


async def test_a_supplement_is_no_system_of_a_coding(garden: Space) -> None:
    path = f"CodeSystem/$validate-code?url={HERBS}-es&code=thym"
    answer = said(await garden.get(path, as_="gp"))
    assert answer["result"] is False and "is a supplement" in answer["message"]


async def test_a_display_is_judged_in_the_language_of_the_value_set(garden: Space) -> None:
    """Where the caller names none: a French label is none of a value set in English."""
    sent = value_set("x", {"system": HERBS, "concept": [{"code": "menthe"}]})
    for language, result in (("en", False), ("fr", True), ("", True)):
        asked = parameters(
            valueSet_resource=sent | ({"language": language} if language else {}),
            coding_Coding={"system": HERBS, "code": "menthe", "display": "Menthe"},
        )
        answer = await garden.post("ValueSet/$validate-code", asked, as_="gp")
        assert said(answer)["result"] is result, language


async def test_a_supplement_adds_its_labels_where_it_is_asked(garden: Space) -> None:
    """By a value set, by name, because its language is, or because a display is one of them."""
    looked = await garden.get(
        f"CodeSystem/$lookup?system={HERBS}&code=thym&displayLanguage=es", as_="gp"
    )
    assert said(looked)["display"] == "Tomillo"
    spoken = await garden.get(
        f"ValueSet/$expand?url={SET}egal&displayLanguage=es&filter=thym", as_="gp"
    )
    assert spoken.json["expansion"]["contains"][0]["display"] == "Tomillo"
    valid = f"ValueSet/$validate-code?url={SET}{{}}&system={HERBS}&code=thym&display=Tomillo"
    assert said(await garden.get(valid.format("egal"), as_="gp"))["result"] is True
    assert said(await garden.get(valid.format("egal") + "s", as_="gp"))["result"] is False
    assert said(await garden.get(valid.format("supplement"), as_="gp"))["result"] is True
    named = valid.format("egal") + "&useSupplement=urn:carnet:test:herbes-es"
    assert said(await garden.get(named, as_="gp"))["result"] is True
    found = await garden.get(f"CodeSystem/$lookup?system={HERBS}-es&code=thym", as_="gp")
    assert found.status == 404  # it is no system of its own


async def test_a_wrong_code_or_display_is_one_issue_whoever_asks(garden: Space) -> None:
    """Of a code, of a coding, of a concept: the kind, the place, and false."""

    async def issues(**given: Any) -> tuple[bool, list[tuple[str, list[str]]]]:
        sent = parameters(url_Uri=SET + "is-a", **given)
        answer = await garden.post("ValueSet/$validate-code", sent, as_="gp")
        (outcome,) = [e["resource"] for e in answer.json["parameter"] if e["name"] == "issues"]
        return said(answer)["result"], [
            (one["details"]["coding"][0]["code"], one.get("expression", []))
            for one in outcome["issue"]
        ]

    wrong = {"system": HERBS, "code": "absente"}
    assert await issues(system_Uri=HERBS, code_Code="absente") == (
        False, [("not-in-vs", ["code"]), ("invalid-code", ["code"])])  # fmt: skip
    assert await issues(coding_Coding=wrong) == (
        False, [("not-in-vs", ["Coding.code"]), ("invalid-code", ["Coding.code"])])  # fmt: skip
    at = ["CodeableConcept.coding[0].code"]
    assert await issues(codeableConcept_CodeableConcept={"coding": [wrong]}) == (
        False, [("not-in-vs", []), ("this-code-not-in-vs", at), ("invalid-code", at)])  # fmt: skip
    out = {"system": HERBS, "code": "thym"}
    assert await issues(coding_Coding=out) == (False, [("not-in-vs", ["Coding.code"])])
    shown = {"system": HERBS, "code": "menthe", "display": "Ortie"}
    place = [("invalid-display", ["Coding.display"])]
    assert await issues(coding_Coding=shown) == (False, place)
    lenient = {"lenient-display-validation_Boolean": True}
    assert await issues(coding_Coding=shown, **lenient) == (True, place)
    nowhere = {"system": "urn:carnet:test:nulle-part", "code": "x"}
    assert (await issues(coding_Coding=nowhere))[1][0] == ("not-found", ["Coding.system"])
    assert (await issues(coding_Coding={"code": "menthe"}))[0] is False


async def test_what_is_told_of_each_code_can_be_chosen(garden: Space) -> None:
    path = f"ValueSet/$expand?url={SET}is-a"

    async def first(more: str) -> dict[str, Any]:
        answer = (await garden.get(path + more, as_="gp")).json
        return dict(answer["expansion"]["contains"][1]) | {"head": answer}

    told = await first("&property=place")
    assert told["extension"][0]["extension"][1] == {"url": "value", "valueString": "jardin"}
    assert "designation" in await first("&includeDesignations=true")
    assert "designation" in await first("&designation=urn:ietf:bcp:47|en")
    assert "designation" not in await first("&designation=urn:ietf:bcp:47|de")
    assert "compose" in (await first("&includeDefinition=true"))["head"]
    assert "compose" not in (await first(""))["head"]
    assert "display" not in await first("&displayLanguage=de,*;q=0")
    assert (await first("&displayLanguage=en"))["display"] == "Peppermint"
    spoken = await garden.call("GET", path, as_="gp", headers={"Accept-Language": "en"})
    assert spoken.json["expansion"]["contains"][1]["display"] == "Peppermint"


async def test_a_regex_of_a_caller_ends(garden: Space) -> None:
    """Nested repetitions take no longer than others here; a reference back is refused."""
    for pattern, status in (("(a*)*b", 200), ("(x+x+)+y", 200), (r"(.)\1", 400), ("((", 400)):
        clause = {
            "system": HERBS,
            "filter": [{"property": "display", "op": "regex", "value": pattern}],
        }
        sent = parameters(valueSet_resource=value_set("x", clause))
        answer = await garden.post("ValueSet/$expand", sent, as_="gp")
        assert answer.status == status, (pattern, answer.body)


async def test_a_token_is_asked(garden: Space) -> None:
    assert (await garden.get(f"ValueSet/$expand?url={SET}entier")).status == 401


async def test_more_callers_than_connections_do_not_wait_for_each_other(garden: Space) -> None:
    """None waits for a connection while it holds one; a slow machine may still turn some away."""
    path = f"ValueSet/$expand?url={SET}union"
    callers = garden.built.pool.max_size + 2
    await garden.get(path, as_="gp")
    answers = await asyncio.gather(*(garden.get(path, as_="gp") for _ in range(callers)))
    statuses = [each.status for each in answers]
    assert set(statuses) <= {200, 503}
    assert statuses.count(200) > callers // 2


async def test_what_is_loaded_while_it_serves_is_answered_at_once(garden: Space) -> None:
    """Nothing remembered outlives what it was made of."""
    path = f"ValueSet/$expand?url={SET}entier&count=1"
    assert (await garden.get(path, as_="gp")).json["expansion"]["total"] == 8
    with psycopg.connect(garden.admin_url, autocommit=True) as conn:
        put(
            conn,
            value_set("entier", {"system": HERBS, "concept": [{"code": "thym"}]}),
            replace=True,
        )
    found = (await garden.get(path, as_="gp")).json["expansion"]
    assert (found["total"], found["contains"][0]["code"]) == (1, "thym")


async def test_the_capability_statement_says_what_is_tested_here(garden: Space) -> None:
    resources = (await garden.get("metadata")).json["rest"][0]["resource"]
    told = {each["type"]: [o["name"] for o in each.get("operation", ())] for each in resources}
    assert told["CodeSystem"][-3:] == ["lookup", "subsumes", "validate-code"]
    assert told["ValueSet"][-2:] == ["expand", "validate-code"]

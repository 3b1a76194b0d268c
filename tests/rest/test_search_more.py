# SPDX-License-Identifier: EUPL-1.2
"""Searches that follow more than a chain: lists, words, parts of a whole, whole compartments."""

from typing import Any
from urllib.parse import quote, urlencode

import pytest

from carnet.fhir.search import contents
from tests.rest.samples import HOSPITAL, LAB, Json, observation, organization
from tests.rest.test_numbers import of
from tests.rest.test_search import FORM, ids, links, make, walked
from tests.space import Space

pytestmark = pytest.mark.anyio


def listed(subject: str, *items: str, **more: Any) -> Json:
    entry = [{"item": {"reference": each}} for each in items]
    return {
        "resourceType": "List",
        "status": "current",
        "mode": "working",
        "subject": {"reference": subject},
        "entry": entry,
        **more,
    }


def noted(subject: str, text: str, **more: Any) -> Json:
    narrative = {
        "status": "generated",
        "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{text}</p></div>',
    }
    return observation(subject, text=narrative, **more)


async def test_words_are_found_in_the_narrative_and_in_every_text(space: Space) -> None:
    someone = f"Patient/{space.patient_id()}"
    made = a, b, c = await make(
        space,
        noted(someone, "Métastases <b>du foie</b> &amp; des os", valueString="Fracture ancienne"),
        noted(someone, "Foie sain", note=[{"text": "À l'hôpital"}]),
        observation(someone, valueString="Œdème du cœur"),
    )
    them = f"_id={','.join(made)}"
    for query, expected in [
        ("_text=metastases", {a}),
        ("_text=MÉTASTASE", {a}),
        ("_text=foie", {a, b}),
        ("_text=foie os", {a}),
        ("_text=foie AND os", {a}),
        ("_text=sain OR os", {a, b}),
        ("_text=(sain or os) and foie", {a, b}),
        ("_text=foie NOT os", {b}),
        ("_text=NOT foie", {c}),
        ('_text="du foie"', {a}),
        ('_text="foie du"', set()),
        ('_text="fo"', set()),
        ("_text=tases", set()),
        ("_text=fracture", set()),
        ("_content=fracture", {a}),
        ("_content=hopital", {b}),
        ("_content=l'hôpital", {b}),
        ("_content=coeur", {c}),
        ("_content=oedeme du cœur", {c}),
        ("_content=xhtml", set()),
        ("_text=sain,os", {a, b}),
        ("_text=foie&_content=ancienne", {a}),
        ("_text=foie&_text=sain", {b}),
        ("_content=fracture&value-string=oe", set()),
    ]:
        found = await ids(space, f"Observation?{them}&{quote(query, safe='=&')}")
        assert set(found) == expected, query
    total = await space.get(f"Observation?{them}&_text=foie&_summary=count", as_=LAB)
    assert total.json["total"] == 2
    for wrong in (
        "(foie",
        "foie)",
        "OR foie",
        "foie OR",
        "NOT",
        "()",
        "&",
        "a" + " a" * 30,
        "(" * 11 + "a" + ")" * 11,
    ):
        answer = await space.get(f"Observation?_text={quote(wrong)}", as_=LAB)
        assert (answer.status, answer.json["issue"][0]["code"]) == (400, "invalid"), wrong
        assert "_text" in answer.said


async def test_a_sealed_text_is_found_by_its_middle_and_its_end(space: Space) -> None:
    someone = f"Patient/{space.patient_id()}"
    made = a, b = await make(
        space,
        observation(someone, valueString="Sommeil agité la nuit"),
        observation(someone, valueString="Agitation, le jour"),
    )
    them = f"_id={','.join(made)}"
    for query, expected in [
        ("value-string:contains=agit", {a, b}),
        ("value-string:contains=meil AGITÉ", {a}),
        ("value-string:contains=jour,nuit", {a, b}),
        ("value-string:contains=soir", set()),
        ("_filter=value-string co agit and value-string ew jour", {b}),
        ("_filter=value-string ew nuit", {a}),
        ("_filter=value-string ew agitation", set()),
        ("_filter=not (value-string co nuit)", {b}),
        ("_filter=value-string co nuit or value-string ew jour", {a, b}),
    ]:
        found = await ids(space, f"Observation?{them}&{quote(query, safe='=&:')}")
        assert set(found) == expected, query
    (group,) = await make(
        space, observation(someone, hasMember=[{"reference": f"Observation/{a}"}])
    )
    chained = "has-member:Observation.value-string:contains=nuit"
    assert await ids(space, f"Observation?_id={group}&{chained}") == [group]
    back = "_has:Observation:has-member:value-string:contains=nuit"
    assert await ids(space, f"Observation?{them}&{back}") == []


async def test_what_is_hidden_is_opened_for_nobody(space: Space) -> None:
    someone = f"Patient/{space.patient_id()}"
    (theirs,) = await make(space, noted(someone, "Secret", valueString="au milieu"), by=HOSPITAL)
    for query in (
        "_text=secret",
        "_content=milieu",
        "value-string:contains=milieu",
        "_filter=value-string ew milieu",
    ):
        query = f"Observation?_id={theirs}&{quote(query, safe='=&:')}"
        assert await ids(space, query, as_=HOSPITAL) == [theirs], query
        assert await ids(space, query) == [], query
        assert (await space.get(f"{query}&_summary=count", as_=LAB)).json["total"] == 0
    (mine,) = await make(space, observation(someone))
    (list_,) = await make(space, listed(someone, f"Observation/{mine}"), by=HOSPITAL)
    assert await ids(space, f"Observation?_list={list_}") == []
    (seen,) = await make(space, listed(someone, f"Observation/{mine}", f"Observation/{theirs}"))
    assert await ids(space, f"Observation?_list={seen}") == [mine]


async def test_a_list_is_what_it_names(space: Space) -> None:
    someone = f"Patient/{space.patient_id()}"
    a, b, c = await make(space, *(observation(someone, code=of(each)) for each in "abc"))
    (one,) = await make(
        space,
        listed(someone, f"Observation/{a}", f"http://carnet.test/fhir/Observation/{b}", someone),
    )
    gone = {"item": {"reference": f"Observation/{b}"}, "deleted": True}
    (other,) = await make(
        space,
        listed(someone, mode="changes", entry=[gone, {"item": {"reference": f"Observation/{c}"}}]),
    )
    for query, expected in [
        (f"_list={one}", {a, b}),
        (f"_list={other}", {c}),
        (f"_list=List/{one}&code=a", {a}),
        (f"_list={one},{other}", {a, b, c}),
        (f"_list={one}&_list={other}", set()),
        (f"_filter=code eq a and not (code eq b)&_list={one}", {a}),
        (f"_list={a}", set()),
        (f"_list={'b' * 25}a", set()),
    ]:
        found = await ids(space, f"Observation?{quote(query, safe='=&/,')}")
        assert set(found) == expected, query
    (group,) = await make(
        space, observation(someone, hasMember=[{"reference": f"Observation/{b}"}])
    )
    assert await ids(space, f"Observation?has-member:Observation._list={one}") == [group]
    refused = await space.get("Observation?_list=$current-problems", as_=LAB)
    assert (refused.status, refused.json["issue"][0]["code"]) == (400, "not-supported")


async def test_a_reference_is_followed_above_and_below(space: Space) -> None:
    someone = f"Patient/{space.patient_id()}"

    def part(name: str, of: str) -> Json:
        return organization(name, partOf={"reference": f"Organization/{of}"})

    (top,) = await make(space, organization("Tout"))
    left, right = await make(space, part("Gauche", top), part("Droite", top))
    (leaf,) = await make(space, part("Feuille", left))
    (hidden,) = await make(space, part("Cachée", right), by=HOSPITAL)
    (beyond,) = await make(space, part("Au-delà", hidden))
    at = {
        (
            await make(
                space, observation(someone, performer=[{"reference": f"Organization/{each}"}])
            )
        )[0]: each
        for each in (top, left, right, leaf, beyond)
    }
    for query, expected in [
        (f"performer:below=Organization/{top}", {top, left, right, leaf}),
        (f"performer:below={left}", {left, leaf}),
        (f"performer:below=Organization/{leaf}", {leaf}),
        (f"performer:above=Organization/{leaf}", {leaf, left, top}),
        (f"performer:above=Organization/{top}", {top}),
        (f"performer:above=Organization/{beyond}", {beyond}),  # what is above it is hidden
        (f"performer:below=Organization/{leaf},Organization/{right}", {leaf, right}),
        (
            f"_filter=performer ss Organization/{left} or performer eq Organization/{right}",
            {left, leaf, right},
        ),
        (f"_filter=not (performer ss Organization/{left})", {top, right, beyond}),
    ]:
        found = await ids(space, f"Observation?_id={','.join(at)}&{quote(query, safe='=:/,')}")
        assert {at[each] for each in found} == expected, query
    assert set(await ids(space, f"Organization?partof:below={top}")) == {left, right, leaf}
    for wrong in (
        f"performer:below=Practitioner/{top}",
        f"subject:below={someone}",
        f"encounter:above={someone}",
        "derived-from:below=x",
    ):
        answer = await space.get(f"Observation?{wrong}", as_=LAB)
        assert (answer.status, answer.json["issue"][0]["code"]) == (400, "not-supported"), wrong
        assert wrong.partition(":")[0] in answer.said


async def test_versions_of_a_definition_are_above_and_below_each_other(space: Space) -> None:
    someone = f"Patient/{space.patient_id()}"
    url = "https://a.b/Questionnaire/q"
    made = {}
    for version in ("", "|1", "|1.2", "|1.2.3", "|1.20", "|2"):
        (made[version],) = await make(
            space,
            {
                "resourceType": "QuestionnaireResponse",
                "status": "completed",
                "subject": {"reference": someone},
                "questionnaire": url + version,
            },
        )
    them = f"_id={','.join(made.values())}"
    for query, expected in [
        (f"questionnaire={url}", set(made)),
        (f"questionnaire={url}|1.2", {"|1.2"}),
        (f"questionnaire:below={url}|1", {"|1", "|1.2", "|1.2.3", "|1.20"}),
        (f"questionnaire:below={url}|1.2", {"|1.2", "|1.2.3"}),
        (f"questionnaire:below={url}", set(made)),
        (f"questionnaire:below={url}|3", set()),
        (f"questionnaire:above={url}|1.2.3", {"|1", "|1.2", "|1.2.3"}),
    ]:
        found = await ids(space, f"QuestionnaireResponse?{them}&{quote(query, safe='=:')}")
        assert {version for version, id in made.items() if id in found} == expected, query


async def test_a_whole_compartment_is_searched_by_what_every_type_has(space: Space) -> None:
    one, other = f"Patient/{space.patient_id()}", f"Patient/{space.patient_id('husband')}"
    tag = {"tag": [{"system": "urn:t", "code": "here"}]}
    condition = {
        "resourceType": "Condition",
        "subject": {"reference": one},
        "meta": tag,
        "code": {"text": "Asthme"},
    }
    mine, said, ill, theirs, also = await make(
        space,
        observation(one, meta=tag),
        observation(other, performer=[{"reference": one}], meta=tag),
        condition,
        observation(other, meta=tag),
        observation(one),
    )
    whole = f"{one}/*?_tag=urn:t|here"
    assert set(await ids(space, whole)) == {mine, said, ill}
    for query, expected in [
        ("", {mine, said, ill}),
        ("&_type=Condition", {ill}),
        ("&_type=Condition,Observation", {mine, said, ill}),
        (f"&_id={mine},{theirs}", {mine}),
        ("&_tag:not=urn:t|here", set()),
        ("&_content=asthme", {ill}),
        ("&_lastUpdated=gt2100", set()),
        ("&_sort=-_lastUpdated", {mine, said, ill}),
        ("&_tag:missing=true", set()),
    ]:
        assert set(await ids(space, whole + query)) == expected, query
    assert set(await walked(space, f"{whole}&_count=1")) == {mine, said, ill}
    assert also in await walked(space, f"{one}/*?_tag:not=urn:t|here&_count=2")
    assert (await space.get(f"{whole}&_summary=count", as_=LAB)).json["total"] == 3
    assert set(await ids(space, f"{other}/*?_tag=urn:t|here")) == {said, theirs}
    assert await ids(space, f"{one}/*", as_="outsider") == []
    body = urlencode({"_tag": "urn:t|here", "_type": "Observation"}).encode()
    form = {"Content-Type": FORM}
    answer = await space.call("POST", f"{one}/*/_search", as_=LAB, body=body, headers=form)
    assert {each["id"] for each in answer.entries} == {mine, said}
    assert links(answer)["self"].startswith(f"{one}/*?")
    answer = await space.call(
        "POST",
        f"{one}/Observation/_search?_tag=urn:t|here",
        as_=LAB,
        body=b"status=final",
        headers=form,
    )
    assert {each["id"] for each in answer.entries} == {mine, said}
    for wrong, code in [
        (f"{one}/*?code=a", "not-supported"),
        (f"{one}/*?_type=Nothing", "invalid"),
        (f"{one}/*?_sort=date", "not-supported"),
        (f"{one}/*?_has:Observation:subject:code=a", "not-supported"),
        ("Nothing/a/*", "not-found"),
        (f"{one}/*?_type=Slot", "not-found"),
        (f"{one}/*?_filter=code eq a", "not-supported"),
    ]:
        refused = await space.get(quote(wrong, safe="/*?=:|&"), as_=LAB)
        assert refused.json["issue"][0]["code"] == code, wrong


async def test_a_batch_reads_compartments(space: Space) -> None:
    one = f"Patient/{space.patient_id()}"
    (mine,) = await make(space, observation(one, code=of("only")))
    urls = [f"{one}/Observation?code=only", f"{one}/*?_id={mine}", f"{one}/Nothing"]
    for kind in ("batch", "transaction"):
        entry = [
            {"request": {"method": "GET", "url": url}}
            for url in urls[: 3 if kind == "batch" else 2]
        ]
        answer = await space.post(
            "", {"resourceType": "Bundle", "type": kind, "entry": entry}, as_=LAB
        )
        found = [each.get("resource", {}).get("entry", []) for each in answer.json["entry"]]
        assert [[e["resource"]["id"] for e in each] for each in found[:2]] == [[mine], [mine]]
    wrong = [{"request": {"method": "GET", "url": urls[2]}}]
    answer = await space.post(
        "", {"resourceType": "Bundle", "type": "batch", "entry": wrong}, as_=LAB
    )
    assert answer.json["entry"][0]["response"]["status"].startswith("4")


async def test_what_is_opened_has_a_limit_that_counts_what_is_seen(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "MOST_OPENED", 2)
    someone = f"Patient/{space.patient_id()}"
    made = await make(space, *(noted(someone, "Foie", valueString="x") for _ in range(3)))
    hidden = await make(
        space, *(noted(someone, "Foie", valueString="x") for _ in range(3)), by=HOSPITAL
    )
    three, two = f"_id={','.join([*made, *hidden])}", f"_id={','.join([*made[:2], *hidden])}"
    for query in ("_text=foie", "_content=foie", "value-string:contains=x"):
        refused = await space.get(f"Observation?{three}&{query}", as_=LAB)
        assert (refused.status, refused.json["issue"][0]["code"]) == (403, "too-costly"), query
        assert refused.said.startswith(query.partition("=")[0].partition(":")[0] + ": ")
        assert set(await ids(space, f"Observation?{two}&{query}")) == set(made[:2]), query


async def test_reverse_chains_go_four_deep_and_no_further(space: Space) -> None:
    someone = f"Patient/{space.patient_id()}"
    (chain,) = await make(space, organization("Bout"))
    (last,) = await make(
        space, observation(someone, performer=[{"reference": f"Organization/{chain}"}])
    )
    for at in range(3):
        more = [{"reference": f"Observation/{last}"}]
        (last,) = await make(space, observation(someone, hasMember=more, code=of(f"n{at}")))
    deep = "_has:Observation:performer:" + "_has:Observation:has-member:" * 3
    assert await ids(space, f"Organization?_id={chain}&{deep}code=n2") == [chain]
    assert await ids(space, f"Organization?_id={chain}&{deep}code=n1") == []
    refused = await space.get(f"Organization?{deep}_has:Observation:has-member:code=a", as_=LAB)
    assert (refused.status, refused.json["issue"][0]["code"]) == (403, "too-costly")
    assert "_has" in refused.said
    mixed = "_has:Observation:performer:has-member:Observation.has-member:Observation.has-member"
    assert await ids(space, f"Organization?_id={chain}&{mixed}:Observation.code=n2") == []

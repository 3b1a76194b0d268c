# SPDX-License-Identifier: EUPL-1.2
"""Who wrote what answers: names that narrow a search, of what its viewer sees and nothing else."""

import json
from typing import Any

import pytest
import zstandard

from carnet.documents.pages import Asked
from carnet.documents.text import index, queries
from carnet.documents.text.authors import authors, known
from tests.documents.lots import mask
from tests.documents.text.test_find import ids, looked, note
from tests.space import Space

PRACTITIONER = {
    "resourceType": "Practitioner", "id": "p",
    "name": [{"family": "ZAHARI", "given": ["Anne-Lise"], "prefix": ["MME"], "suffix": ["DR"]}],
}  # fmt: skip
CLINIC = {"resourceType": "Organization", "id": "c", "name": "Clinique des  Acacias"}
ROLE = {
    "resourceType": "PractitionerRole", "id": "r",
    "practitioner": {"reference": "#p"}, "organization": {"reference": "#c"},
}  # fmt: skip
BOTH: dict[str, Any] = {"contained": [PRACTITIONER, CLINIC, ROLE], "author": [{"reference": "#r"}]}


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (BOTH, ("Dr Anne-Lise ZAHARI", "Clinique des Acacias")),
        ({**BOTH, "author": [{"reference": "#c"}, {"reference": "#p"}]},
         ("Clinique des Acacias", "Dr Anne-Lise ZAHARI")),
        ({"author": [{"display": "Dr Zahari"}, {"display": "ZAHARI"}]}, ("Dr Zahari",)),
        ({"author": [{"reference": "#absent", "display": "Ici"}]}, ("Ici",)),
        ({"author": [{"reference": "#d"}],
          "contained": [{"resourceType": "Device", "id": "d", "deviceName": [{"name": "Automate"}]}]},
         ("Automate",)),
        ({"author": [{"reference": "Practitioner/1"}]}, ()),
        ({}, ()),
    ],
)  # fmt: skip
def test_names_are_those_of_persons_and_of_organisations(
    resource: dict[str, Any], expected: tuple[str, ...]
) -> None:
    assert authors(resource) == expected


@pytest.mark.parametrize(
    "name", ["Dr Anne-Lise ZAHARI", "Zahari Anne Lise", "Pr. anne-lise zahari"]
)
def test_one_name_written_otherwise_is_one_choice(name: str) -> None:
    assert known(name) == "anne lise zahari"


@pytest.mark.anyio
async def test_an_author_narrows_a_search(space: Space) -> None:
    one = await note(space, "Un caracal.", title="Un", **BOTH)
    two = await note(space, "Deux caracals.", title="Deux", contained=[PRACTITIONER],
                     author=[{"reference": "#p"}])  # fmt: skip
    three = await note(space, "Trois caracals.", title="Trois")
    whole = await looked(space, "caracal")
    counted = {each.label: each.count for each in whole.authors}
    assert counted["Dr Anne-Lise ZAHARI"] == 2
    assert counted["Clinique des Acacias"] == 1
    (value,) = (each.value for each in whole.authors if each.label == "Dr Anne-Lise ZAHARI")
    found = await looked(space, "caracal", asked=Asked(author=value))
    assert set(ids(found)) == {one, two}
    assert found.total == 2
    assert sum(each.count for each in found.kinds) == 2
    assert {each.label for each in found.authors} == counted.keys()  # what else may be chosen
    for wrong in ("0", "zz", "é", "f" * 99, "1.2.3"):
        assert (await looked(space, "caracal", asked=Asked(author=wrong))).total == 0
    assert three in ids(whole)
    assert set(ids(await looked(space, "caracal zahari"))) == {one, two}  # a name is a word too


@pytest.mark.anyio
async def test_the_author_of_a_hidden_document_is_named_to_nobody_else(space: Space) -> None:
    seen = await note(space, "Un ocelot.", title="Vu")
    hidden = await note(
        space, "Un ocelot tu.", title="Tu", securityLabel=[mask("MASQUE_PS")], **BOTH
    )
    own = await looked(space, "ocelot", "patient")
    assert set(ids(own)) == {seen, hidden}
    (value,) = (each.value for each in own.authors if "ZAHARI" in each.label)
    other = await looked(space, "ocelot", "pharmacist")
    assert ids(other) == [seen]
    assert not any("ZAHARI" in each.label or "Acacias" in each.label for each in other.authors)
    chosen = await looked(space, "ocelot", "pharmacist", Asked(author=value))
    assert chosen.total == 0
    assert all(each.label in {a.label for a in other.authors} for each in chosen.authors)
    assert (await looked(space, "zahari", "pharmacist")).total == 0


@pytest.mark.anyio
async def test_no_name_of_an_author_rests_readable(space: Space) -> None:
    one = await note(space, "Un margay.", **BOTH)
    door = space.built.door
    place = door.ids.decode(one)
    assert place is not None
    name = known("Anne-Lise Zahari")
    kept = await space.rows("SELECT authors FROM documents.words WHERE rid = %s", place[1])
    assert queries.writer(door.hasher, place[0], name) in kept[0][0]
    assert queries.writer(door.hasher, place[0] + 1, name) not in kept[0][0]
    (said,) = await space.rows("SELECT body FROM documents.said WHERE rid = %s", place[1])
    assert b"ZAHARI" not in bytes(said[0])


@pytest.mark.anyio
async def test_a_text_that_an_older_version_sealed_is_still_read(space: Space) -> None:
    one = await note(space, "Un tayra.", **BOTH)
    door = space.built.door
    place = door.ids.decode(one)
    assert place is not None
    told = json.dumps(["Titre", ["Rubrique"], "Un tayra."]).encode()
    cipher = (await _ciphers(space, place[0]))[place[0]]
    packed = zstandard.ZstdCompressor().compress(told)
    body = b"0" * 12 + cipher.encrypt(b"0" * 12, packed, index._place(*place))
    assert index.opened(cipher, *place, body) == index.Text("Titre", ("Rubrique",), "Un tayra.")


async def _ciphers(space: Space, cid: int) -> Any:
    door = space.built.door
    async with door.pool.connection() as conn:
        return await door.vault.ciphers(conn, [cid])

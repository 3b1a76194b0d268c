# SPDX-License-Identifier: EUPL-1.2
"""A minor's secret connection: what is done in it leaves no trace for their representatives.

The twin worlds (tests/agreement) ask far more of it: they hold secret acts, and a parent looks.
"""

from dataclasses import replace
from typing import Any

import pytest

from carnet.access import handles
from carnet.app import parts
from carnet.documents import consult
from carnet.notices import settings
from carnet.notices.settings import SeenAtHome
from carnet.rights import block, close, consent, erase, oppose, professionals, refuse, trust
from carnet.rights.holder import SeenByRepresentatives
from carnet.rights.readers import openings
from tests import people
from tests.rights.test_mandates import management
from tests.space import Answer, Space

pytestmark = pytest.mark.anyio

SECRET = {"carnet-connexion": "secret"}
HIDDEN = 4  # INVISIBLE_REPRESENTANTS_LEGAUX


async def asked(space: Space, token: dict[str, str]) -> list[Any]:
    """What a parent gets of the child's record, in many ways."""
    child = space.patient_id("minor")
    paths = (
        f"Patient/{child}", "Patient", f"DocumentReference?patient={child}&_total=accurate",
        "DocumentReference?_sort=-_lastUpdated", f"Observation?patient={child}&_summary=count",
        f"Condition?patient={child}&_total=accurate", "QuestionnaireResponse", "Binary?_count=0",
        f"DocumentReference?patient={child}&_count=1&_total=accurate",
    )  # fmt: skip
    found: list[Any] = []
    for path in paths:
        answer = await space.call("GET", path, headers=token)
        found.append((answer.status, answer.body))
    found.append(await consult.documents(await space.visit("parent"), child))
    return found


async def readers(space: Space) -> list[tuple[str, str, str]]:
    """What a parent reads of who was in the child's record."""
    lines = await openings(await space.visit("parent"), space.patient_id("minor"))
    return [(line.who, line.what, line.place) for line in lines if not line.own]


async def consented(space: Space) -> list[Any]:
    """What a parent is told of consents."""
    child = space.patient_id("minor")
    listed = await space.get(f"Consent?patient={child}", as_="parent")
    return [listed.body, await professionals.known(await space.visit("parent"), child)]


async def secretly(space: Space, token: dict[str, str]) -> list[Answer]:
    """The minor and their carers, in secret: they read, search and deposit."""
    child = space.patient_id("minor")
    about = {"subject": {"reference": f"Patient/{child}"}}
    mine = await space.call("POST", "QuestionnaireResponse", headers=token, body={
        "resourceType": "QuestionnaireResponse", "status": "completed", **about})  # fmt: skip
    theirs = management(space, child, "DOCPAT06", "1.2.250.1.213.1.1.4.12")
    deposited = await space.call("POST", "DocumentReference", headers=token, body=theirs)
    report = management(space, child, "11488-4", "http://loinc.org")
    kept = await space.post("DocumentReference", report, as_="gp", **SECRET)
    problem = {"resourceType": "Condition", "code": {"text": "x"}, **about}
    made = [
        mine, deposited, kept,
        await space.post("Condition", problem, as_="nurse", **SECRET),
        await space.post("Condition", problem, as_="hospital-software", **SECRET),
        await space.get(f"Patient/{child}", as_="gp", **SECRET),
        await space.get(f"DocumentReference?patient={child}", as_="gp", **SECRET),
        await space.call("GET", f"DocumentReference/{deposited.json['id']}", headers=token),
    ]  # fmt: skip
    assert [answer.status for answer in made] == [201] * 5 + [200] * 3
    return made


async def secret_token(space: Space, persona: str) -> dict[str, str]:
    subject = f"patient:{persona}"
    who = await parts.actor(space.built, subject, client="tests", secret=True)
    claims = parts.claims(space.built, who, "*")
    return {"authorization": f"Bearer {space.built.desk.tokens.issue(claims, lifetime=300)}"}


async def test_a_parent_gets_the_same_answers_with_and_without_secret_acts(space: Space) -> None:
    parent = {"authorization": f"Bearer {await space.token('parent')}"}
    minor = await secret_token(space, "minor")
    await space.post("Condition", {
        "resourceType": "Condition", "code": {"text": "open"},
        "subject": {"reference": f"Patient/{space.patient_id('minor')}"},
    }, as_="hospital-software")  # fmt: skip
    before, told = await asked(space, parent), await readers(space)
    given = await consented(space)
    over, child = await space.visit("parent"), space.patient_id("minor")
    chosen = await consent.all_of(over, child)
    await secretly(space, minor)
    outsider = replace(await space.visit("outsider"), actor=replace(
        await space.actor("outsider"), secret=True))  # fmt: skip
    handle = handles.write(outsider, space.where.people["minor"])
    await consent.declare(outsider, handle, "oral")
    assert await consented(space) == given
    assert await space.rows("SELECT count(*) FROM access.consent WHERE secret") == [(1,)]
    assert await consent.all_of(over, child) == chosen
    assert await asked(space, parent) == before
    assert await readers(space) == told


async def test_choices_that_representatives_read_are_not_made_in_secret(space: Space) -> None:
    own = await space.visit("minor")
    secret = replace(own, actor=replace(own.actor, secret=True))
    rpps = (await space.actor("gp")).rpps
    assert rpps is not None
    for act in (block.block, block.unblock, trust.trust, trust.untrust):
        with pytest.raises(SeenByRepresentatives):
            await act(secret, rpps)
    before = await space.rows("SELECT count(*) FROM access.audit")
    for ruling in (close.close, erase.ask, oppose.oppose):
        with pytest.raises(SeenByRepresentatives):
            await ruling(secret)
    with pytest.raises(SeenByRepresentatives):
        await oppose.feeding(secret, opposed=True, motive="personal")
    with pytest.raises(SeenAtHome):
        await settings.choose(secret, settings.Settings("m@example.org", "fr", ()))
    with pytest.raises(SeenByRepresentatives):
        await refuse.refuse(secret, "bris-de-glace", refused=True)
    with pytest.raises(SeenByRepresentatives):  # the consent of a team, which parents read
        await consent.withdraw(secret, rpps)
    assert await space.rows("SELECT count(*) FROM access.audit") == before
    for table in ("block", "trusted", "refusal"):
        rows = f"SELECT count(*) FROM access.{table} WHERE cid = %s"
        assert await space.rows(rows, space.where.people["minor"]) == [(0,)]


@pytest.mark.parametrize("where", ["open", "secret"])
async def test_a_consent_said_in_secret_ends_without_a_trace_and_by_the_minor_alone(
    space: Space, where: str
) -> None:
    """where: the connection in which the minor ends it."""
    over, child = await space.visit("parent"), space.patient_id("minor")
    outsider, own = await space.visit("outsider"), await space.visit("minor")
    hidden = replace(outsider, actor=replace(outsider.actor, secret=True))
    rpps = outsider.actor.rpps
    assert rpps is not None
    before, told = await consented(space), await readers(space)
    handle = handles.write(hidden, space.where.people["minor"])
    await consent.declare(hidden, handle, "oral")
    assert await consent.withdraw(over, rpps, child) == 0
    ((id, cid),) = await space.rows("SELECT id, cid FROM access.consent WHERE secret")
    assert not await consent.end(over, space.built.door.ids.encode(cid, id), child)
    assert await space.rows(LIVE) == [(1,)]
    ending = replace(own, actor=replace(own.actor, secret=where == "secret"))
    assert await consent.withdraw(ending, rpps) == 1
    assert await space.rows(LIVE) == [(0,)]
    assert (await consented(space), await readers(space)) == (before, told)


LIVE = "SELECT count(*) FROM access.consent WHERE secret AND withdrawn IS NULL"


async def test_an_adult_is_told_of_a_consent_whatever_the_connection_says(space: Space) -> None:
    outsider = await space.visit("outsider")
    hidden = replace(outsider, actor=replace(outsider.actor, secret=True))
    await consent.declare(hidden, handles.write(hidden, space.where.people["patient"]), "oral")
    assert await space.rows("SELECT count(*) FROM access.consent WHERE secret") == [(0,)]
    assert await space.rows("SELECT template FROM notices.outgoing") == [("access-changed",)]
    assert await space.rows("SELECT secret FROM access.audit WHERE act = 'consent'") == [(False,)]


async def test_all_that_is_written_in_secret_is_labelled_and_every_row_of_it_says_secret(
    space: Space,
) -> None:
    (last,) = await space.rows("SELECT max(rid) FROM record.resource")
    (seq,) = await space.rows("SELECT max(seq) FROM access.audit")
    made = await secretly(space, await secret_token(space, "minor"))
    labels = await space.rows(
        "SELECT rtype, labels FROM record.resource WHERE rid > %s AND cid <> 0", last[0]
    )
    assert len(labels) >= 7 and {row[1] & HIDDEN for row in labels} == {HIDDEN}
    rows = await space.rows("SELECT secret FROM access.audit WHERE seq > %s", seq[0])
    assert len(rows) >= len(made) and all(row[0] for row in rows)
    document = made[1].json
    assert "INVISIBLE_REPRESENTANTS_LEGAUX" in str(document["securityLabel"])


async def test_the_minor_sees_it_all_and_who_treats_them_too(space: Space) -> None:
    made = await secretly(space, await secret_token(space, "minor"))
    for answer in made[1:4]:
        path = f"{answer.json['resourceType']}/{answer.json['id']}"
        assert (await space.get(path, as_="minor")).status == 200
        assert (await space.get(path, as_="gp")).status == 200
        assert (await space.get(path, as_="parent")).status == 404
    names = {line.who for line in await openings(await space.visit("minor"), "") if not line.own}
    assert people.GP.name in names


async def test_in_secret_nothing_the_representatives_see_is_changed(space: Space) -> None:
    made = await space.post("Condition", {
        "resourceType": "Condition", "code": {"text": "open"},
        "subject": {"reference": f"Patient/{space.patient_id('minor')}"},
    }, as_="hospital-software")  # fmt: skip
    path = f"Condition/{made.json['id']}"
    changed = {**made.json, "code": {"text": "other"}}
    refused = await space.call("PUT", path, body=changed, as_="hospital-software", headers=SECRET)
    assert refused.status == 403
    refused = await space.call("DELETE", path, as_="hospital-software", headers=SECRET)
    assert refused.status == 403


async def test_a_secret_connection_is_a_minor_s_on_their_own_record(space: Space) -> None:
    with pytest.raises(parts.NoSecret):
        await secret_token(space, "parent")
    with pytest.raises(parts.NoSecret):
        await parts.actor(space.built, "helper:helper", client="t", secret=True)
    child = space.patient_id("minor")
    assert (await space.get(f"Patient/{child}", as_="parent", **SECRET)).status == 400
    wrong = {"carnet-connexion": "open"}
    assert (await space.get(f"Patient/{child}", as_="gp", **wrong)).status == 400
    forged = {"authorization": f"Bearer {await space.token('parent', secret=True)}"}
    assert (await space.call("GET", f"Patient/{child}", headers=forged)).status == 404
    own = await space.call("GET", f"Patient/{space.patient_id('parent')}", headers=forged)
    assert own.status == 200


@pytest.mark.parametrize(("persona", "said"), [
    ("helper", True), ("operator", True), ("minor", False), ("minor", "true"), ("minor", 1),
])  # fmt: skip
async def test_the_claim_is_true_and_of_who_may_say_it(
    space: Space, persona: str, said: object
) -> None:
    from carnet.access.tokens import WrongToken

    with pytest.raises(WrongToken):
        await space.token(persona, secret=said)

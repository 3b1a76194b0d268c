# SPDX-License-Identifier: EUPL-1.2
"""An operator registers clients, decides of them, changes what they may; tokens follow within a second."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey

from carnet import errors
from carnet.access.door import Visit
from carnet.access.grants import FRESH
from carnet.config import Instance
from carnet.oauth import declared, keys, registered, registering
from carnet.oauth.registering import Proposal
from tests.oauth.place import REDIRECT, SECRET, Place, Proof, basic, claims_of

WHY = "Read with its maker on the telephone."
APP = Proposal(
    "an-app",
    "Carnet de vaccins",
    "app",
    "openid patient/*.rs offline_access",
    redirects=(REDIRECT,),
)
pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore:EdDSA is deprecated:joserfc.errors.SecurityWarning"),
    pytest.mark.filterwarnings("ignore:Key size should be:joserfc.errors.SecurityWarning"),
]


async def operator(place: Place) -> Visit:
    """The visit of the operator."""
    return await place.space.visit("operator")


def software(place: Place, **changes: Any) -> Proposal:
    """The laboratory's, by the place's key."""
    said = Proposal(
        "a-lab", "Serveur de résultats", "software", "system/Observation.crs",
        method="private_key_jwt", subject=place.subject("lab-software"),
        keys=json.dumps(place.key.as_dict(private=False)),
    )  # fmt: skip
    return replace(said, **changes)


async def live(place: Place, said: Proposal) -> str:
    """Registered and approved."""
    on = await operator(place)
    await registering.propose(on, said)
    await registering.decide(on, said.id, "approve", WHY)
    return said.id


async def token(place: Place, id: str, scope: str = "system/Observation.rs") -> Any:
    """What the token endpoint answers to a software."""
    form = {"grant_type": "client_credentials", "scope": scope} | place.assertion(id)
    return await place.post("/oauth/token", form)


async def test_a_client_waits_then_acts_then_is_suspended_and_its_token_ends_within_a_second(
    place: Place,
) -> None:
    on = await operator(place)
    said = software(place)
    assert await registering.propose(on, said) is None
    assert (await token(place, said.id)).status == 401
    await registering.decide(on, said.id, "approve", WHY)
    answer = await token(place, said.id)
    assert answer.status == 200, answer.body
    bearer = answer.json["access_token"]
    assert (await place.fhir("Observation?_count=1", bearer)).status == 200
    await registering.decide(on, said.id, "suspend", WHY)
    await asyncio.sleep(FRESH)
    assert (await place.fhir("Observation?_count=1", bearer)).status == 401
    assert (await token(place, said.id)).status == 401
    await registering.decide(on, said.id, "resume", WHY)
    await asyncio.sleep(FRESH)
    assert (await place.fhir("Observation?_count=1", bearer)).status == 401, "of before"
    assert (await token(place, said.id)).status == 200
    client, life = await registering.shown(on, said.id)
    assert (client.state, client.organisation is not None, client.living) == ("live", True, 1)
    assert [each.act for each in life] == ["propose", "approve", "suspend", "resume"]
    lines = await place.rows("SELECT act, rule FROM access.audit WHERE act LIKE 'client-%%'")
    assert sorted(lines) == [
        (f"client-{act}", said.id) for act in ("approve", "propose", "resume", "suspend")
    ]


async def test_planted_a_decision_that_raises_no_revision_lets_old_tokens_live_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = registered.DECIDE.replace("rev = rev + 1,", "")
    assert fault != registered.DECIDE
    monkeypatch.setattr(registered, "DECIDE", fault)
    on, said = await operator(place), software(place)
    await live(place, said)
    bearer = (await token(place, said.id)).json["access_token"]
    for act, status in (("suspend", 401), ("resume", 200)):
        await registering.decide(on, said.id, act, WHY)
        await asyncio.sleep(FRESH)
        assert (await place.fhir("Observation?_count=1", bearer)).status == status


async def test_a_client_that_ended_stays_so_and_its_grants_with_it(place: Place) -> None:
    on, said = await operator(place), software(place)
    await live(place, said)
    await token(place, said.id)
    await registering.decide(on, said.id, "end", WHY)
    assert await place.rows("SELECT ended_why FROM access.allowed") == [("operator",)]
    for act in registering.DECISIONS:
        with pytest.raises(registering.WrongState):
            await registering.decide(on, said.id, act, WHY)
    with pytest.raises(registering.IdentifierTaken):
        await registering.propose(on, said)


async def test_a_decision_has_a_reason_and_an_order(place: Place) -> None:
    on = await operator(place)
    await registering.propose(on, APP)
    for why in ("", "  ", "x" * 301, "a\x00b"):
        with pytest.raises(registering.NoReason):
            await registering.decide(on, APP.id, "approve", why)
    for act in ("suspend", "resume"):
        with pytest.raises(registering.WrongState):
            await registering.decide(on, APP.id, act, WHY)
    with pytest.raises(registering.UnknownClient):
        await registering.decide(on, "nobody", "approve", WHY)


@pytest.mark.parametrize("persona", ["patient", "gp", "lab-software"])
async def test_only_an_operator_registers_and_decides(place: Place, persona: str) -> None:
    on = await place.space.visit(persona)
    for act in (
        registering.propose(on, APP),
        registering.decide(on, "x", "approve", WHY),
        registering.add_keys(on, "x", json.dumps(place.key.as_dict(private=False))),
        registering.remove_key(on, "x", "y"),
        registering.renew_secret(on, "x"),
        registering.set_scopes(on, "x", "patient/*.rs"),
        registering.set_redirects(on, "x", [REDIRECT]),
        registering.set_origins(on, "x", []),
        registering.listed(on),
        registering.shown(on, "x"),
    ):
        with pytest.raises(registering.OperatorsAlone):
            await act


async def test_a_key_goes_and_comes_and_one_past_its_day_proves_nothing(place: Place) -> None:
    on, said = await operator(place), software(place)
    await live(place, said)
    with pytest.raises(keys.LastKey):
        await registering.remove_key(on, said.id, str(place.key.kid))
    other = ECKey.generate_key("P-384", auto_kid=True)
    until = place.space.clock() + timedelta(days=30)
    text = json.dumps(other.as_dict(private=False))
    assert await registering.add_keys(on, said.id, text, until) == [other.kid]
    with pytest.raises(keys.KidTaken):
        await registering.add_keys(on, said.id, text)
    bearer = (await token(place, said.id)).json["access_token"]
    await registering.remove_key(on, said.id, str(place.key.kid))
    await asyncio.sleep(FRESH)
    assert (await place.fhir("Observation?_count=1", bearer)).status == 401, "it may be a thief's"
    assert (await token(place, said.id)).status == 401
    by_other = replace(place, key=other)
    assert (await token(by_other, said.id)).status == 200
    place.space.clock.advance(timedelta(days=31))
    assert (await token(by_other, said.id)).status == 401


async def test_every_kind_of_key_that_is_registered_proves_who_signs(place: Place) -> None:
    on, said = await operator(place), software(place)
    await live(place, said)
    for key, names in (
        (RSAKey.generate_key(2048, auto_kid=True), ("RS256", "RS384", "PS256")),
        (ECKey.generate_key("P-256", auto_kid=True), ("ES256",)),
        (OKPKey.generate_key("Ed25519", auto_kid=True), ("EdDSA", "Ed25519")),
    ):
        await registering.add_keys(on, said.id, key.as_pem(private=False).decode())
        for name in names:
            form = {"grant_type": "client_credentials", "scope": "system/Observation.rs"}
            form |= place.assertion(said.id)
            claims = claims_of(form["client_assertion"])
            form["client_assertion"] = place.signed(claims, key, alg=name, kid=key.kid)
            assert (await place.post("/oauth/token", form)).status == 200, name
            other = place.signed(claims | {"jti": "another-one"}, place.key, kid=key.kid)
            form["client_assertion"] = other
            assert (await place.post("/oauth/token", form)).status == 401, "of another key"


async def test_a_secret_is_told_once_and_renewed(place: Place) -> None:
    on = await operator(place)
    said = replace(APP, method="client_secret_basic")
    secret = await registering.propose(on, said)
    assert secret is not None and secret != SECRET
    await registering.decide(on, said.id, "approve", WHY)
    kept = await place.rows("SELECT c::text FROM access.client c")
    assert secret not in kept[0][0]

    async def asked(word: str) -> int:
        form = {"grant_type": "refresh_token", "refresh_token": "x" * 43}
        return (await place.post("/oauth/token", form, authorization=basic(said.id, word))).status

    assert (await asked(secret), await asked("x" * 43)) == (400, 401)
    renewed = await registering.renew_secret(on, said.id)
    assert (await asked(secret), await asked(renewed)) == (401, 400)


async def test_narrower_scopes_end_tokens_and_the_grants_that_are_wider(place: Place) -> None:
    on, said = await operator(place), software(place)
    await live(place, said)
    wide = (await token(place, said.id, "system/Observation.crs")).json["access_token"]
    narrow = (await token(place, said.id, "system/Observation.s")).json["access_token"]
    await registering.set_scopes(on, said.id, "system/Observation.rs")
    await asyncio.sleep(FRESH)
    for bearer in (wide, narrow):
        assert (await place.fhir("Observation?_count=1", bearer)).status == 401
    assert (await token(place, said.id, "system/Observation.crs")).status == 400
    assert (await token(place, said.id, "system/Observation.s")).status == 200
    lived = await place.rows("SELECT scope FROM access.allowed WHERE ended_at IS NULL")
    assert lived == [("system/Observation.s",)]


async def test_names_that_are_read_alike_are_one_name(place: Place) -> None:
    on = await operator(place)
    await registering.propose(on, APP)
    for name in (
        "CARNET DE VACCINS",
        "Carnet  de vaccins",
        "Camet de vaccins",
        "Cârnet-de-vacc1ns",
        "C\u0251rnet de vaccins",
        "Carnet đe vacc\u0131ns",
        "Carnet de\u200bvaccins",
        "\uff23arnet de vaccins",
    ):
        with pytest.raises((declared.NameTaken, declared.WrongName)):
            await registering.propose(on, replace(APP, id="another", name=name))
    await registering.decide(on, APP.id, "end", WHY)
    await registering.propose(on, replace(APP, id="another"))


async def test_sixteen_at_once_register_one_name_and_one_does(place: Place) -> None:
    on = await operator(place)
    asked = [registering.propose(on, replace(APP, id=f"app-{n}")) for n in range(16)]
    told = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(each is None for each in told) == 1
    assert all(each is None or isinstance(each, declared.NameTaken) for each in told)


async def test_a_sandbox_is_never_where_people_are_real(place: Place) -> None:
    on, said = await operator(place), replace(APP, sandbox=True)
    for instance in (Instance.PRODUCTION, Instance.PRIVATE):
        door = replace(on.door, settings=replace(on.door.settings, instance=instance))
        with pytest.raises(registering.NotInProduction):
            await registering.propose(replace(on, door=door), said)
    await registering.propose(on, said)
    door = replace(on.door, settings=replace(on.door.settings, instance=Instance.PRODUCTION))
    with pytest.raises(registering.NotInProduction):
        await registering.decide(replace(on, door=door), said.id, "approve", WHY)


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "robot"},
        {"method": "tls_client_auth"},
        {"kind": "software"},
        {"subject": "software:lab"},
        {"redirects": ()},
        {"method": "private_key_jwt"},
        {"keys": "{}"},
        {"native": True, "method": "client_secret_post"},
        {"id": "A B"},
        {"id": "-a-"},
        {"name": "ab"},
        {"name": "Сarnet"},  # a Cyrillic С
        {"name": "()()"},
        {"homepage": "javascript:alert(1)"},
        {"launch": "http://app.example/launch"},
        {"redirects": (REDIRECT, REDIRECT)},
    ],
)
async def test_what_does_not_go_together_is_refused_with_a_sentence(
    place: Place, changes: dict[str, Any]
) -> None:
    with pytest.raises(errors.Invalid) as told:
        await registering.propose(await operator(place), replace(APP, **changes))
    assert str(told.value).endswith(".") or str(told.value).endswith(")")
    assert await place.rows("SELECT 1 FROM access.client") == []


async def test_a_software_is_of_an_organisation_that_is_here(place: Place) -> None:
    on = await operator(place)
    for subject in ("software:nobody", place.subject("patient"), place.subject("gp")):
        with pytest.raises(registering.WrongClient):
            await registering.propose(on, software(place, subject=subject))


def test_no_private_key_is_taken() -> None:
    for key in (
        OKPKey.generate_key("Ed25519"),
        ECKey.generate_key("P-256"),
        RSAKey.generate_key(2048),
    ):
        for text in (
            json.dumps(key.as_dict(private=True)),
            json.dumps({"keys": [key.as_dict(private=True)]}),
            key.as_pem(private=True).decode(),
        ):
            with pytest.raises(keys.PrivateKey):
                keys.read(text)
        (held,) = keys.read(key.as_pem(private=False).decode())
        assert not keys.HIDDEN & held.keys() and held["kid"] == key.thumbprint()
        assert keys.read(json.dumps(key.as_dict(private=False)))[0] == held
    with pytest.raises(keys.PrivateKey):
        keys.read('{"kty": "oct", "k": "c2VjcmV0"}')


def test_a_weak_key_or_what_is_no_key_is_refused() -> None:
    weak = [
        RSAKey.generate_key(1024).as_dict(private=False),
        ECKey.generate_key("secp256k1").as_dict(private=False),
        OKPKey.generate_key("X25519").as_dict(private=False),
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        OKPKey.generate_key("Ed25519").as_dict(private=False) | {"use": "enc"},
        OKPKey.generate_key("Ed25519").as_dict(private=False) | {"kid": 7},
    ]
    for text in (*map(json.dumps, weak), "", "x", "[]", '{"keys": []}', "-----BEGIN X-----"):
        with pytest.raises(keys.WrongKey):
            keys.read(text)
    several = [OKPKey.generate_key("Ed25519").as_dict(private=False) for _ in range(5)]
    held = keys.added(None, keys.read(json.dumps({"keys": several})), None)
    with pytest.raises(keys.TooManyKeys):
        more = OKPKey.generate_key("Ed25519").as_dict(private=False)
        keys.added(held, keys.read(json.dumps(more)), None)


@pytest.mark.parametrize(
    "address",
    [
        "http://app.example/back", "app.example/back", "HTTPS://app.example/back",
        "https://app.example/back#x", "https://*.app.example/", "https://me@app.example/",
        "https://app.example", "https://localhost/back", "https://127.0.0.1/back",
        "https://аpp.example/back", "https://xn--pp-6kc.example/back", "https://App.example/",
        "https://app.example/a/../b", "https://app.example/%2e%2e/b", "https://app.example:x/",
        "com.example.app:/back", "https://app.example\\@evil.example/", "https://app.example /",
        "http://127.0.0.1:3000/back", "https://", "https:///x", "https://app.example:/x",
        "https://app.example./x", "https://1.2.3.4/x", "https://0x7f.1/x", "https://app.example/\n",
    ],
)  # fmt: skip
def test_a_redirect_that_is_not_whole_https_and_plain_is_refused(address: str) -> None:
    with pytest.raises(declared.WrongAddress):
        declared.redirect(address, native=False, lenient=True)


def test_a_native_application_comes_back_to_the_device_itself() -> None:
    for address in ("http://127.0.0.1:3000/back", "http://[::1]/back"):
        assert declared.redirect(address, native=True, lenient=False) == address
    with pytest.raises(declared.WrongAddress):
        declared.redirect("http://localhost/back", native=True, lenient=False)
    assert declared.redirect("http://localhost/back", native=True, lenient=True)
    for address in ("http://127.0.0.1.evil.example/", "http://127.0.0.2/", "http://[::2]/"):
        with pytest.raises(declared.WrongAddress):
            declared.redirect(address, native=True, lenient=True)


async def test_the_port_of_a_native_application_is_any_where_none_is_registered(
    place: Place,
) -> None:
    back = ("http://127.0.0.1/back", "http://[::1]:99/back")
    scopes = "openid fhirUser launch/patient offline_access patient/*.rs"
    await live(place, replace(APP, native=True, redirects=back, scopes=scopes))
    for right in ("http://127.0.0.1/back", "http://127.0.0.1:51004/back", "http://[::1]:99/back"):
        await place.ask(APP.id, Proof(), redirect_uri=right)
    for wrong in (
        "http://127.0.0.1:51004/back/", "http://127.0.0.1:51004/", "http://[::1]:98/back",
        "http://127.0.0.1:0/back", "http://127.0.0.1:x/back", f"http://127.0.0.1:8{chr(64)}evil.example/back",
        "https://127.0.0.1:51004/back", "http://localhost:51004/back", "http://127.0.0.1:80/back?x",
        "http://[::1]/back", "http://127.0.0.1:123456/back",
    ):  # fmt: skip
        said = place.request(APP.id, Proof(), redirect_uri=wrong)
        assert (await place.get("/oauth/authorize", said)).status == 400, wrong


def test_an_international_name_is_told_as_it_reads() -> None:
    address = "https://xn--caf-dma.example/back"
    assert declared.redirect(address, native=False, lenient=False) == address
    assert declared.reads(address) == "café.example"
    assert declared.reads("https://cafe.example/") == ""


def test_an_origin_is_scheme_host_and_port() -> None:
    for right in ("https://app.example", "https://app.example:8443", "http://localhost:3000"):
        assert declared.origin(right, lenient=True) == right
    for wrong in (
        "https://app.example/",
        "https://app.example:443",
        "http://app.example",
        "null",
        "*",
    ):
        with pytest.raises(declared.WrongAddress):
            declared.origin(wrong, lenient=True)
    with pytest.raises(declared.WrongAddress):
        declared.origin("http://localhost:3000", lenient=False)


@pytest.mark.parametrize(
    ("kind", "scope"),
    [
        ("app", "system/*.rs"), ("software", "patient/*.rs"), ("software", "openid system/*.rs"),
        ("app", "openid"), ("app", ""), ("app", "*"), ("app", "patient/*.rs patient/*.rs"),
        ("app", "patient/Observation.c"), ("software", "system/AuditEvent.c"),
        ("software", "system/Consent.c"), ("software", "user/Patient.c"),
        ("software", "system/Device.d"), ("app", "patient/Observation.sr"),
    ],
)  # fmt: skip
def test_scopes_stay_within_what_the_rules_let_that_kind_do(kind: str, scope: str) -> None:
    with pytest.raises(declared.WrongScopes):
        declared.asked(scope, kind)

# SPDX-License-Identifier: EUPL-1.2
"""The whole platform leaves, is put back on an empty machine, and compares equal."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import random
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
import pytest

from carnet.access.door import leaving
from carnet.access.door.leaving import Version
from carnet.access.log import heads, sources, verify
from carnet.access.log.heads import Signer
from carnet.export.platform import ask, parts, queries, restore, sealed, tables
from tests import space as spaces
from tests.export import platforms
from tests.export.platforms import ONE, TWO, Keys, Machine
from tests.space import Clock, Peopled, Space

pytestmark = pytest.mark.anyio

MASK = "DocumentReference/{}/$hide"
SEARCHES = (
    "Patient",
    "Observation?_count=200&_sort=-date",
    "Observation?code=http://loinc.org|4548-4",
    "Observation?value-quantity=gt7",
    "DocumentReference?_count=200",
    "DocumentReference?status=current&_summary=count",
    "Condition?_include=Condition:subject",
    "MedicationRequest?_revinclude=Provenance:target",
    "Patient?family=Garnier",
)
PERSONAS = ("patient", "gp", "nurse", "outsider", "lab-software", "parent")


def observation(person: str) -> dict[str, Any]:
    """A result, about somebody."""
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "2951-2"}]},
        "subject": {"reference": person},
        "effectiveDateTime": "2026-11-20",
        "valueQuantity": {"value": 140, "unit": "mmol/L"},
    }


@dataclass
class Left:
    """A platform that has left, and its archive."""

    path: Path
    keys: Keys
    url: str
    peopled: Peopled
    at: Any
    masked: str
    gone: str


@pytest.fixture(scope="module")
def left(peopled: Peopled, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Left]:
    """With a document masked, and one deleted."""
    path, keys = tmp_path_factory.mktemp("left") / "all.age", Keys.new()
    with spaces.clone(peopled.cluster, peopled.name) as name:
        url, clock = spaces.pattern(peopled.cluster, name), Clock(peopled.at)

        async def leave() -> tuple[str, str]:
            built = await spaces.build(url, peopled.folder, clock, seed=13)
            built.settings.roots.unlink(missing_ok=True)
            space = Space(built, peopled.where, clock, peopled.cluster.url(database=name))
            try:
                found = await space.get("DocumentReference?_count=50", as_="patient")
                masked = found.entries[0]["id"]
                assert (await space.post(MASK.format(masked), {}, as_="patient")).status == 204
                person = f"Patient/{space.patient_id()}"
                made = await space.post("Observation", observation(person), as_="lab-software")
                gone = made.json["id"]
                changed = {**made.json, "status": "amended"}
                said = f"Observation/{gone}"
                assert (await space.put(said, changed, as_="lab-software")).status == 200
                assert (await space.call("DELETE", said, as_="lab-software")).status in (200, 204)
                await platforms.leave(space, path, keys.public)
            finally:
                await built.pool.close()
            return masked, gone

        masked, gone = asyncio.run(leave())
        yield Left(path, keys, url, peopled, clock.now, masked, gone)


@pytest.fixture
def there(peopled: Peopled, tmp_path: Path) -> Iterator[Machine]:
    """An empty machine."""
    with platforms.machine(peopled.cluster, tmp_path / "there") as found:
        yield found


def shown(answer: spaces.Answer) -> Any:
    """An answer, without what each request says of itself."""
    found = answer.json
    if found["resourceType"] == "Bundle":
        for name in ("id", "meta", "link"):
            found.pop(name, None)
    return answer.status, found


async def answers(url: str, folder: Path, left: Left) -> dict[str, Any]:
    """What each persona finds, and the bytes of each document of the patient's."""
    built = await spaces.build(url, folder, Clock(left.at), seed=17)
    space = Space(built, left.peopled.where, Clock(left.at), url.replace("{role}", "carnet_admin"))
    found: dict[str, Any] = {}
    try:
        for persona in PERSONAS:
            for search in SEARCHES:
                found[f"{persona} {search}"] = shown(await space.get(search, as_=persona))
            name = f"DocumentReference/{left.masked}"
            found[f"{persona} masked"] = (await space.get(name, as_=persona)).status
            history = await space.get(f"{name}/_history", as_=persona)
            found[f"{persona} history"] = shown(history)
            found[f"{persona} gone"] = (
                await space.get(f"Observation/{left.gone}", as_=persona)
            ).status
            past = await space.get(f"Observation/{left.gone}/_history/1", as_=persona)
            found[f"{persona} past"] = shown(past)
        documents = (await space.get("DocumentReference?_count=200", as_="patient")).entries
        for each in documents:
            url_ = each["content"][0]["attachment"]["url"]
            body = (await space.get(url_, as_="patient", accept="*/*")).body
            found[url_] = sha256(body).hexdigest()
    finally:
        await built.pool.close()
    return found


def rows(url: str, query: str) -> list[Any]:
    with psycopg.connect(url.replace("{role}", "carnet_admin"), autocommit=True) as conn:
        return conn.execute(query.encode()).fetchall()


async def test_what_was_taken_away_and_put_back_is_the_same(left: Left, there: Machine) -> None:
    verified = await there.put_back(left.path, left.keys)
    before = await answers(left.url, left.peopled.folder, left)
    after = await answers(there.url, there.settings.data, left)
    assert before == after
    assert before["patient masked"] == 200 and before["nurse masked"] == 404
    assert before["patient gone"] == 410
    assert len([each for each in before if each.startswith("Binary/")]) > 10
    # Found by the same, under new keys.
    index = (
        "SELECT cid, rid, ver, upd, owners, id, kind, labels, dep_pro, dep_org, origin, gone,"
        " lo::text, hi::text, toks"
        " FROM record.resource ORDER BY 1, 2",
        "SELECT cid, rid, param, value FROM record.idx_string ORDER BY 1, 2, 3, 4",
        "SELECT cid, rid, param, lo::text, hi::text FROM record.idx_date ORDER BY 1, 2, 3, 4, 5",
        "SELECT cid, rid, salt, lo, hi, tags FROM record.idx_number ORDER BY 1, 2, 3, 4, 5",
        "SELECT cid, rid, ver, digest, size FROM record.attachment ORDER BY 1, 2, 3",
        "SELECT cid, rid, ver, upd, gone FROM record.history ORDER BY 1, 2, 3",
    )
    for query in index:
        assert rows(left.url, query) == rows(there.url, query), query
    for secret in (
        "SELECT wrapped FROM record.compartment",
        "SELECT body FROM record.resource",
        "SELECT address FROM record.attachment",
    ):
        assert not set(rows(left.url, secret)) & set(rows(there.url, secret)), secret
    for table in verified.manifest["rows"]:
        if table != "access.leaving":  # said to be taken once the archive was whole
            query = f"SELECT t::text FROM {table} t ORDER BY 1"
            assert rows(left.url, query) == rows(there.url, query), table


async def test_the_log_goes_on_where_it_was_and_holds(left: Left, there: Machine) -> None:
    verified = await there.put_back(left.path, left.keys)
    clock = Clock(left.at)
    built = await spaces.build(there.url, there.settings.data, clock)
    space = Space(built, left.peopled.where, clock, there.admin_url)
    try:
        assert (await space.get("Patient", as_="patient")).status == 200
        await platforms.seal(space)
    finally:
        await built.pool.close()
    source = sources.Database(there.admin_url, clock.now)
    try:
        trusted = heads.known_keys(there.settings.keys)
        report = verify.verify(source, keys=trusted, delay=restore.DELAY)
        assert not report.found and report.unsealed == 0
        assert report.heads == verified.report.heads + 1
        assert report.rows > verified.report.rows
        assert len(trusted) == 2 and source.heads()[0].key != source.heads()[-1].key
        kept = [each for each in source.heads() if each.size == verified.report.leaves]
        assert [each.line() for each in kept] == [verified.manifest["audit"]["head"]]
    finally:
        source.close()
    told = rows(there.url, "SELECT sub, rule FROM access.audit WHERE act = 'export' ORDER BY seq")
    assert ("operator:one", "platform-asked") in told
    assert ("operator:two", "platform-confirmed") in told
    assert told[-1] == ("operator:one", "platform-restored")
    person = left.peopled.where.people["patient"]
    named = (
        f"SELECT count(*) FROM access.audit WHERE {person} = ANY (cids) AND rule = 'platform-taken'"
    )
    assert rows(there.url, named) == [(1,)]  # each person sees that their record left


# -- who may -----------------------------------------------------------------------------------------


async def test_nobody_takes_the_platform_away_alone(space: Space, tmp_path: Path) -> None:
    await platforms.operators(space)
    one, two, keys = platforms.visit(space, ONE), platforms.visit(space, TWO), Keys.new()
    async with platforms.owner(space.admin_url) as conn:
        number = await ask.ask(conn, one, keys.public)
        with pytest.raises(ask.NotConfirmed):
            await ask.begin(conn, one, number)
        with pytest.raises(ask.SameOperator):
            await ask.confirm(conn, one, number, keys.public)
        with pytest.raises(ask.NotConfirmed):
            await ask.begin(conn, one, number)
        with pytest.raises(ask.OtherKey):
            await ask.confirm(conn, two, number, Keys.new().public)
        with pytest.raises(psycopg.errors.CheckViolation):
            await conn.execute(queries.CONFIRM, (space.clock(), ONE, number))
        await ask.confirm(conn, two, number, keys.public)
        with pytest.raises(ask.SameOperator):
            await ask.begin(conn, platforms.visit(space, "operator:three"), number)
        await ask.begin(conn, one, number)
        space.clock.advance(ask.STANDS)
        with pytest.raises(ask.Over):
            await ask.begin(conn, one, number)
        with pytest.raises(ask.NotAsked):
            await ask.begin(conn, one, number + 1)
        with pytest.raises(sealed.WrongRecipient):
            await ask.ask(conn, one, "age1nobody")
    told = await space.rows(
        "SELECT sub, rule, granted FROM access.audit WHERE rule LIKE 'platform-%%' AND cids IS NULL"
        " ORDER BY seq"
    )
    assert told[:4] == [
        (ONE, "platform-asked", True),
        (ONE, "platform-not-confirmed", False),
        (ONE, "platform-confirmed", False),
        (ONE, "platform-not-confirmed", False),
    ]


async def test_the_services_may_not_look_at_who_asked(space: Space) -> None:
    for role in ("carnet_app", "carnet_worker"):
        found = await space.rows(
            "SELECT has_table_privilege(%s, 'access.leaving', 'SELECT, INSERT, UPDATE, DELETE')",
            role,
        )
        assert found == [(False,)]


async def test_every_table_has_its_line(space: Space) -> None:
    async with platforms.owner(space.admin_url) as conn:
        assert tables.unsaid(await queries.tables(conn)) == []
        await conn.execute("CREATE TABLE record.forgotten (cid bigint)")
        assert tables.unsaid(await queries.tables(conn)) == ["record.forgotten"]


# -- what was altered --------------------------------------------------------------------------------


def opens(path: Path, keys: Keys, folder: Path) -> restore.Verified:
    return restore.examine(path, keys.private, None, folder)


async def test_another_key_opens_nothing(left: Left, tmp_path: Path) -> None:
    with pytest.raises(sealed.WrongKey):
        opens(left.path, Keys.new(), tmp_path)
    raw = left.path.read_bytes()
    for secret in (b"Garnier", b"resourceType", b"manifest", b"operator:one"):
        assert secret not in raw


async def test_a_byte_that_was_changed_anywhere_is_told(left: Left, tmp_path: Path) -> None:
    raw, chance, path = left.path.read_bytes(), random.Random(5), tmp_path / "altered.age"
    places = [0, 30, 120, 180, 220, len(raw) - 1, len(raw) // 2]
    for place in (*places, *(chance.randrange(len(raw)) for _ in range(8))):
        path.write_bytes(raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :])
        with pytest.raises((sealed.Altered, sealed.WrongKey)):
            opens(path, left.keys, tmp_path)


async def test_a_file_that_was_cut_is_told(left: Left, tmp_path: Path) -> None:
    raw, path = left.path.read_bytes(), tmp_path / "cut.age"
    chunk, start = 65536 + 16, raw.index(b"\n---") + 1
    start = raw.index(b"\n", start) + 1 + 16  # where the first chunk begins
    for end in (0, 10, 200, start + chunk, start + 5 * chunk, len(raw) - 20, len(raw) - 1):
        path.write_bytes(raw[:end])
        with pytest.raises(sealed.Altered):
            opens(path, left.keys, tmp_path)
    path.write_bytes(raw + b"more")
    with pytest.raises(sealed.Altered):
        opens(path, left.keys, tmp_path)


Change = Callable[[dict[str, bytes]], None]


def remade(
    left: Left, path: Path, change: Change, signer: Signer | None = None, *, told: bool = False
) -> Path:
    """An archive whose plain files were changed, by somebody who has the public key.

    signer: who signs it anew. told: the manifest says the files as they are now.
    """
    files: dict[str, bytes] = {}
    with (
        sealed.reading(left.path, left.keys.private) as plain,
        tarfile.open(fileobj=plain, mode="r|") as tar,
    ):
        for info in tar:
            file = tar.extractfile(info)
            assert file is not None
            files[info.name] = file.read()
    change(files)
    if told:
        manifest = json.loads(files["manifest.json"])
        for name in manifest["files"]:
            manifest["files"][name] = {
                "size": len(files[name]),
                "sha256": sha256(files[name]).hexdigest(),
            }
        if signer is not None:
            key = base64.b64encode(signer.public).decode()
            manifest["key"] = key
            manifest["audit"]["keys"].append(key)
        files["manifest.json"] = json.dumps(manifest).encode()
    if signer is not None:
        signature = signer.sign_text(parts.signed(files["manifest.json"]))
        files["manifest.sig"] = base64.b64encode(signature)
    recipient = sealed.recipient(left.keys.public)
    with (
        path.open("wb") as out,
        sealed.writing(out, recipient) as plain,
        tarfile.open(fileobj=plain, mode="w|") as tar,
    ):
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def _of(files: dict[str, bytes], start: str) -> str:
    return next(name for name in files if name.startswith(start))


def _other_value(files: dict[str, bytes]) -> None:
    name = _of(files, "fhir/Observation-1")
    files[name] = files[name].replace(b"final", b"fina1", 1)


def _other_document(files: dict[str, bytes]) -> None:
    name = _of(files, "documents/")
    files[name] += b"."


def _less(files: dict[str, bytes]) -> None:
    del files[_of(files, "documents/")]


def _no_end(files: dict[str, bytes]) -> None:
    del files["manifest.json"]


def _unsigned(files: dict[str, bytes]) -> None:
    files["manifest.json"] = files["manifest.json"].replace(b'"operator:two"', b'"operator:six"')


@pytest.mark.parametrize("change", [_other_value, _other_document, _less, _no_end, _unsigned])
async def test_what_is_not_what_its_manifest_says_is_told(
    left: Left, tmp_path: Path, change: Change
) -> None:
    with pytest.raises(parts.NotWhole):
        opens(remade(left, tmp_path / "other.age", change), left.keys, tmp_path)


def _line_rewritten(files: dict[str, bytes]) -> None:
    name = _of(files, "audit/log-1")
    files[name] = files[name].replace(b'"granted":true', b'"granted":false', 1)


def _line_removed(files: dict[str, bytes]) -> None:
    name = _of(files, "audit/log-1")
    lines = files[name].splitlines()
    place = next(n for n, line in enumerate(lines) if line.startswith(b'{"row"'))
    files[name] = b"\n".join((*lines[:place], *lines[place + 1 :], b""))


@pytest.mark.parametrize("change", [_line_removed, _line_rewritten])
async def test_a_log_rewritten_under_a_new_signature_is_told(
    left: Left, tmp_path: Path, change: Change
) -> None:
    signer = Signer(bytes(range(32)))
    path = remade(left, tmp_path / "other.age", change, signer, told=True)
    with pytest.raises(restore.Rewritten):
        opens(path, left.keys, tmp_path)


async def test_another_signature_is_told_to_who_knows_the_key(left: Left, tmp_path: Path) -> None:
    signer = Signer(bytes(range(32)))
    path = remade(left, tmp_path / "other.age", _other_value, signer, told=True)
    own = base64.b64decode(opens(left.path, left.keys, tmp_path).manifest["key"])
    restore.examine(left.path, left.keys.private, own, tmp_path)
    with pytest.raises(restore.OtherSigner):
        restore.examine(path, left.keys.private, own, tmp_path)


async def test_a_value_the_rows_do_not_know_writes_nothing(
    left: Left, there: Machine, tmp_path: Path
) -> None:
    signer = Signer(bytes(range(32)))
    path = remade(left, tmp_path / "other.age", _other_value, signer, told=True)
    with pytest.raises(parts.NotWhole):
        await there.put_back(path, left.keys)
    assert there.nothing()


# -- all or nothing ----------------------------------------------------------------------------------


async def test_a_machine_where_somebody_was_is_refused(left: Left, there: Machine) -> None:
    with psycopg.connect(there.admin_url, autocommit=True) as conn:
        conn.execute("INSERT INTO access.subject VALUES ('operator:here', 'operator', 'here')")
        with pytest.raises(restore.NotEmpty):
            await there.put_back(left.path, left.keys)
        conn.execute("DELETE FROM access.subject")
    there.settings.roots.write_text("")
    with pytest.raises(restore.NotEmpty):
        await there.put_back(left.path, left.keys)
    there.settings.roots.unlink()
    with (
        psycopg.connect(there.url.replace("{role}", "carnet_app"), autocommit=True),
        pytest.raises(restore.Served),
    ):
        await there.put_back(left.path, left.keys)
    with psycopg.connect(there.admin_url, autocommit=True) as conn:
        conn.execute("UPDATE carnet.migration SET sha256 = '\\x00' WHERE number = 57")
    with pytest.raises(restore.OtherProgram):
        await there.put_back(left.path, left.keys)
    assert there.nothing()


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from tests import space
from tests.export.platforms import Keys, Machine
import pyrage

url, folder, path, key, at = sys.argv[1:]

def told(name):
    if name.startswith(at):
        os.kill(os.getpid(), signal.SIGKILL)

there = Machine(url, space.settings_of(Path(folder)))
keys = Keys(pyrage.x25519.Identity.from_str(key), "")
asyncio.run(there.put_back(Path(path), keys, told=told))
"""


@pytest.mark.slow
async def test_a_restoration_that_is_killed_has_written_nothing_and_begins_anew(
    left: Left, there: Machine
) -> None:
    at, key = "documents/", str(left.keys.private)  # after the resources
    run = subprocess.run(  # noqa: ASYNC221 (nothing else waits)
        [
            sys.executable,
            "-c",
            KILLED,
            there.url,
            str(there.settings.data),
            str(left.path),
            key,
            at,
        ],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": "."},
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert run.returncode == -signal.SIGKILL, run.stderr[-2000:]
    assert there.nothing()
    await there.put_back(left.path, left.keys)
    count = "SELECT count(*) FROM record.resource"
    assert rows(there.url, count) == rows(left.url, count)


async def test_what_does_not_compare_equal_once_written_is_not_kept(
    left: Left, there: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = leaving.put

    async def less(door: Any, conn: Any, found: Sequence[Version], *, earlier: bool) -> None:
        found = [replace(each, plain=each.plain.replace(b"140", b"141")) for each in found]
        await put(door, conn, found, earlier=earlier)

    monkeypatch.setattr(leaving, "put", less)
    with pytest.raises(parts.NotWhole):
        await there.put_back(left.path, left.keys)
    assert there.nothing()


async def test_an_operator_whom_the_archive_does_not_know_puts_nothing_back(
    left: Left, there: Machine
) -> None:
    with pytest.raises(Exception, match="subject"):
        await there.put_back(left.path, left.keys, by="operator:nobody")
    assert there.nothing()

# SPDX-License-Identifier: EUPL-1.2
"""Leaving by the commands themselves: who may, what cuts them off, and every table on the other side."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from carnet.export.platform import queries, sealed, tables
from carnet.postgres.cluster import DATABASE
from tests import space as spaces
from tests.export import rows
from tests.export.commands import Commands
from tests.export.platforms import ONE, TWO
from tests.space import Peopled

pytestmark = pytest.mark.slow

THREE = "operator:three"
TREASURE = "une personne à retrouver"  # in a row of each kind, in no file in the clear


@dataclass
class Origin:
    """An installation of which every table says something, and what is there to leave."""

    url: str
    carnet: Commands
    key: Path
    public: str
    archive: Path
    signer: str

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return told(self.url, query)


def told(url: str, query: str) -> list[tuple[Any, ...]]:
    """What a database holds, as its owner sees it."""
    with psycopg.connect(url, autocommit=True) as conn:
        return conn.execute(query.encode()).fetchall()


def every_table(url: str) -> list[str]:
    return [name for (name,) in told(url, queries.TABLES)]


@pytest.fixture(scope="module")
def origin(peopled: Peopled, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Origin]:
    """Migrated by the command, a row in every table, and the archive two operators made of it."""
    folder = tmp_path_factory.mktemp("origin")
    shutil.copytree(peopled.folder, folder / "data")
    (folder / "data" / "roots.ndjson").unlink(missing_ok=True)
    with spaces.clone(peopled.cluster, peopled.name) as name:
        url = peopled.cluster.url(database=name)
        carnet = Commands(url, folder / "data")
        assert carnet("migrate").status == 0
        with psycopg.connect(url, autocommit=True) as conn:
            conn.execute("DELETE FROM access.alert")
            for sub in (ONE, TWO, THREE):
                said = "INSERT INTO access.subject (sub, kind, name) VALUES (%s, 'operator', %s)"
                conn.execute(f"{said} ON CONFLICT DO NOTHING", (sub, TREASURE))
            rows.fill(conn)
        key, archive = folder / "key.txt", folder / "all.age"
        made = carnet("export", "key", key)
        assert made.status == 0 and key.stat().st_mode & 0o077 == 0
        number = asked(carnet, made.said)
        assert carnet("export", "confirm", number, "--to", made.said, "--by", TWO).status == 0
        written = carnet("export", "write", number, archive, "--by", ONE)
        assert written.status == 0, written.said
        yield Origin(url, carnet, key, made.said, archive, _signer(archive, key))


def _signer(archive: Path, key: Path) -> str:
    from carnet.export.platform import restore

    verified = restore.examine(archive, sealed.identity(key), None, archive.parent)
    return str(verified.manifest["key"])


def asked(carnet: Commands, public: str, by: str = ONE) -> str:
    """The number of what an operator asked."""
    done = carnet("export", "ask", "--to", public, "--by", by)
    assert done.status == 0, done.said
    return done.said.partition(":")[0]


@pytest.fixture
def there(peopled: Peopled, tmp_path: Path) -> Iterator[Commands]:
    """An empty machine."""
    with spaces.clone(peopled.cluster, DATABASE) as name:
        yield Commands(peopled.cluster.url(database=name), tmp_path / "there")


def nothing(url: str) -> bool:
    """Whether nobody was put there: no person, no account, no line."""
    names = ("record.resource", "record.attachment", "access.subject", "access.audit")
    return all(told(url, f"SELECT FROM {name} LIMIT 1") == [] for name in names)


# -- who may -----------------------------------------------------------------------------------------


def test_two_operators_are_needed_for_one_key_within_a_day(origin: Origin, tmp_path: Path) -> None:
    carnet, file = origin.carnet, tmp_path / "all.age"
    number = asked(carnet, origin.public)
    _, other = sealed.new_key()

    def refused(said: str, *words: object) -> None:
        done = carnet("export", *words)
        assert (done.status, said in done.said) == (1, True), done.said
        assert "Traceback" not in done.said and list(tmp_path.iterdir()) == []

    confirm = ("confirm", number, "--to")
    refused("No second operator", "write", number, file, "--by", ONE)
    refused("Another operator has to confirm", *confirm, origin.public, "--by", ONE)
    refused("not the key that was asked for", *confirm, other, "--by", TWO)
    refused("nobody of this installation", *confirm, origin.public, "--by", "operator:nobody")
    refused("is an operator", *confirm, origin.public, "--by", patient(origin))
    refused("not a public key", "ask", "--to", "age1nobody", "--by", ONE)
    refused("Nobody asked", "confirm", 9999, "--to", origin.public, "--by", TWO)
    assert carnet("export", *confirm, origin.public, "--by", TWO).status == 0
    refused("One of the two operators", "write", number, file, "--by", THREE)
    refused("expired", *confirm, origin.public, "--by", THREE)  # confirmed already
    with psycopg.connect(origin.url, autocommit=True) as conn:
        said = "UPDATE access.leaving SET ends = now() - interval '1 second' WHERE id = %s"
        conn.execute(said, (number,))
    refused("expired", "write", number, file, "--by", TWO)
    late = asked(carnet, origin.public)
    with psycopg.connect(origin.url, autocommit=True) as conn:
        conn.execute("UPDATE access.leaving SET ends = now() WHERE id = %s", (late,))
    refused("expired", "confirm", late, "--to", origin.public, "--by", TWO)


def patient(origin: Origin) -> str:
    ((found,),) = origin.rows("SELECT sub FROM access.subject WHERE kind = 'patient' LIMIT 1")
    return str(found)


# -- what cuts the writing off -----------------------------------------------------------------------


def agreed(origin: Origin) -> str:
    number = asked(origin.carnet, origin.public)
    done = origin.carnet("export", "confirm", number, "--to", origin.public, "--by", TWO)
    assert done.status == 0, done.said
    return number


def test_a_writing_that_is_cut_off_leaves_nothing_that_passes_for_whole(
    origin: Origin, there: Commands, tmp_path: Path
) -> None:
    """A full disk says so and leaves nothing; a kill leaves a part, under another name, that is refused."""
    number, file = agreed(origin), tmp_path / "all.age"
    write = ("export", "write", number, file, "--by", ONE)
    full = origin.carnet(*write, largest=200_000)
    assert full.status == 1 and "cannot be written" in full.said, full.said
    assert "Traceback" not in full.said and list(tmp_path.iterdir()) == []
    part = tmp_path / "all.age.part"
    process = origin.carnet.begin(*write)
    until(lambda: part.exists() and part.stat().st_size > 0)
    process.kill()
    origin.carnet.end(process)
    assert not file.exists() and part.stat().st_mode & 0o077 == 0
    half = there("restore", part, "--identity", origin.key, "--by", ONE)
    assert half.status == 1 and "cut or altered" in half.said, half.said
    assert nothing(there.url)
    again = origin.carnet(*write)  # what was agreed stands: the same number, once it is whole
    assert again.status == 0 and file.exists() and not part.exists(), again.said
    assert file.stat().st_mode & 0o077 == 0
    over = origin.carnet("export", "write", number, tmp_path / "other.age", "--by", ONE)
    assert over.status == 1 and "was taken" in over.said
    exists = origin.carnet("export", "write", agreed(origin), file, "--by", ONE)
    assert exists.status == 1 and "a file of this name" in exists.said
    nowhere = origin.carnet("export", "write", agreed(origin), tmp_path / "no" / "x", "--by", ONE)
    assert nowhere.status == 1 and "No such file" in nowhere.said


def until(true: Any, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it was waited for in vain"
        time.sleep(0.002)


# -- what is not put back ----------------------------------------------------------------------------


def test_what_is_not_the_archive_or_not_the_key_writes_nothing(
    origin: Origin, there: Commands, tmp_path: Path
) -> None:
    raw, bad = origin.archive.read_bytes(), tmp_path / "bad.age"
    other, _ = sealed.new_key()
    (tmp_path / "other.txt").write_text(other)
    (tmp_path / "none.txt").write_text("no key\n")

    def refused(said: str, archive: Path, key: Path, *more: object, by: str = ONE) -> None:
        done = there("restore", archive, "--identity", key, "--by", by, *more)
        assert (done.status, said in done.said) == (1, True), done.said
        assert "Traceback" not in done.said and nothing(there.url)

    refused("does not open the archive", origin.archive, tmp_path / "other.txt")
    refused("no private key of age", origin.archive, tmp_path / "none.txt")
    refused("not signed by this key", origin.archive, origin.key, "--key", "A" * 43 + "=")
    refused("nobody of this installation", origin.archive, origin.key, by="operator:nobody")
    for changed in (raw[:-1], raw[: len(raw) // 2], b"", raw + b"."):
        bad.write_bytes(changed)
        refused("cut or altered", bad, origin.key)
    bad.write_bytes(raw[: len(raw) // 3] + b"\0" + raw[len(raw) // 3 + 1 :])
    refused("cut or altered", bad, origin.key)
    missing = there("restore", origin.archive, "--identity", tmp_path / "no", "--by", ONE)
    assert missing.status == 2 and "does not" in missing.said


# -- put back ----------------------------------------------------------------------------------------


def test_a_killed_restoration_is_begun_again_and_every_table_is_there_equal(
    origin: Origin, there: Commands
) -> None:
    restore = ("restore", origin.archive, "--identity", origin.key, "--by", ONE)
    process = there.begin(*restore, "--key", origin.signer)
    held = (
        "SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 7309457"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    until(lambda: told(there.url, held) != [], 120)
    time.sleep(0.3)
    process.kill()
    there.end(process)
    until(lambda: told(there.url, held) == [])
    assert nothing(there.url)
    done = there(*restore, "--key", origin.signer)
    assert done.status == 0 and "equal." in done.said and " 0 differ." in done.said, done.said
    names = every_table(there.url)
    assert names == every_table(origin.url) and tables.unsaid(names) == []
    lines = tables.said()
    for name in names:
        here, left = content(there.url, name), content(origin.url, name)
        if name in lines["carried"]:
            assert here == left and here, name
        elif name in lines["made"] or name in lines["told"]:
            assert here or not left or name == "documents.to_read", name  # read meanwhile
    refused = there(*restore)
    assert refused.status == 1 and "no record and no account" in refused.said
    proofs = there("audit", "verify")
    assert proofs.status == 0, proofs.said
    before = "SELECT pos, seq, hash FROM access.log_leaf ORDER BY 1"
    leaves = told(origin.url, before)
    kept = told(there.url, before)
    assert kept[: len(leaves)] == leaves[: len(kept)] and len(kept) > 100
    audit = f"SELECT t::text FROM access.audit t WHERE seq <= {kept[-2][1]} ORDER BY seq"
    assert told(there.url, audit) == told(origin.url, audit)


def content(url: str, name: str) -> list[Any]:
    """The rows of a table; of what is asked for the platform, what was said once it was in the archive."""
    if name == "access.leaving":
        return told(url, f"SELECT id, recipient, asked, asked_by FROM {name} WHERE id = 1")
    return told(url, f"SELECT t::text FROM {name} t ORDER BY 1")

# SPDX-License-Identifier: EUPL-1.2
"""The matrix: read cell by cell, dated, each cell verified or proposed, and what another would change."""

import tomllib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from itertools import product
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from carnet.access import kinds, matrix, queries
from carnet.access.matrix import CATEGORIES, WrongMatrix
from carnet.access.matrix.compare import changes
from carnet.app import parts
from carnet.cli import app
from carnet.config import Instance
from carnet.rights.block import block
from carnet.rights.trust import trust
from tests import people
from tests.space import Space, settings_of

TEXT = files(matrix).joinpath("demonstration.toml").read_text("utf-8")
TABLE = tomllib.loads(TEXT)
KINDS = tomllib.loads(files("carnet.access").joinpath("kinds.toml").read_text("utf-8"))["rows"]
PROFESSIONS = [line["code"] for line in TABLE["profession"]]
RUNNER = CliRunner()


def version(name: str, on: date, **cells: str) -> str:
    """The demonstration matrix of another name and date; `_60="…"` replaces a line's cells."""
    made = TEXT.replace('version = "demo-2026-11-22"', f'version = "{name}"')
    made = made.replace("date = 2026-11-22", f"date = {on}")
    for line in TABLE["profession"]:
        if (code := f"_{line['code']}") in cells:
            old = f'label = "{line["label"]}"\ncells = "{line["cells"]}"'
            assert old in made
            made = made.replace(old, f'label = "{line["label"]}"\ncells = "{cells[code]}"')
    return made


NURSE = next(line["cells"] for line in TABLE["profession"] if line["code"] == "60")
LESS = "-" + NURSE[1:]  # a nurse who no longer reads reports and results


def plain(profession: str, kind: dict[str, Any]) -> bool:
    """One cell, as a person would read the file."""
    if kind["class"] in ("identity", "directory"):
        return True
    lines = {line["code"]: line["cells"].split() for line in TABLE["profession"]}
    line = lines.get(profession) or lines.get(profession.split("/")[0])
    if line is None or kind["class"] not in TABLE["categories"]["order"]:
        return False
    cell = line[TABLE["categories"]["order"].index(kind["class"])]
    return cell == "R" or (cell == "S" and not kind.get("sensitive"))


@pytest.mark.parametrize("profession", [*PROFESSIONS, "10/SM54", "60/X", "99", ""])
def test_every_profession_reads_what_its_line_says(profession: str) -> None:
    read = set(matrix.load().reads(profession))
    known = bool(profession) and profession.split("/")[0] in PROFESSIONS
    for name, kind in KINDS.items():
        expected = known and plain(profession, kind)
        assert (kind["number"] in read) == expected, (profession, name)
    assert len(KINDS) > 20


def test_the_table_is_not_all_of_one_colour() -> None:
    cells = {code for line in TABLE["profession"] for code in line["cells"].split()}
    assert cells == {"R", "S", "-"}
    assert set(CATEGORIES) == set(TABLE["categories"]["order"])


def test_a_refusal_beats_an_allowance() -> None:
    """A specialty's dash wins over its profession's R; what no cell names is not read."""
    line = '[[profession]]\ncode = "10/SM99"\nlabel = "x"\ncells = "- - - - - - - - - - -"\n'
    found = matrix.read(TEXT + line)
    everyone = {kind.number for kind in kinds.table().values() if kind.category in matrix.EVERYONE}
    assert set(found.reads("10/SM99")) == everyone
    assert set(found.reads("10")) > everyone
    short = TEXT.replace('"90", "95"]', '"90"]')
    for each in TABLE["profession"]:
        short = short.replace(f'cells = "{each["cells"]}"', f'cells = "{each["cells"][:-2]}"')
    assert not {95} & {
        int(kind.category) for kind in kinds.table().values()
        if kind.category.isdigit() and kind.number in matrix.read(short).reads("assistant")
    }  # fmt: skip


@pytest.mark.anyio
async def test_a_block_beats_a_consent_a_trust_and_a_treating_doctor(space: Space) -> None:
    patient, gp = await space.visit("patient"), int(people.GP.rpps)
    await trust(patient, gp)
    assert (await space.get(f"Patient/{space.patient_id()}", as_="gp")).status == 200
    await block(patient, gp)
    assert (await space.get(f"Patient/{space.patient_id()}", as_="gp")).status == 404


def test_each_cell_is_verified_with_its_source_or_proposed() -> None:
    found = matrix.load()
    doctor = found.cells["10"]
    assert {code for code, cell in doctor.items() if not cell.verified} == {"95"}
    assert all(cell.source for code, cell in doctor.items() if code != "95")
    assert not any(cell.verified for cell in found.cells["60"].values())


WRONG: list[tuple[str, str, str]] = [
    ("", "", "no [matrix] table"),
    ('name = "matrice de démonstration, non officielle"\n', "", "[matrix] has no name"),
    ("official = false", 'official = "no"', "official is not a bool"),
    ("date = 2026-11-22", 'date = "soon"', "date is not a date"),
    ("official = false", "official = false\nmood = 1", "mood is unknown"),
    (f'cells = "{NURSE}"', f'cells = "{NURSE} R"', "profession 60 has 12 cells for 11 categories"),
    (f'cells = "{NURSE}"', f'cells = "X{NURSE[1:]}"', "profession 60: cell X is none of R, S, -"),
    ('code = "60"', 'code = "50"', "profession 50 stands twice"),
    ('"90", "95"]', '"90", "96"]', "category 96 is in no row of kinds.toml"),
    ('"90", "95"]', '"90", "90"]', "a category stands twice"),
    ("[categories]", "[others]\n[categories]", "[others] is no table of a matrix"),
    ("[profession.verified]", '[profession.verified]\n77 = "x"', "verified names 77"),
    ("[profession.verified]", '[profession.verified]\n95 = ""', "verified.95 says no source"),
    ('label = "Infirmier"', 'labels = "Infirmier"', "profession 60 has no label"),
    ("[matrix]", "[matrix", "matrix: "),
]


@pytest.mark.parametrize(("old", "new", "said"), WRONG)
def test_what_is_wrong_in_a_file_is_said(old: str, new: str, said: str) -> None:
    assert old in TEXT
    with pytest.raises(WrongMatrix) as refused:
        matrix.read(TEXT.replace(old, new, 1) if old else "x = 1")
    assert said in str(refused.value)


def test_everything_wrong_is_said_at_once() -> None:
    broken = TEXT.replace(f'cells = "{NURSE}"', 'cells = "R"').replace("official = false", "")
    with pytest.raises(WrongMatrix) as refused:
        matrix.read(broken)
    assert "has no official" in str(refused.value)
    assert "profession 60 has 1 cells" in str(refused.value)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Three versions of a matrix."""
    made = tmp_path / "versions"
    made.mkdir()
    for name, on, cells in (
        ("first", date(2026, 1, 1), {}), ("second", date(2026, 12, 1), {"_60": LESS}),
        ("third", date(2027, 6, 1), {}),
    ):  # fmt: skip
        (made / f"{name}.toml").write_text(version(name, on, **cells), "utf-8")
    yield made


@pytest.mark.parametrize(("at", "name"), [
    (datetime(2025, 1, 1, tzinfo=UTC), "first"),
    (datetime(2026, 11, 30, 22, 59, tzinfo=UTC), "first"),
    (datetime(2026, 11, 30, 23, 0, tzinfo=UTC), "second"),  # midnight in Paris
    (datetime(2027, 5, 31, 21, 59, tzinfo=UTC), "second"),
    (datetime(2027, 5, 31, 22, 0, tzinfo=UTC), "third"),
    (datetime(2040, 1, 1, tzinfo=UTC), "third"),
])  # fmt: skip
def test_a_version_is_in_force_from_its_date(folder: Path, at: datetime, name: str) -> None:
    assert matrix.load(str(folder)).at(at).version == name


def test_two_versions_of_one_date_or_name_are_refused(folder: Path) -> None:
    (folder / "more.toml").write_text(version("fourth", date(2027, 6, 1)), "utf-8")
    with pytest.raises(WrongMatrix, match="same date or name"):
        matrix.load(str(folder))
    (folder / "more.toml").write_text(version("third", date(2028, 6, 1)), "utf-8")
    with pytest.raises(WrongMatrix, match="same date or name"):
        matrix.load(str(folder))
    with pytest.raises(WrongMatrix, match=r"no \.toml"):
        matrix.load(str(folder.parent))
    with pytest.raises(WrongMatrix, match="at this place"):
        matrix.load(str(folder / "absent.toml"))


@pytest.mark.anyio
async def test_the_door_judges_by_the_version_in_force_and_says_which(
    space: Space, folder: Path
) -> None:
    found = replace(space.built.door, matrix=matrix.load(str(folder)))
    desk = replace(space.built.desk, door=found)
    dated = Space(replace(space.built, door=found, desk=desk), space.where, space.clock,
                  space.admin_url)  # fmt: skip
    search = f"Observation?patient={space.patient_id()}&_count=1"
    assert (await dated.get(search, as_="nurse")).entries
    space.clock.advance(timedelta(days=30))
    assert (await dated.get(search, as_="nurse")).entries == []
    assert (await dated.get(search, as_="hospital-doctor")).entries
    space.clock.advance(timedelta(days=300))
    assert (await dated.get(search, as_="nurse")).entries
    traced = await space.rows(
        "SELECT matrix FROM access.audit WHERE sub = %s AND act = 'search' ORDER BY seq DESC LIMIT 3",
        f"rpps:{people.NURSE.rpps}",
    )
    assert traced == [("third",), ("second",), ("first",)]


def test_a_comparison_says_what_opens_and_what_closes() -> None:
    old, new = matrix.load(), matrix.read(version("next", date(2027, 1, 1), _60=LESS))
    closed = changes(old, new, {"60": 3, "60/X": 2, "10": 9})
    assert {(each.profession, each.category, each.links) for each in closed} == {
        ("60", "10", 3), ("60/X", "10", 2),
    }  # fmt: skip
    assert closed[0].label == "Infirmier"
    assert "laboratory" in closed[0].closes
    assert closed[0].opens == ()
    opened = changes(new, old, {})
    assert [(each.opens, each.closes) for each in opened] == [(closed[0].closes, ())]
    assert changes(old, old) == []


def test_a_comparison_is_exact_over_every_profession_and_kind() -> None:
    old, new = (
        matrix.load(),
        matrix.read(version("next", date(2027, 1, 1), _60=LESS, _21=" ".join("R" * 11))),
    )
    told = {
        (each.profession, name, sign)
        for each in changes(old, new)
        for names, sign in ((each.opens, True), (each.closes, False))
        for name in names
    }
    expected = {
        (code, kind.name, kind.number in new.reads(code))
        for code, kind in product(PROFESSIONS, kinds.table().values())
        if (kind.number in old.reads(code)) != (kind.number in new.reads(code))
    }
    assert told == expected
    assert {sign for _, _, sign in told} == {True, False}


@pytest.mark.anyio
async def test_links_are_counted_by_profession_and_blocks_are_not_links(space: Space) -> None:
    async def counted() -> dict[str, int]:
        async with await psycopg.AsyncConnection.connect(space.admin_url) as conn:
            return await queries.links_by_profession(conn, space.clock.now)

    before = await counted()
    nurses = await space.rows(
        "SELECT count(DISTINCT (m.rpps, c.cid)) FROM access.consent c JOIN access.team_member m"
        " ON m.team = c.team JOIN access.subject s ON s.rpps = m.rpps WHERE s.profession = '60'"
        " AND c.withdrawn IS NULL"
    )
    assert before["60"] == nurses[0][0]
    await block(await space.visit("patient"), int(people.NURSE.rpps))
    assert (await counted())["60"] == before["60"] - 1


def test_the_command_shows_and_compares(folder: Path) -> None:
    shown = RUNNER.invoke(app, ["matrix", "show", str(folder)])
    assert shown.exit_code == 0, shown.output
    assert "in force" in shown.output
    assert f"{10} cells verified of {11 * len(PROFESSIONS)}" in shown.output
    first, second = str(folder / "first.toml"), str(folder / "second.toml")
    compared = RUNNER.invoke(app, ["matrix", "compare", first, second])
    assert compared.exit_code == 3
    assert "60 Infirmier · 10 Comptes rendus et résultats: -" in compared.output
    assert "first → second, from 2026-12-01: 1 changes" in compared.output
    assert RUNNER.invoke(app, ["matrix", "compare", first, first]).exit_code == 0
    assert RUNNER.invoke(app, ["matrix", "compare", first, "/nowhere"]).exit_code == 1


def test_a_production_instance_starts_only_with_a_matrix_it_named(
    tmp_path: Path, folder: Path
) -> None:
    with pytest.raises(parts.NoMatrix):
        parts.matrix_of(settings_of(tmp_path, instance=Instance.PRODUCTION))
    named = settings_of(tmp_path, instance=Instance.PRODUCTION, matrix=str(folder))
    assert parts.matrix_of(named).version == "first"

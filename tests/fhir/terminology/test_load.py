# SPDX-License-Identifier: EUPL-1.2
"""Files go in whole or not at all, once, each form by what is in it."""

import gzip
import io
import json
import tarfile
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest

from carnet import errors
from carnet.fhir.terminology.load import base, dump, files, install, queries, store
from carnet.fhir.terminology.load.model import Brought
from carnet.fhir.terminology.refusals import Taken
from tests.fhir.terminology.conftest import AT, put
from tests.fhir.terminology.herbs import HERBS, MORE, SET, SYSTEM, Json, concept, value_set
from tests.postgres_fixture import Database

JDV = """<?xml version="1.0" encoding="UTF-8"?>
<RetrieveValueSetResponse xmlns="urn:ihe:iti:svs:2008">
  <ValueSet displayName="JDV_Herbes_TEST.tabs" id="2.999.5" revisionDate="{date}T12:00:00+01:00"
            dateMaj="{maj}" urlFichier="{page}" description="Herbes">
    <ConceptList>{concepts}</ConceptList>
  </ValueSet>
</RetrieveValueSetResponse>"""
LOINC = (
    '"LOINC_NUM","COMPONENT","PROPERTY","CLASS","STATUS","SHORTNAME","LONG_COMMON_NAME","RELATEDNAMES2",'
    '"VersionLastChanged"\n'
    '"1-8","Herbe","Mass","CHEM","ACTIVE","Herb SerPl","Herb [Mass] in Serum","tisane","2.9"\n'
    '"2-6","Herbe, vieille","Mass","CHEM","DEPRECATED","Old herb","Old herb [Mass]","","2.10"\n'
)
CIM10 = (
    "Z99     |3|0|0|Herbes, sans précision|Dépendance envers des herbes, sans précision\r\n"
    "Z991    |0|0|0|Thym|Dépendance envers le thym\r\n"
    "Z9910   |0|0|0|Thym sauvage|Dépendance envers le thym sauvage\r\n"
)
CLAML = """<?xml version="1.0" encoding="UTF-8"?>
<ClaML version="2.0.0"><Title name="CIM" version="2099">Classification d'herbes</Title>
<Class code="I" kind="chapter"><Rubric kind="preferred"><Label xml:lang="fr">Herbes</Label></Rubric></Class>
<Class code="Z99" kind="category"><SuperClass code="I"/>
  <Rubric kind="preferred"><Label xml:lang="fr">Thym <Term>sauvage</Term></Label></Rubric>
  <Rubric kind="inclusion"><Label xml:lang="fr">Farigoule</Label></Rubric></Class></ClaML>"""


def jdv(concepts: list[tuple[str, str, str]], page: str = "", date: str = "2025-01-02") -> bytes:
    """An invented national value set: (code, OID, label)."""
    listed = "".join(
        f'<Concept code="{code}" codeSystem="{oid}" displayName="{label}"/>' for code, oid, label in concepts
    )  # fmt: skip
    maj = date.replace("-", "") + "120000" if page else ""
    return JDV.format(concepts=listed, page=page, date=date, maj=maj).encode()


def understood(folder: Path, name: str, content: bytes, **more: Any) -> Brought:
    path = folder / name
    path.write_bytes(content)
    return files.understood(path, content, more.pop("known", {}), **more)


def stored(
    conn: psycopg.Connection[Any], brought: Brought, key: bytes, **more: Any
) -> store.Stored:
    return store.store(conn, brought, name="f", digest=store.digest_of(key), at=AT, **more)


def test_the_same_file_again_changes_nothing(db: Database) -> None:
    with db.connect() as conn:
        first = put(conn, SYSTEM)
        number = conn.execute("SELECT number FROM terminology.generation").fetchone()
        again = put(conn, SYSTEM)
        assert (first.known, again.known) == (False, True)
        assert conn.execute("SELECT number FROM terminology.generation").fetchone() == number
        assert conn.execute("SELECT count(*) FROM terminology.source").fetchone() == (1,)


def test_the_same_resource_in_another_file_is_the_same(db: Database) -> None:
    with db.connect() as conn:
        put(conn, SYSTEM)
        told = put(conn, SYSTEM, value_set("x", {"system": HERBS}))
        assert (told.systems, told.value_sets) == (0, 1)


def test_other_content_under_the_same_version_is_refused_and_nothing_of_the_file_stays(
    db: Database,
) -> None:
    """Unless it is said to take its place."""
    other = SYSTEM | {"concept": [concept("thym", "Farigoule")]}
    with db.connect() as conn:
        put(conn, SYSTEM)
        with pytest.raises(Taken):
            put(conn, value_set("x", {"system": HERBS}), other)
        assert conn.execute("SELECT count(*) FROM terminology.value_set").fetchone() == (0,)
        assert conn.execute("SELECT count(*) FROM terminology.source").fetchone() == (1,)
        put(conn, other, replace=True)
        assert conn.execute("SELECT code, display FROM terminology.concept").fetchall() == [
            ("thym", "Farigoule")
        ]


def test_of_several_versions_the_latest_published_stands(db: Database) -> None:
    """Whatever the order they come in; each can be asked by its number."""
    with db.connect() as conn:
        for version, date in (("2", "2024-01-01"), ("3", "2025-01-01"), ("1", "2023-01-01")):
            put(conn, value_set("x", {"system": HERBS}, version=version, date=date))
        rows = conn.execute("SELECT version FROM terminology.value_set WHERE current").fetchall()
        assert rows == [("3",)]
        assert conn.execute("SELECT count(*) FROM terminology.value_set").fetchone() == (3,)


def test_the_hierarchy_is_closed_even_where_it_turns_round(db: Database) -> None:
    """A code is never below itself."""
    turning = SYSTEM | {
        "concept": [
            {"code": "a", "property": [{"code": "parent", "valueCode": "c"}]},
            {"code": "b", "property": [{"code": "subsumedBy", "valueCode": "a"}]},
            {"code": "c", "property": [{"code": "parent", "valueCode": "b"}]},
        ]
    }
    with db.connect() as conn:
        put(conn, turning)
        pairs = conn.execute(
            "SELECT ancestor, code FROM terminology.below ORDER BY 1, 2"
        ).fetchall()
        assert pairs == [(x, y) for x in "abc" for y in "abc" if x != y]


def test_a_national_value_set_has_the_address_of_its_resource(db: Database, tmp_path: Path) -> None:
    """And is found by its OID, its page and its name; labels make a fragment of an unknown system."""
    page = "https://mos.esante.gouv.fr/NOS/JDV_J99-Herbes-TEST"
    content = jdv([("1", "2.999.1", "Thym"), ("A", "2.999.7", "Autre")], page)
    brought = understood(tmp_path, "x.xml", content, known={"urn:oid:2.999.1": HERBS})
    made = brought.value_sets[0]
    assert made.url == page + "/FHIR/JDV-J99-Herbes-TEST"
    assert (made.version, made.name, made.language) == ("20250102120000", "JDV_Herbes_TEST", "fr")
    assert [c["system"] for c in made.compose["include"]] == [HERBS, "urn:oid:2.999.7"]
    with db.connect() as conn:
        stored(conn, brought, content)
        names = {row[0] for row in conn.execute("SELECT name FROM terminology.alias").fetchall()}
        assert names == {page, "urn:oid:2.999.5", "JDV_Herbes_TEST"}
        fragment = "SELECT url, content, current FROM terminology.code_system ORDER BY url"
        assert conn.execute(fragment).fetchall() == [
            (HERBS, "fragment", True), ("urn:oid:2.999.7", "fragment", True),
        ]  # fmt: skip
        put(conn, SYSTEM)  # the whole one takes its place
        assert conn.execute(fragment).fetchall()[:2] == [
            (HERBS, "fragment", False), (HERBS, "complete", True),
        ]  # fmt: skip


def test_value_sets_add_to_the_fragment_of_a_system(db: Database, tmp_path: Path) -> None:
    """A label that is there stays; without a page, the address is the OID."""
    with db.connect() as conn:
        for at, concepts in enumerate(
            [[("1", "2.999.7", "Un")], [("1", "2.999.7", "One"), ("2", "2.999.7", "Deux")]]
        ):
            content = jdv(concepts, date=f"2025-01-0{at + 1}")
            stored(conn, understood(tmp_path, "x.xml", content), content)
        rows = conn.execute("SELECT code, display FROM terminology.concept ORDER BY seq").fetchall()
        assert rows == [("1", "Un"), ("2", "Deux")]
        assert conn.execute("SELECT size FROM terminology.code_system").fetchall() == [(2,)]
        rows = conn.execute(
            "SELECT url, version, current FROM terminology.value_set ORDER BY id"
        ).fetchall()
        assert rows == [
            ("urn:oid:2.999.5", "20250101120000", False), ("urn:oid:2.999.5", "20250102120000", True),
        ]  # fmt: skip


def test_loinc_is_read_from_its_table_and_its_french_variant(tmp_path: Path) -> None:
    """By the columns' names; a deprecated code is inactive; the version is the latest change."""
    variant = tmp_path / "AccessoryFiles" / "LinguisticVariants"
    variant.mkdir(parents=True)
    (variant / "frFR18LinguisticVariant.csv").write_text(
        '"LOINC_NUM","COMPONENT","LONG_COMMON_NAME"\n"1-8","Herbe","Herbe [Masse] Sérum"\n', "utf-8"
    )
    system = understood(tmp_path, "Loinc.csv", LOINC.encode()).systems[0]
    first, second = system.concepts
    assert (system.url, system.version, system.value_set) == (
        "http://loinc.org",
        "2.10",
        "http://loinc.org/vs",
    )
    assert first.designations[0] == {"language": "fr-FR", "value": "Herbe [Masse] Sérum"}
    assert (first.inactive, second.inactive) == (False, True)
    assert first.properties["CLASS"] == ["CHEM"]


def test_cim10_is_read_from_the_list_of_the_atih(tmp_path: Path) -> None:
    system = understood(
        tmp_path, "LIBCIM10MULTI.TXT", CIM10.encode("iso8859-15"), version="2099"
    ).systems[0]
    made = {c.code: c for c in system.concepts}
    assert list(made) == ["Z99", "Z99.1", "Z99.10"]
    assert made["Z99.10"].parents == ("Z99.1",)
    assert made["Z99.1"].parents == ("Z99",)
    assert made["Z99"].display == "Dépendance envers des herbes, sans précision"
    assert made["Z99"].properties["typeMCO"] == ["3"]
    assert system.version == "2099"


def test_cim10_is_read_from_claml(tmp_path: Path) -> None:
    system = understood(tmp_path, "cim.xml", CLAML.encode()).systems[0]
    chapter, category = system.concepts
    assert (system.url, system.version) == ("http://hl7.org/fhir/sid/icd-10", "2099")
    assert (chapter.abstract, category.abstract) == (True, False)
    assert (category.display, category.parents, list(category.hints)) == (
        "Thym sauvage",
        ("I",),
        ["Farigoule"],
    )


def test_packages_bundles_lines_and_compressed_files_are_read(tmp_path: Path) -> None:
    one, other = SYSTEM, value_set("x", {"system": HERBS})
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        members = {"package/CodeSystem-x.json": one, "package/package.json": {"name": "x"}}
        for name, given in members.items():
            body = json.dumps(given).encode()
            info = tarfile.TarInfo(name)
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
    bundle = {"resourceType": "Bundle", "entry": [{"resource": one}, {"resource": other}]}
    lines = b"\n".join(json.dumps(each).encode() for each in (one, other))
    for name, content, systems, sets in (
        ("a.tgz", archive.getvalue(), 1, 0),
        ("b.json", json.dumps(bundle).encode(), 1, 1),
        ("c.ndjson", lines, 1, 1),
        ("d.json.gz", gzip.compress(json.dumps(one).encode()), 1, 0),
    ):
        brought = understood(tmp_path, name, content)
        assert (len(brought.systems), len(brought.value_sets)) == (systems, sets), name


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a nomenclature",
        b'{"resourceType": "Patient"}',
        b"<a/>",
        b"<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>",
        b"code;label\n1;Un\n",
        jdv([]),
        jdv([("", "2.999.1", "Vide")]),
        b'{"resourceType": "ValueSet", "url": "urn:x"}',
        b'{"resourceType": "CodeSystem", "url": "urn:x", "content": "complete",'
        b' "concept": [{"display": "x"}]}',
        b'{"resourceType": "ValueSet", "url": "urn:x",'
        b' "compose": {"include": [{"concept": [{"code": "1"}]}]}}',
    ],
)
def test_what_is_no_nomenclature_is_refused_with_a_sentence(
    db: Database, tmp_path: Path, content: bytes
) -> None:
    """And leaves nothing."""
    with db.connect() as conn:
        with pytest.raises(errors.CarnetError) as refused:
            stored(conn, understood(tmp_path, "x", content), content)
        assert str(refused.value).endswith(".")
        assert conn.execute("SELECT count(*) FROM terminology.source").fetchone() == (0,)


def test_an_expansion_alone_is_taken_as_a_list(tmp_path: Path) -> None:
    given: Json = {
        "resourceType": "ValueSet", "url": SET + "x",
        "expansion": {"contains": [
            {"system": HERBS, "code": "lam", "abstract": True,
             "contains": [{"system": HERBS, "code": "thym"}]},
        ]},
    }  # fmt: skip
    made = understood(tmp_path, "x.json", json.dumps(given).encode()).value_sets[0]
    assert made.compose == {"include": [{"system": HERBS, "concept": [{"code": "thym"}]}]}


def test_services_read_terminology_and_write_none_of_it(db: Database) -> None:
    for role in ("carnet_app", "carnet_worker"):
        with db.connect(role) as conn:
            conn.execute("SELECT FROM terminology.concept")
            for table in ("concept", "value_set", "alias", "generation", "source"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    conn.execute(f"DELETE FROM terminology.{table}".encode())


@pytest.mark.slow
def test_the_national_value_sets_are_all_read(stocked: Database, shared: Path) -> None:
    """520 files; the two that were published unfinished, with a concept without a code, are refused."""
    folder = shared / "data" / "french" / "jeux-de-valeurs"
    refused, concepts = [], 0
    with stocked.connect() as conn:
        known: dict[str, str] = dict(conn.execute(queries.NAMES).fetchall())
        for path in files.files(folder):
            try:
                brought = files.understood(path, path.read_bytes(), known)
            except errors.CarnetError:
                refused.append(path.name)
                continue
            concepts += sum(len(c["concept"]) for c in brought.value_sets[0].compose["include"])
    assert refused == ["JDV_Evaluation_AGGIR_PA_CISIS.xml", "JDV_Evaluation_AGGIR_PH_CISIS.xml"]
    assert concepts > 14_000


@pytest.mark.slow
def test_the_packed_rows_are_what_the_definitions_make(db: Database) -> None:
    """The quick way and the general one write the same rows; tools/pack_terminology.py makes them anew."""
    rows = dump.packed()
    assert rows.sha256 == store.digest_of(base.artefact())
    with db.connect() as conn:
        assert install.base(conn, AT)
        assert not install.base(conn, AT)
        made = dump.taken(conn, rows.sha256)
        for table in ("alias", "listed", "value_set", "below", "concept", "code_system", "source"):
            conn.execute(f"TRUNCATE terminology.{table} RESTART IDENTITY CASCADE")
        assert install.slowly(conn, AT)
        slow = dump.taken(conn, rows.sha256)
    assert slow == rows == made


@pytest.mark.slow
def test_definitions_come_beside_what_an_operator_loaded_first(db: Database) -> None:
    with db.connect() as conn:
        put(conn, SYSTEM)
        assert install.base(conn, AT)
        found = conn.execute("SELECT count(*) FROM terminology.code_system").fetchone()
        assert found == (1041,)
        put(conn, SYSTEM | {"version": "3"})
        assert conn.execute("SELECT count(*) FROM terminology.code_system").fetchone() == (1042,)


def spoilt(chance: Random, value: Any) -> Any:
    """The same JSON with a key gone, or a value of another kind, here and there."""
    if isinstance(value, list):
        return [spoilt(chance, each) for each in value]
    if not isinstance(value, dict):
        return value
    if value and chance.random() < 0.3:
        key = chance.choice(list(value))
        kinds: list[Any] = [None, 1, True, "x", [], {}, [1], ["x"], [{}], [None], -1.5, ""]
        return value | {key: chance.choice(kinds)}
    return {
        key: spoilt(chance, each) if chance.random() < 0.5 else each for key, each in value.items()
    }


def torn(chance: Random, content: bytes) -> bytes:
    """The same bytes, some of them others, gone or doubled."""
    made = bytearray(content)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(made) or 1)
        match chance.randrange(4):
            case 0:
                made[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                del made[at : at + chance.randint(1, 40)]
            case 2:
                made[at:at] = chance.choice(
                    [b"\0", b'"', b"|||", b"\xff\xfe", b"<a>", b",,,,", b"&x;"]
                )
            case _:
                del made[at:]
    return bytes(made)


def test_a_file_that_is_spoilt_is_refused_in_words_or_read(tmp_path: Path) -> None:
    """Whatever is wrong in it: no exception of Python's own comes out of a file."""
    plain = {
        "a.xml": jdv([("c", "2.999.1", "L"), ("d", "2.999.1", "M")]),
        "loinc.csv": LOINC.encode(),
        "cim.txt": CIM10.encode("iso8859-15"),
        "claml.xml": CLAML.encode(),
        "a.json.gz": gzip.compress(json.dumps(SYSTEM).encode()),
    }
    resources: list[Json] = [
        SYSTEM,
        MORE[-1],
        {"resourceType": "Bundle", "entry": [{"resource": SYSTEM}]},
    ]
    refused = 0
    for seed in range(600):
        chance = Random(seed)
        name, content = "a.json", b""
        if chance.random() < 0.5:
            content = json.dumps(spoilt(chance, chance.choice(resources))).encode()
        else:
            name = chance.choice(sorted(plain))
            content = torn(chance, plain[name])
        try:
            for system in understood(tmp_path, name, content).systems:
                for one in system.concepts:
                    store._row(1, 0, one)
        except errors.CarnetError as refusal:
            assert str(refusal)
            refused += 1
    assert 200 < refused < 600

# SPDX-License-Identifier: EUPL-1.2
"""The hostile corpus through each reader: a refusal or a value; no call, no file read, little memory."""

import contextlib
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree

from carnet.fhir.validation import narrative
from tests.hostile import child
from tests.hostile.child import Ended
from tests.hostile.conftest import Trap
from tests.hostile.corpus import json, markup, xml
from tests.hostile.corpus.bait import NOWHERE, TOKEN
from tests.hostile.fuzz.readers import READERS, REFUSAL

AT_MOST = 50 * 1024  # kilobytes a reader may hold beyond the document itself
# As much markup as is taken at all: bounded, at twice that.
LARGEST = {"elements-at-the-limit", "elements-and-attributes-at-the-limit"}


@pytest.fixture(scope="module")
def attacks(trap: Trap, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The XML corpus as files."""
    return written(tmp_path_factory.mktemp("xml"), xml.documents(trap.bait))


def written(folder: Path, documents: dict[str, bytes]) -> Path:
    """A folder of a corpus."""
    for name, content in documents.items():
        (folder / name).write_bytes(content)
    return folder


def harmless(found: list[Ended], trap: Trap) -> None:
    """Each was read or refused, in little memory; the bait was not taken."""
    for each in found:
        assert each.how in ("read", "refused"), each
        assert TOKEN not in each.said + each.shown, each.name
        assert "Traceback" not in each.said, each
        assert each.growth < AT_MOST * (2 if each.name in LARGEST else 1), each
    trap.untouched()


def test_the_corpus_is_the_same_each_time_and_large_enough() -> None:
    assert xml.documents(NOWHERE) == xml.documents(NOWHERE)
    assert len(xml.documents(NOWHERE)) >= 60
    assert len(json.bodies()) + len(json.resources()) + len(json.bundles()) >= 100
    assert len(markup.texts(NOWHERE)) + len(markup.narratives(NOWHERE)) >= 150


@pytest.mark.slow
def test_hostile_xml_at_the_door_of_xml(attacks: Path, trap: Trap) -> None:
    found = child.over("xml", attacks)
    harmless(found, trap)
    assert {each.name for each in found if each.how == "read"} == xml.OPEN


@pytest.mark.slow
def test_hostile_xml_read_as_a_document(attacks: Path, trap: Trap) -> None:
    harmless(child.over("cda", attacks), trap)


def test_hostile_json_at_the_door_of_json(trap: Trap, tmp_path: Path) -> None:
    found = child.over("json", written(tmp_path, json.bodies()))
    harmless(found, trap)
    assert {each.how for each in found} == {"refused"}


@pytest.mark.parametrize(
    ("reader", "family"), [("resource", json.resources), ("bundle", json.bundles)]
)
def test_hostile_json_as_what_it_says_it_is(
    reader: str, family: Callable[[], dict[str, object]]
) -> None:
    for value in family().values():
        with contextlib.suppress(*REFUSAL):
            READERS[reader](json.text(value))


@pytest.mark.parametrize("name", markup.divs(NOWHERE))
def test_a_narrative_that_acts_is_refused(name: str) -> None:
    refusal = narrative.check(markup.divs(NOWHERE)[name])
    assert refusal
    assert "window" not in refusal


# ------------------------------------------------------------------------------------- the control


def test_the_bait_works(attacks: Path, trap: Trap) -> None:
    """A careless reader reads the canary, and who calls is counted: the tests above could fail."""
    careless = etree.XMLParser(load_dtd=True, resolve_entities=True, no_network=False)
    stolen = set()
    for path in attacks.iterdir():
        if path.stat().st_size > 10_000:
            continue
        try:
            tree = etree.parse(path, careless)
        except (etree.XMLSyntaxError, OSError):
            continue
        if TOKEN in etree.tostring(tree, encoding="unicode"):
            stolen.add(path.name)
    assert {"file-entity", "file-entity-by-path", "utf-16", "svg-with-entity"} <= stolen
    urllib.request.urlopen(f"{trap.bait.url}/control", timeout=5).close()
    assert trap.called() == ["GET /control HTTP/1.1"]

# SPDX-License-Identifier: EUPL-1.2
"""Hostile files people deposit or load: refused, or kept without what acts; archives are not unpacked."""

from __future__ import annotations

from pathlib import Path

import pytest

from carnet import errors
from carnet.app.loading.outcomes import Options, State
from carnet.app.loading.run import load_all
from carnet.documents import files
from tests.documents.lots import holds
from tests.hostile import child
from tests.hostile.conftest import Trap
from tests.hostile.corpus import archives, images, pdf, texts, xml
from tests.hostile.corpus.bait import NOWHERE, TOKEN
from tests.hostile.share import some
from tests.hostile.test_parsers import written
from tests.space import Space

pytestmark = pytest.mark.slow

# Kilobytes: decoding a picture or a page takes more than reading a text; the cell has 512 MB.
AT_MOST = 400 * 1024
# What a PDF, or a file cleaned of a PDF, must not hold.
ACTIVE = (
    b"/JavaScript",
    b"/JS",
    b"/Launch",
    b"/SubmitForm",
    b"/XFA",
    b"/EmbeddedFile",
    b"/OpenAction",
)

FAMILIES = {
    "pdf": lambda bait: pdf.documents(bait),
    "image": lambda bait: {name: content for name, (_, content) in images.documents(bait).items()},
    "rtf": lambda bait: texts.rtf(bait),
    "text": lambda bait: texts.plain(bait),
}


@pytest.mark.parametrize("reader", FAMILIES)
def test_hostile_files_are_read_in_little_memory(reader: str, trap: Trap, tmp_path: Path) -> None:
    for each in child.over(reader, written(tmp_path, FAMILIES[reader](trap.bait))):
        assert each.how in ("read", "refused"), each
        assert TOKEN not in each.shown, each.name
        assert each.growth < AT_MOST, each
    trap.untouched()


def deposits() -> dict[str, tuple[str, bytes]]:
    """What is declared of each, and its bytes."""
    return {
        **{f"pdf-{name}": ("application/pdf", content) for name, content in pdf.documents(NOWHERE).items()},
        **images.documents(NOWHERE),
        **{f"rtf-{name}": ("text/rtf", content) for name, content in texts.rtf(NOWHERE).items()},
        **{f"text-{name}": ("text/plain", content) for name, content in texts.plain(NOWHERE).items()},
    }  # fmt: skip


def test_a_part_of_them_as_they_are_deposited(trap: Trap) -> None:
    """By the confined process: kept inert, or refused in words; it serves the next one."""
    suffixes = {"application/pdf": "pdf", "text/rtf": "rtf", "text/plain": "txt"}
    for name, (declared, content) in some(deposits().items(), 12):
        suffix = suffixes.get(declared, declared.rpartition("/")[2])
        try:
            media = files.sniff(content, declared, f"{name}.{suffix}")
            kept = files.clean(content, media)
        except errors.CarnetError as refusal:
            assert str(refusal)
            assert TOKEN not in str(refusal)
            continue
        assert TOKEN.encode() not in kept.data
        if kept.media_type == "application/pdf":
            for word in ACTIVE:
                assert word not in kept.data, (name, word)
    good = pdf.page()
    assert files.clean(good, files.sniff(good, "application/pdf", "a.pdf")).data.startswith(
        b"%PDF-"
    )
    trap.untouched()


@pytest.mark.anyio
async def test_archives_are_refused_without_being_unpacked(
    space: Space, trap: Trap, tmp_path: Path
) -> None:
    """And the hostile XML, as files: each has its reason, none is unforeseen."""
    folder = written(tmp_path, archives.documents(trap.bait))
    xmls = {f"{name}.xml": content for name, content in xml.documents(trap.bait).items()}
    small = {name: content for name, content in xmls.items() if len(content) < 5_000_000}
    small.pop("json.xml", None)  # a resource under another name: it goes in
    written(folder, dict(some(small.items(), 10)))
    before, there = await holds(space), listed(tmp_path)
    who = await space.actor("lab-software")
    found = await load_all(space.built, who, [folder], Options(create_patients=True))
    inside = [each for each in found if each.path.parent != folder]
    assert {each.path for each in found} - {each.path for each in inside} == set(there)
    for each in found:
        if each.state is State.SKIPPED:  # an archive that opens: nothing of what is in it is in
            assert "files inside" in each.counts, each.path.name
            continue
        assert each.refused, each.path.name
        assert "nforeseen" not in each.refused, (each.path.name, each.refused)
        assert TOKEN not in each.refused
    assert await holds(space) == before
    assert listed(tmp_path) == there
    trap.untouched()


def listed(folder: Path) -> list[Path]:
    """What lies there, and what archives would have put beside."""
    return sorted(folder.rglob("*")) + sorted(Path("/tmp").glob("evil.xml"))

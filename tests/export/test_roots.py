# SPDX-License-Identifier: EUPL-1.2
"""The root at the foot of a page, in the file, by the API, in a copy of a record: one, and each is enough."""

from __future__ import annotations

import io
import json
import random
import zipfile
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from carnet.access.log import proofs, roots, sources, tree, verify
from carnet.access.log.heads import Head, load_or_make
from carnet.access.log.verify import Kind
from carnet.app.pages import PageParts
from tests.access.log import tampering
from tests.export.test_take import seal, whole
from tests.space import Space

pytestmark = pytest.mark.anyio
DELAY = timedelta(days=2)  # the people of the space were made at another hour than the machine's


def kinds(space: Space, handed: list[Head], noted: list[tuple[int, str]], key: bytes) -> set[Kind]:
    source = sources.Database(space.admin_url, space.clock.now)
    try:
        return verify.verify(source, handed, [key], delay=DELAY, noted=noted).kinds
    finally:
        source.close()


async def test_a_log_rewritten_with_its_seals_is_caught_by_any_root_handed_out(
    space: Space,
) -> None:
    assert (await space.get("DocumentReference?_count=1", as_="gp")).status == 200
    await seal(space)
    space.clock.advance(timedelta(minutes=1))
    data = await whole(space, "patient")
    settings = space.built.settings
    signer = load_or_make(settings.keys)

    # Four ways to have it, and it is the same.
    page = PageParts(space.built).seal()
    assert page is not None
    (of_file,) = roots.read(settings.roots)[-1:]
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        of_copy = Head.of(json.loads(archive.read("journal/racine.ndjson")))
        proved = [
            json.loads(line) for line in archive.read("journal/preuves-1.ndjson").splitlines()
        ]
        assert page.root in archive.read("index.html").decode()
    given: dict[str, Any] = {
        each["name"]: next(value for name, value in each.items() if name.startswith("value"))
        for each in (await space.get("$audit-root")).json["parameter"]
    }
    assert of_file == of_copy
    assert (page.root, page.size) == (of_copy.root.hex(), of_copy.size)
    assert (given["root"], given["size"]) == (page.root, str(page.size))
    handed = {
        "page": ([], [(page.size, page.root[:16])]), "file": ([of_file], []),
        "copy": ([of_copy], []), "api": ([], [(int(given["size"]), given["root"])]),
    }  # fmt: skip
    for each in handed.values():
        assert kinds(space, *each, signer.public) == set()
    assert all(proofs.check(each, [signer.public]) == of_copy for each in proved)

    # Somebody with the database and the installation's own key takes a line away and seals all anew.
    ((seq,),) = await space.rows(
        "SELECT seq FROM access.audit WHERE sub LIKE 'rpps:%%' ORDER BY seq LIMIT 1"
    )
    with psycopg.connect(space.admin_url) as conn:
        attack = tampering.Attack(conn, random.Random(1), None)  # type: ignore[arg-type]
        attack.do("DELETE FROM access.audit WHERE seq = %s", seq)
        attack.remake(signer)
    assert kinds(space, [], [], signer.public) == set(), (
        "planted: nothing inside the database says so"
    )
    for name, each in handed.items():
        assert kinds(space, *each, signer.public), name
    # And the new log cannot prove that it continues what was handed out.
    async with space.built.pool.connection() as conn_:
        found = await proofs.of_growth(conn_, of_copy.size - 1)
        last = (
            await space.rows("SELECT size, root FROM access.log_head ORDER BY size DESC LIMIT 1")
        )[0]
    assert found is not None
    with pytest.raises(tree.WrongProof):
        path = [bytes.fromhex(step) for step in found]
        tree.check_consistency(of_copy.size - 1, of_copy.root, last[0], last[1], path)

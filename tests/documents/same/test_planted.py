# SPDX-License-Identifier: EUPL-1.2
"""The probes of what is hidden see the fault they look for: with the door set aside, they fail."""

from typing import Any

import pytest

from carnet.access.door import Visit, platform, visit
from carnet.fhir.search import sql
from tests.documents.same import test_keep as copies
from tests.documents.same import test_orders as orders
from tests.documents.text import test_find as words
from tests.space import Space

pytestmark = pytest.mark.anyio

whole = copies.whole  # the fixture


@pytest.fixture
def door_set_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every statement of a read sees all rows: no scope in it, and the platform's context around it."""

    async def enter(who: Visit, conn: Any, scope: Any) -> None:
        await platform.enter(who.door, conn)

    monkeypatch.setattr(Visit, "enter", enter)
    for module in (sql, visit):
        monkeypatch.setattr(module, "condition", lambda scope, values, *, public: "TRUE")


@pytest.mark.usefixtures("door_set_aside")
@pytest.mark.parametrize(
    "probe",
    [
        copies.test_a_hidden_copy_tells_nothing_of_itself,
        orders.test_documents_that_are_one_are_told_and_none_is_lost,
        orders.test_an_order_is_told_nothing_of_what_its_author_may_not_read,
        words.test_what_is_hidden_is_in_no_answer_count_or_choice,
    ],
)
async def test_a_probe_is_red_without_the_door(space: Space, probe: Any) -> None:
    with pytest.raises(AssertionError):
        await probe(space)

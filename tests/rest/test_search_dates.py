# SPDX-License-Identifier: EUPL-1.2
"""Dates of every precision, with and without zone, by every prefix: the server beside a plain reading."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from tests.rest.samples import LAB, bundle, get, observation
from tests.rest.test_search import make
from tests.space import Space

pytestmark = pytest.mark.anyio

STORED = (
    "2020", "2020-02", "2020-02-29", "2020-02-29T10:30:00Z", "2020-02-29T10:30:00.250+02:00",
    "2020-02-28T23:30:00-05:00", "2019-12-31T23:59:59.999Z", "2021-01-01", "2020-03-01T00:00:00+01:00",
)  # fmt: skip
ASKED = (
    "2020", "2020-02", "2020-02-29", "2020-02-29T10:30", "2020-02-29T10:30Z", "2020-02-29T08:30+00:00",
    "2020-02-29T10:30:00", "2020-02-29T10:30:00Z", "2020-02-29T12:30:00+02:00", "2020-02-29T08:30:00.250Z",
    "2020-02-29T10:30:00.25+02:00", "2020-02-29T04:30:00-00:00", "2019-12-31T23:59:59.999", "2021-01-01",
)  # fmt: skip
SHAPES = {
    4: "%Y", 7: "%Y-%m", 10: "%Y-%m-%d", 16: "%Y-%m-%dT%H:%M", 19: "%Y-%m-%dT%H:%M:%S",
}  # fmt: skip


def span(text: str) -> tuple[datetime, datetime]:
    """First instant and the one after the last: by the calendar, not by the code that is tried."""
    bare, zone = text, timedelta()
    if "T" in text:
        if text.endswith("Z"):
            bare = text[:-1]
        elif text[-6] in "+-":
            sign = -1 if text[-6] == "-" else 1
            zone = sign * timedelta(hours=int(text[-5:-3]), minutes=int(text[-2:]))
            bare = text[:-6]
    bare, _, fraction = bare.partition(".")
    start = datetime.strptime(bare, SHAPES[len(bare)]).replace(tzinfo=UTC) - zone
    if fraction:
        start += timedelta(seconds=float(f"0.{fraction}"))
        return start, start + timedelta(seconds=10.0 ** -len(fraction))
    if len(bare) == 4:
        return start, start.replace(year=start.year + 1)
    if len(bare) == 7:
        return start, (start + timedelta(days=31)).replace(day=1)
    length = {10: timedelta(days=1), 16: timedelta(minutes=1), 19: timedelta(seconds=1)}
    return start, start + length[len(bare)]


Span = tuple[datetime, datetime]
PREFIXES: dict[str, Callable[[Span, Span, datetime], bool]] = {
    "": lambda have, ask, now: ask[0] <= have[0] and have[1] <= ask[1],
    "eq": lambda have, ask, now: ask[0] <= have[0] and have[1] <= ask[1],
    "ne": lambda have, ask, now: not (ask[0] <= have[0] and have[1] <= ask[1]),
    "gt": lambda have, ask, now: have[1] > ask[1],
    "lt": lambda have, ask, now: have[0] < ask[0],
    "ge": lambda have, ask, now: have[1] > ask[1] or (ask[0] <= have[0] and have[1] <= ask[1]),
    "le": lambda have, ask, now: have[0] < ask[0] or (ask[0] <= have[0] and have[1] <= ask[1]),
    "sa": lambda have, ask, now: have[0] >= ask[1],
    "eb": lambda have, ask, now: have[1] <= ask[0],
    "ap": lambda have, ask, now: (
        have[0] < ask[1] + max(abs(now - ask[0]) / 10, timedelta(days=1))
        and have[1] > ask[0] - max(abs(now - ask[0]) / 10, timedelta(days=1))
    ),
}


async def agree(space: Space, parameter: str, rtype: str, made: dict[str, str]) -> int:
    """Each prefix with each date, in batches; how many matches there were in all."""
    now, found = space.clock(), 0
    questions = [(prefix, asked) for prefix in PREFIXES for asked in ASKED]
    for at in range(0, len(questions), 70):
        some = questions[at : at + 70]
        urls = [
            f"{rtype}?_id={','.join(made.values())}&{parameter}={prefix}{quote(asked)}"
            for prefix, asked in some
        ]
        answer = await space.post("", bundle(*map(get, urls), kind="batch"), as_=LAB)
        assert answer.status == 200, answer.body
        for (prefix, asked), each in zip(some, answer.json["entry"], strict=True):
            got = {one["resource"]["id"] for one in each["resource"].get("entry", [])}
            expected = {
                id for text, id in made.items() if PREFIXES[prefix](span(text), span(asked), now)
            }
            assert got == expected, f"{parameter}={prefix}{asked}"
            found += len(got)
    return found


async def test_the_principal_date_is_compared_as_a_stretch_of_time(space: Space) -> None:
    someone = f"Patient/{space.patient_id('husband')}"
    ids = await make(space, *(observation(someone, date=text) for text in STORED))
    assert await agree(space, "date", "Observation", dict(zip(STORED, ids, strict=True))) > 300


async def test_another_date_is_compared_alike(space: Space) -> None:
    """value-date, whose rows are apart."""
    someone = f"Patient/{space.patient_id('husband')}"
    ids = await make(space, *(observation(someone, valueDateTime=text) for text in STORED))
    assert (
        await agree(space, "value-date", "Observation", dict(zip(STORED, ids, strict=True))) > 300
    )

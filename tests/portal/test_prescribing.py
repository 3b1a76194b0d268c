# SPDX-License-Identifier: EUPL-1.2
"""The page of a prescription: lines typed, read again, then written once."""

from collections.abc import Iterator
from typing import Any

import pytest
from lxml import html

from tests.portal.preview import PreviewActs
from tests.portal.walk import THEIRS

pytestmark = pytest.mark.db

PAGE = THEIRS + "ordonnance/"
LINE = {
    "medicine_1": "Amoxicilline  1 g", "dose_1": "0,5", "unit_1": "comprime", "times_1": "3",
    "days_1": "7", "renewals_1": "", "words_1": "", "cis_1": "", "unsubstitutable_1": "MTE",
}  # fmt: skip
EMPTY = {name.replace("_1", "_2"): "" for name in LINE}


@pytest.fixture(autouse=True)
def nothing_prescribed() -> Iterator[None]:
    PreviewActs.prescribed.clear()
    yield
    PreviewActs.prescribed.clear()


def post(client: Any, **changes: str) -> Any:
    return client.post(PAGE, {"count": "2", "act": "review", **LINE, **EMPTY, **changes})


def fields(page: Any) -> dict[str, str]:
    """What the form of the page would send, but for its buttons."""
    form = html.fromstring(page.content.decode()).xpath("//main//form")[0]
    return {name: value or "" for name, value in form.form_values()}


def test_lines_are_read_again_before_anything_is_written(client: Any, logged_in: Any) -> None:
    logged_in("gp")
    page = post(client)
    review = html.fromstring(page.content.decode()).xpath("//main//ol")[0]
    said = " ".join(" ".join(review.itertext()).split())
    assert "Amoxicilline 1 g 0,5 comprimé, 3 fois par jour, pendant 7 jours." in said
    assert "Non substituable (MTE" in said
    assert PreviewActs.prescribed == {}
    again = client.post(PAGE, fields(page) | {"act": "change"})
    assert fields(again)["medicine_1"].split() == ["Amoxicilline", "1", "g"]
    done = client.post(PAGE, fields(page) | {"act": "write"})
    assert done.status_code == 302
    assert done["Location"] == THEIRS + "documents/bio-2026/"
    [(number, lines)] = PreviewActs.prescribed.items()
    assert number == fields(page)["number"]
    assert [each.medicine for each in lines] == ["Amoxicilline 1 g"], "the empty line is none"
    twice = client.post(PAGE, fields(page) | {"act": "write"})
    assert (twice.status_code, twice["Location"]) == (302, THEIRS)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("medicine", ""),
        ("dose", "beaucoup"),
        ("dose", "-1"),
        ("dose", "1e99"),
        ("dose", "NaN"),
        ("unit", ""),
        ("unit", "boîte"),
        ("times", "0"),
        ("times", "٣"),
        ("days", "400"),
        ("days", "99999"),
        ("renewals", "13"),
        ("cis", "12"),
        ("unsubstitutable", "NON"),
        ("words", "a\x00b"),
        ("words", "\u202e"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    client: Any, logged_in: Any, field: str, wrong: str
) -> None:
    logged_in("gp")
    page = post(client, **{f"{field}_1": wrong, "act": "write", "number": "x"})
    assert page.status_code == 200
    tree = html.fromstring(page.content.decode())
    assert tree.xpath("//div[@role='alert']//a"), "a summary of the errors leads to each"
    for link in tree.xpath("//div[@role='alert']//a/@href"):
        assert tree.xpath(f"//*[@id='{link[1:]}']")
    assert PreviewActs.prescribed == {}


def test_lines_are_added_up_to_twenty(client: Any, logged_in: Any) -> None:
    logged_in("gp")
    more = post(client, act="more")
    assert fields(more)["count"] == "3"
    assert fields(more)["dose_1"] == "0,5"
    whole = post(client, act="more", count="19")
    assert fields(whole)["count"] == "20"
    assert not html.fromstring(whole.content.decode()).xpath("//button[@value='more']")
    for count in ("-1", "x", "", "1000"):
        assert 1 <= int(fields(post(client, act="more", count=count))["count"]) <= 20


def test_nothing_typed_is_no_prescription(client: Any, logged_in: Any) -> None:
    logged_in("gp")
    page = client.post(PAGE, {"count": "2", "act": "write", "number": "x"})
    assert page.status_code == 200
    assert "Écrivez au moins une ligne." in page.content.decode()


def test_a_prescriber_is_led_there_and_others_are_not(client: Any, logged_in: Any) -> None:
    for who, led in (("gp", True), ("assistant", False)):
        logged_in(who)
        page = client.get(THEIRS + "sante/").content.decode()
        assert (f'href="{PAGE}"' in page) is led
        assert client.post(PAGE, LINE).status_code == (200 if led else 403)

# SPDX-License-Identifier: EUPL-1.2
"""Pages of identity: one's own, the sheet, and what the officers decide."""

from typing import Any

import pytest

from tests.portal.preview import PreviewParts
from tests.portal.preview_vigilance import INS, ONE, OTHER, PreviewIdentity

PAIR = f"/identitovigilance/{ONE.id}/{OTHER.id}/"


@pytest.fixture
def identity(site: PreviewParts) -> PreviewIdentity:
    found = PreviewIdentity()
    site.identity = found
    return found


def test_the_sheet_is_of_a_qualified_identity_alone(
    logged_in: Any, identity: PreviewIdentity
) -> None:
    page = logged_in("patient").get("/identite/fiche/").content.decode()
    assert INS in page
    assert "<svg" in page
    refused = logged_in("newcomer").get("/identite/fiche/")
    assert refused.status_code == 422
    assert INS not in refused.content.decode()
    assert INS not in logged_in("newcomer").get("/identite/").content.decode()


def test_who_proposes_is_not_offered_to_confirm(logged_in: Any, identity: PreviewIdentity) -> None:
    page = logged_in("operator").get("/identitovigilance/").content.decode()
    assert page.count('value="confirm"') == 1
    assert "simulateur" in page


def test_a_merge_is_proposed_with_a_reason_and_the_one_that_stays(
    logged_in: Any, identity: PreviewIdentity
) -> None:
    client = logged_in("operator")
    for sent in ({}, {"target": ONE.id}, {"reason": "pièce vue"}, {"target": "z", "reason": "r"}):
        assert client.post(PAIR, {"what": "merge", **sent}).status_code == 200
    assert identity.done == []
    sent = {"what": "merge", "target": ONE.id, "reason": "pièce vue"}
    assert client.post(PAIR, sent).status_code == 302
    assert client.post(PAIR, {"what": "different"}).status_code == 302
    assert identity.done == [
        ("propose", OTHER.id, ONE.id, "pièce vue"), ("different", ONE.id, OTHER.id),
    ]  # fmt: skip


def test_a_datamatrix_is_read_back_or_refused(logged_in: Any, identity: PreviewIdentity) -> None:
    client = logged_in("operator")
    text = (
        "IS01" + "0" * 22 + f"S1{INS}S21.2.250.1.213.1.4.10S3ADA<GS>S4LOVELACE<GS>S5FS610-12-1815"
    )
    assert (
        "LOVELACE" in client.post("/identitovigilance/datamatrix/", {"text": text}).content.decode()
    )
    page = client.post("/identitovigilance/datamatrix/", {"text": "IS01"}).content.decode()
    assert 'role="alert"' in page


def test_an_identity_in_quarantine_is_searched_for_or_released_with_its_document(
    logged_in: Any, identity: PreviewIdentity
) -> None:
    client = logged_in("operator")
    address = f"/identitovigilance/quarantaine/{OTHER.id}/"
    page = client.get("/identitovigilance/").content.decode()
    assert address in page
    assert "Passeport" in page
    assert client.get(address).status_code == 405
    assert client.post(address, {"what": "search"}).status_code == 302
    assert client.post(address, {"what": "release", "proof": "PA"}).status_code == 302
    assert identity.done == [
        ("apart", OTHER.id, "search", ""), ("apart", OTHER.id, "release", "PA"),
    ]  # fmt: skip
    assert logged_in("gp").post(address, {"what": "search"}).status_code == 404


def test_a_parent_is_declared_by_number_and_a_mistake_is_ended(
    logged_in: Any, identity: PreviewIdentity
) -> None:
    client, address = logged_in("operator"), f"/identitovigilance/identites/{'a' * 26}/"
    shown = client.get(address).content.decode()
    assert "Liens de famille" in shown and "Mère, qui a accouché" in shown
    sent = {"act": "parent", "ins": "2 79 03 51 215 189 89", "nature": "mother"}
    assert client.post(address, sent).status_code == 302
    assert ("parent", "a" * 26, "279035121518989", "mother") in identity.done
    for wrong in ({"ins": "12"}, {"nature": "aunt"}, {"ins": "179035121518953"}):
        answer = client.post(address, sent | wrong)
        assert answer.status_code == 200 and "Erreur" in answer.content.decode()
    assert client.post(address, {"act": "no-parent", "parent": "b" * 26}).status_code == 302
    assert ("no-parent", "a" * 26, "b" * 26) in identity.done

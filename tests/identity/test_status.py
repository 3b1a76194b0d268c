# SPDX-License-Identifier: EUPL-1.2
"""The status of an identity: a table an officer could check."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carnet import errors
from carnet.identity.status import Act, NoProof, NotTrusted, Standing, Status, after

PROV, RECUP, VALI, QUAL = Status


@pytest.mark.parametrize(
    ("before", "act", "expected"),
    [
        (PROV, Act.RETRIEVE, RECUP),
        (PROV, Act.VALIDATE, VALI),
        (RECUP, Act.VALIDATE, QUAL),
        (VALI, Act.RETRIEVE, QUAL),
        (QUAL, Act.DEGRADE, PROV),
        (QUAL, Act.DOUBT, RECUP),
        (VALI, Act.DOUBT, PROV),
        (RECUP, Act.DOUBT, RECUP),
        (QUAL, Act.FICTITIOUS, PROV),
        (QUAL, Act.HOMONYM, QUAL),
    ],
)
def test_where_each_act_leads(before: Status, act: Act, expected: Status) -> None:
    assert after(Standing(before), act, proof="CN").status is expected


@given(st.lists(st.sampled_from(Act), max_size=30))
def test_no_sequence_of_acts_makes_a_doubtful_identity_trusted(acts: list[Act]) -> None:
    """Qualified only with an answer of the INSi and a document, both after the last step down."""
    standing, retrieved, validated = Standing(), False, False
    for act in acts:
        try:
            standing = after(standing, act, proof="PA")
        except errors.CarnetError:
            continue
        if act is Act.RETRIEVE:
            retrieved = True
        elif act is Act.VALIDATE:
            validated = True
        elif act in (Act.DOUBT, Act.FICTITIOUS, Act.DEGRADE):
            validated = False
            retrieved = retrieved and act is Act.DOUBT
        assert standing.outward == (retrieved and validated)
        if standing.doubtful or standing.fictitious:
            assert standing.status in (PROV, RECUP)
            assert not standing.outward


def test_a_doubtful_or_fictitious_identity_cannot_be_said_trusted() -> None:
    for status in (VALI, QUAL):
        with pytest.raises(NotTrusted):
            Standing(status, doubtful=True)
        with pytest.raises(NotTrusted):
            Standing(status, fictitious=True)
    with pytest.raises(NotTrusted):
        after(Standing(doubtful=True), Act.VALIDATE, proof="CN")
    with pytest.raises(NoProof):
        after(Standing(), Act.VALIDATE, proof="")


def test_the_history_writes_a_standing_in_one_word() -> None:
    assert str(Standing(PROV, homonym=True, doubtful=True)) == "PROV+homonym+doubtful"

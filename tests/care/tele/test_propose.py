# SPDX-License-Identifier: EUPL-1.2
"""The act proposed: golden cases a professional could check, each with its reasons."""

from datetime import date

import pytest

from carnet.care.tele.propose import Facts, NoAct, NoEdition, Proposal, editions, propose

DAY = date(2026, 11, 20)


@pytest.mark.parametrize(
    ("profession", "facts", "code", "cents", "reimbursed", "reasons"),
    [
        ("doctor", {"in_path": True}, "TCG", 2500, True, ("in-path",)),
        ("doctor", {}, "TCG", 2500, False, ("out-of-path",)),
        ("doctor", {"age": 15}, "TCG", 2500, True, ("young",)),
        ("doctor", {"age": 16}, "TCG", 2500, False, ("out-of-path",)),
        ("doctor", {"exception": "emergency"}, "TCG", 2500, True, ("exception",)),
        ("doctor", {"exception": "holidays"}, "TCG", 2500, False, ("out-of-path",)),
        ("doctor", {"in_path": True, "near": False}, "TCG", 2500, False, ("in-path", "far")),
        ("doctor", {"in_path": True, "distance": 200}, "TCG", 2500, True, ("in-path",)),
        (
            "doctor",
            {"in_path": True, "distance": 201},
            "TCG",
            2500,
            True,
            ("in-path", "over-cap"),
        ),
        ("doctor", {"in_path": True, "video": False}, None, None, False, ("no-video",)),
        ("midwife", {"in_path": True}, "TC", 2500, True, ("in-path", "unverified")),
        ("dentist", {"in_path": True}, "TC", 2300, True, ("in-path", "unverified")),
        ("nurse", {"in_path": True}, "TLS", 1000, True, ("in-path", "unverified")),
        ("pharmacist", {"in_path": True}, None, None, False, ("lump-sum", "unverified")),
    ],
)
def test_an_act_is_proposed_with_its_reasons(
    profession: str,
    facts: dict[str, object],
    code: str | None,
    cents: int | None,
    reimbursed: bool,
    reasons: tuple[str, ...],
) -> None:
    given = {"age": 40, "video": True, **facts}
    made = propose(Facts(profession, DAY, **given))  # type: ignore[arg-type]
    assert isinstance(made, Proposal)
    assert (made.code, made.cents, made.reimbursed, made.reasons) == (
        code,
        cents,
        reimbursed,
        reasons,
    )


def test_what_was_read_in_no_official_text_is_told_as_such() -> None:
    for edition in editions():
        for profession, act in edition["acts"].items():
            made = propose(Facts(profession, DAY, 40, video=True))
            assert ("unverified" in made.reasons) == (act["source"] == "unverified"), profession


def test_nothing_is_proposed_before_the_first_edition_or_for_another_profession() -> None:
    with pytest.raises(NoEdition):
        propose(Facts("doctor", date(2024, 12, 31), 40, video=True))
    with pytest.raises(NoAct):
        propose(Facts("astrologer", DAY, 40, video=True))

# SPDX-License-Identifier: EUPL-1.2
"""The INS: its key, its shape, what is said of a number as received."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carnet.identity.ins import Defect, Ins, InsSystem, WrongIns, claim, control_key

TEST = "1.2.250.1.213.1.4.10"

DEPARTMENTS = st.one_of(st.sampled_from(["2A", "2B"]), st.integers(1, 99).map(lambda n: f"{n:02}"))


@st.composite
def roots(draw: st.DrawFn) -> str:
    """Thirteen characters: five digits, a department, six digits."""
    before = draw(st.text("0123456789", min_size=5, max_size=5))
    after = draw(st.text("0123456789", min_size=6, max_size=6))
    return before + draw(DEPARTMENTS) + after


def full(root: str) -> str:
    return f"{root}{control_key(root):02}"


@pytest.mark.parametrize(
    ("root", "key"),
    [
        ("1460263220001", 96),  # address given as an example by the ANS
        ("2790351215189", 89),  # test patient of the ANS
        ("185022A004123", 8),
        ("185022B004123", 35),
        ("1850275116001", 11),
        ("0000000000000", 97),
    ],
)
def test_the_key_is_the_complement_to_97(root: str, key: int) -> None:
    """Corsica's departments count as 19 and 18."""
    assert control_key(root) == key


@given(roots())
def test_corsica_counts_as_the_law_says(root: str) -> None:
    """Equal to replacing the letter by 0 and taking one million (A) or two million (B) away."""
    if root[6] in "AB":
        less = 1_000_000 if root[6] == "A" else 2_000_000
        assert control_key(root) == 97 - (int(root.replace(root[6], "0")) - less) % 97


@given(roots(), st.sampled_from(InsSystem))
def test_a_right_number_is_verified(root: str, system: InsSystem) -> None:
    """A claim of it says only which kind of system it comes from."""
    claimed = claim(full(root), system.removeprefix("urn:oid:"))
    assert claimed.verified() == Ins(full(root), system)
    assert claimed.defects <= {Defect.TEST_SYSTEM, Defect.PRODUCTION_SYSTEM}


@given(roots(), st.integers(1, 99))
def test_a_wrong_key_is_never_verified(root: str, key: int) -> None:
    """Ninety-eight keys of ninety-nine are wrong."""
    claimed = claim(f"{root}{key:02}", TEST)
    assert (Defect.WRONG_KEY in claimed.defects) == (key != control_key(root))
    if key != control_key(root):
        with pytest.raises(WrongIns):
            claimed.verified()


@given(roots(), st.integers(0, 14), st.integers(1, 9))
def test_one_digit_mistaken_is_seen(root: str, place: int, by: int) -> None:
    """97 is prime: no single digit can be changed without the key knowing."""
    value = full(root)
    if value[place].isdigit() and not (place in (5, 6) and value[6] in "AB"):
        wrong = value[:place] + str((int(value[place]) + by) % 10) + value[place + 1 :]
        # 00 and 97 name the same remainder, and only 97 is written.
        assert claim(wrong, TEST).defects & {Defect.WRONG_KEY, Defect.WRONG_SHAPE}


@given(roots(), st.integers(0, 14), st.sampled_from("٠۰००𝟎０໐①²"))
def test_a_digit_of_another_alphabet_is_no_digit(root: str, place: int, zero: str) -> None:
    """Python reads them as numbers; an INS does not."""
    value = full(root)
    claimed = claim(value[:place] + zero + value[place + 1 :], TEST)
    assert Defect.WRONG_SHAPE in claimed.defects
    with pytest.raises(WrongIns):
        Ins(claimed.value, InsSystem.NIR_TEST)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "27903512151898",  # fourteen
        "2790351215189890",  # sixteen
        " 279035121518989",
        "279035121518989\n",
        "2 79 03 51 215 189 89",
        "27903512151898_",
        "185022a00412308",
        "1850 22A00412308",
        "185022C00412308",
        "18502A200412308",
        "+79035121518989",
    ],
)
def test_a_number_of_another_shape_is_kept_and_refused(value: str) -> None:
    """As received: the claim holds the very characters."""
    claimed = claim(value, TEST)
    assert claimed.value == value
    assert Defect.WRONG_SHAPE in claimed.defects
    with pytest.raises(WrongIns):
        Ins(value, InsSystem.NIR)


@given(st.text(max_size=20))
def test_no_text_makes_a_claim_fail(value: str) -> None:
    """A claim is always made; what is wrong is said, not thrown."""
    claimed = claim(value, TEST)
    if not claimed.defects & {Defect.WRONG_SHAPE, Defect.WRONG_KEY}:
        assert claimed.verified().value == value


@pytest.mark.parametrize(
    ("oid", "defect"),
    [
        ("1.2.250.1.213.1.4.8", Defect.PRODUCTION_SYSTEM),
        ("1.2.250.1.213.1.4.9", Defect.PRODUCTION_SYSTEM),
        ("1.2.250.1.213.1.4.10", Defect.TEST_SYSTEM),
        ("urn:oid:1.2.250.1.213.1.4.11", Defect.TEST_SYSTEM),
        ("1.2.250.1.213.1.4.2", Defect.UNKNOWN_SYSTEM),  # INS-C, retired
        ("1.2.250.1.213.1.4.80", Defect.UNKNOWN_SYSTEM),
        ("", Defect.UNKNOWN_SYSTEM),
    ],
)
def test_the_system_says_where_the_number_may_be_used(oid: str, defect: Defect) -> None:
    """Real, of test, or not known."""
    assert claim("279035121518989", oid).defects == {defect}


@pytest.mark.parametrize("system", InsSystem)
def test_what_is_at_fault_depends_on_the_instance(system: InsSystem) -> None:
    """A production instance knows no test number; a demonstration holds no real one."""
    claimed = claim("279035121518989", system)
    assert bool(claimed.faults(production=True)) is not system.real
    assert bool(claimed.faults(production=False)) is system.real


def test_an_unknown_system_is_never_verified() -> None:
    """However right the number is."""
    with pytest.raises(WrongIns):
        claim("279035121518989", "1.2.3").verified()

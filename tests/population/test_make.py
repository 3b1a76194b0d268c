# SPDX-License-Identifier: EUPL-1.2
"""A population: right numbers, families that make sense, a cast that never moves."""

from collections import Counter
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from carnet.identity import ins
from carnet.identity.organisations import Finess
from carnet.identity.professionals import Rpps
from carnet.identity.traits import Sex, missing
from carnet.population import TODAY, Person, Population, make, near, numbers
from carnet.population.households import Household
from carnet.population.names import official
from tests import people

LARGE = make(7, 1500)

PERSONAS = {
    "patient", "parent", "minor", "carer", "gp", "hospital-doctor", "nurse", "pharmacist",
    "biologist", "midwife", "dentist", "regulator", "elder", "helper", "ehpad-nurse", "outsider",
    "blocked", "lab-software", "hospital-software", "operator", "researcher", "assistant",
    "identity-officer", "announced",
}  # fmt: skip
LATER = {"researcher"}


def test_a_seed_gives_one_population() -> None:
    assert make(3, 60) == make(3, 60)


def test_another_seed_gives_other_people() -> None:
    one, other = make(3, 60), make(4, 60)
    cast = {person.ins for person in one.people[:7]}
    assert {p.ins for p in one.people} & {p.ins for p in other.people} == cast


@pytest.mark.parametrize("number", [20, 21, 22, 23, 24, 25, 60, 137])
def test_there_are_as_many_people_as_asked(number: int) -> None:
    assert len(make(1, number).people) == number


def test_the_cast_is_there_even_when_fewer_are_asked() -> None:
    assert [p.key for p in make(1, 0).people] == [p.key for p in people.POPULATION.people[:7]]


def test_the_cast_is_the_same_whatever_seed_size_and_day() -> None:
    other = make(99, 300, date(2031, 5, 6))
    assert other.people[:7] == people.POPULATION.people[:7]
    professionals, places = people.POPULATION.professionals, people.POPULATION.establishments
    assert other.professionals[: len(professionals)] == professionals
    assert other.establishments[: len(places)] == places
    assert other.personas == people.POPULATION.personas


def test_a_larger_population_holds_the_smaller_one() -> None:
    """But for the last places, filled with single people so as to cut no family in two."""
    small = {p.key: p for p in make(7, 400).people if not p.key.startswith("s")}
    large = {p.key: p for p in LARGE.people}
    assert len(small) > 390
    assert all(large[key] == person for key, person in small.items())


def test_a_larger_population_holds_those_who_care_for_the_smaller_one() -> None:
    small, large = make(7, 700), make(7, 2500)
    assert small.professionals == large.professionals[: len(small.professionals)]
    assert small.establishments == large.establishments[: len(small.establishments)]
    assert len(small.professionals) < len(large.professionals)
    assert len(small.establishments) < len(large.establishments)


def test_those_who_fill_up_two_sizes_of_a_population_never_meet() -> None:
    """A folder may be filled with more people later: who filled its last places stays there."""
    numbers: dict[str, str] = {}
    for size in range(100, 180):
        for person in make(7, size).people:
            assert numbers.setdefault(person.ins, person.key) == person.key


def test_nobody_goes_to_a_doctor_of_another_part_of_the_population() -> None:
    """Doctors come with the people around them: none of them follows everybody."""
    followed = Counter(person.attending for person in make(7, 4000).people)
    assert len(followed) > 25
    assert max(followed.values()) < 250


def test_each_part_of_the_population_finds_who_it_needs() -> None:
    large = make(7, 12_000)
    kinds = Counter(place.kind for place in large.establishments)
    assert {"SA01", "SA04", "SA05", "SA07", "SA08", "SA09", "SA17", "SA25", "SA33", "SA52"} <= (
        kinds.keys()
    )
    professions = Counter(who.profession for who in large.professionals)
    assert {"10", "21", "40", "50", "60", "70"} <= professions.keys()
    for person in large.people:
        if person.laboratory:
            assert large.establishment(person.laboratory).kind == "SA25"
        for key in ("hospital", "imaging", "ehpad", "pharmacy"):
            large.establishment(near(key, person.sector))
        for key in ("cardiologist", "hospital-doctor", "radiologist", "nurse", "midwife"):
            large.professional(near(key, person.sector))


def test_every_ins_is_verified_and_of_the_test_system_alone() -> None:
    for person in LARGE.people:
        claim = ins.claim(person.ins, person.ins_oid)
        assert claim.verified().system is ins.InsSystem.NIR_TEST
        assert claim.defects == {ins.Defect.TEST_SYSTEM}


def test_every_ins_says_sex_birth_month_and_birth_place() -> None:
    for person in LARGE.people:
        assert person.ins[0] == ("1" if person.sex is Sex.MALE else "2")
        assert person.ins[1:5] == f"{person.birth_date:%y%m}"
        assert person.ins[5:10] == person.birth_place.code
        assert person.ins[10] == "9"  # an order number real births do not reach


def test_no_two_people_share_an_ins_or_a_key() -> None:
    assert len({p.ins for p in LARGE.people}) == len({p.key for p in LARGE.people}) == 1500


def test_the_strict_traits_are_complete_and_in_capitals() -> None:
    for person in LARGE.people:
        assert missing(person.traits) == ()
        for name in (person.birth_name, *person.birth_given_names):
            assert name == name.upper()
            assert name.isascii()


def test_nobody_born_in_corsica_is_older_than_its_codes() -> None:
    born = [p for p in LARGE.people if p.birth_place.code.startswith("2")]
    corsicans = [p for p in born if p.birth_place.code[:2] in ("2A", "2B")]
    assert corsicans
    assert all(p.birth_date.year >= 1976 for p in corsicans)


def test_numbers_of_professionals_and_places_have_right_keys_in_fictitious_ranges() -> None:
    for professional in LARGE.professionals:
        assert Rpps(professional.rpps).idnps == professional.idnps
        assert professional.rpps.startswith("999")
    for place in LARGE.establishments:
        assert Finess(place.finess).idnst == place.idnst
        assert place.finess.startswith("99")
    assert len({p.rpps for p in LARGE.professionals}) == len(LARGE.professionals)
    assert len({e.finess for e in LARGE.establishments}) == len(LARGE.establishments)


def test_telephone_numbers_are_of_the_ranges_kept_for_fiction() -> None:
    phones = [phone for person in LARGE.people for phone in person.phones]
    phones += [place.phone for place in LARGE.establishments]
    assert all(len(phone) == 10 for phone in phones)
    assert {phone[:6] for phone in phones} == {"026191", "063998"}


def test_mail_addresses_lead_nowhere() -> None:
    mails = [p.email for p in LARGE.people if p.email] + [p.email for p in LARGE.professionals]
    assert all(mail.endswith(".example") for mail in mails)


def _parents(population: Population, person: Person) -> list[Person]:
    return [population.person(key) for key in person.parents]


def test_family_links_go_both_ways() -> None:
    for person in LARGE.people:
        for key in person.children:
            assert person.key in LARGE.person(key).parents
        for key in person.parents:
            assert person.key in LARGE.person(key).children
        for key in person.spouses:
            assert LARGE.person(key).spouses == (person.key,)
            assert LARGE.person(key).address == person.address or "ehpad" in (
                *person.profiles,
                *LARGE.person(key).profiles,
            )


def test_parents_are_old_enough_and_not_too_old() -> None:
    children = [person for person in LARGE.people if person.parents]
    assert len(children) > 200
    for child in children:
        for parent in _parents(LARGE, child):
            years = (child.birth_date - parent.birth_date) / timedelta(days=365.25)
            assert 15 < years < 60


def test_children_of_a_household_bear_a_parent_s_name_and_live_there() -> None:
    for child in LARGE.people[7:]:
        if child.parents:
            parents = _parents(LARGE, child)
            names = {name for p in parents for name in (official(p.used_name), p.birth_name)}
            assert any(name in child.birth_name for name in names)
            if child.age(TODAY) < 18:
                assert child.address in {p.address for p in parents}
                assert "child" in child.profiles


def test_families_are_of_several_kinds() -> None:
    """Three generations, parents who live apart, parents alone, households in two communes."""
    drawn = LARGE.people[7:]
    grandparents = [
        one for one in drawn if any(LARGE.person(child).children for child in one.children)
    ]
    apart = [
        child for child in drawn if len({parent.address for parent in _parents(LARGE, child)}) == 2
    ]
    alone = [child for child in drawn if len(child.parents) == 1 and child.age(TODAY) < 18]
    away = [
        one
        for one in grandparents
        if any(LARGE.person(child).address.town != one.address.town for child in one.children)
    ]
    assert min(map(len, (grandparents, apart, alone, away))) > 10


def test_names_try_those_who_read_them() -> None:
    used = {person.used_name for person in LARGE.people}
    births = {person.birth_name for person in LARGE.people}
    given = {name for person in LARGE.people for name in person.birth_given_names}
    for sign in ("'", "-", " ", "é", "ï"):
        assert any(sign in name for name in used), sign
    for sign in ("'", "-", " "):
        assert any(sign in name for name in births), sign
    assert any("-" in name for name in given)
    assert any(name.startswith(("DE ", "DU ", "DA ", "LE ", "EL ")) for name in births)
    assert any(len(name) < 3 for name in births)
    assert len(births) > 200


def test_some_are_born_overseas_and_abroad() -> None:
    places = {person.birth_place.code for person in LARGE.people}
    assert any(code.startswith("97") for code in places)
    assert len({code for code in places if code.startswith("99")}) > 5


@pytest.mark.slow
def test_order_numbers_that_run_out_give_another_birth_place() -> None:
    """A hundred thousand people still have one INS each."""
    taken = {
        numbers.ins(sex, date(year, month, 1), "37261", order)
        for sex in (Sex.MALE, Sex.FEMALE)
        for year in range(1920, 2027)
        for month in range(1, 13)
        for order in numbers.DRAWN
    }
    before = len(taken)
    people = [one for number in range(1, 60) for one in Household(7, number, taken).people()]
    assert all(one.birth_place.code != "37261" for one in people)
    assert len(taken) == before + len(people)


def test_the_old_who_need_it_live_in_the_residence() -> None:
    old = [person for person in LARGE.people if "ehpad" in person.profiles]
    assert old
    for person in old:
        key = near("ehpad", person.sector)
        assert person.address == LARGE.establishment(key).address
        assert near("ehpad-nurse", person.sector) in {
            member.professional for team in LARGE.teams_of(person.key) for member in team.members
        }


def test_brothers_and_sisters_have_birthdays_apart() -> None:
    for person in LARGE.people:
        born = sorted(LARGE.person(key).birth_date for key in person.children)
        for one, next_one in pairwise(born):
            assert next_one - one > timedelta(days=280)


def test_everyone_has_an_attending_doctor_and_a_team_with_that_doctor() -> None:
    followed = [
        person for person in LARGE.people if person.key not in ("husband", "partner", "carer")
    ]
    for person in followed:
        assert person.attending is not None
        members = {m.professional: m.role for t in LARGE.teams_of(person.key) for m in t.members}
        assert members[person.attending] == "PCP"


def test_the_personas_are_those_of_the_contract() -> None:
    personas = {persona.key: persona for persona in people.POPULATION.personas}
    assert set(personas) == PERSONAS
    assert {key for key, persona in personas.items() if not persona.built} == LATER
    for persona in personas.values():
        assert persona.label_fr and persona.label_en
        match persona.kind:
            case "patient":
                assert persona.person == persona.key
                LARGE.person(persona.key)
            case "professional":
                who = LARGE.professional(persona.professional or "")
                assert persona.establishment in {s.establishment for s in who.situations}
            case "software":
                LARGE.establishment(persona.establishment or "")


def test_the_page_of_the_personas_names_those_that_are_there() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "personas.md"
    told = [line for line in page.read_text("utf-8").splitlines() if line.startswith("| `")]
    personas = people.POPULATION.personas
    assert told == [f"| `{each.key}` | {each.label_en} |" for each in personas if each.built]


def test_the_nurse_of_the_nursing_home_cares_for_somebody() -> None:
    cared = {team.patient for team in people.POPULATION.teams
             for each in team.members if each.professional == "ehpad-nurse"}  # fmt: skip
    assert "elder" in cared


def test_everything_named_exists() -> None:
    for team in LARGE.teams:
        LARGE.person(team.patient)
        if team.establishment is not None:
            LARGE.establishment(team.establishment)
        for member in team.members:
            LARGE.professional(member.professional)
    for professional in LARGE.professionals:
        for situation in professional.situations:
            assert situation.professional == professional.key
            LARGE.establishment(situation.establishment)


def test_the_outsider_has_no_link_and_the_blocked_doctor_has_one() -> None:
    links = Counter(m.professional for team in LARGE.teams for m in team.members)
    assert links["outsider"] == 0
    assert not any(person.attending == "outsider" for person in LARGE.people)
    assert [(b.patient, b.professional) for b in LARGE.blocks] == [("patient", "blocked")]
    patient_teams = people.POPULATION.teams_of("patient")
    assert "blocked" in {m.professional for team in patient_teams for m in team.members}


def test_the_elder_has_no_mobile_telephone_nor_mail() -> None:
    assert people.ELDER.phones == ("0261910206",)
    assert people.ELDER.email is None

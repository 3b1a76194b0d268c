# SPDX-License-Identifier: EUPL-1.2
"""A population: right numbers, families that make sense, a cast that never moves."""

from collections import Counter
from datetime import date, timedelta
from itertools import pairwise

import pytest

from carnet.identity import ins
from carnet.identity.organisations import Finess
from carnet.identity.professionals import Rpps
from carnet.identity.traits import Sex, missing
from carnet.population import Person, Population, make
from tests import people

LARGE = make(7, 1500)

PERSONAS = {
    "patient", "parent", "minor", "carer", "gp", "hospital-doctor", "nurse", "pharmacist",
    "biologist", "midwife", "dentist", "regulator", "elder", "helper", "ehpad-nurse", "outsider",
    "blocked", "lab-software", "hospital-software", "operator", "researcher",
}  # fmt: skip
LATER = {"carer", "regulator", "helper", "ehpad-nurse", "researcher"}


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
    assert other.professionals == people.POPULATION.professionals
    assert other.establishments == people.POPULATION.establishments
    assert other.personas == people.POPULATION.personas


def test_a_larger_population_holds_the_smaller_one() -> None:
    """But for the last places, filled with single people so as to cut no family in two."""
    small = {p.key: p for p in make(7, 400).people if not p.key.startswith("s")}
    large = {p.key: p for p in LARGE.people}
    assert len(small) > 390
    assert all(large[key] == person for key, person in small.items())


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
            names = {name for p in parents for name in (p.used_name, p.birth_name.title())}
            assert any(name.lower() in child.used_name.lower() for name in names)
            assert {p.address for p in parents} == {child.address}
            assert child.profiles == ("child",)


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
            case "professional" | "regulator":
                who = LARGE.professional(persona.professional or "")
                assert persona.establishment in {s.establishment for s in who.situations}
            case "software":
                LARGE.establishment(persona.establishment or "")


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

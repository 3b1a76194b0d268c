# SPDX-License-Identifier: EUPL-1.2
"""The cast of cast.toml: the same whatever the seed, the size and the day."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from carnet.identity.traits import Sex
from carnet.population import numbers
from carnet.population.data import table
from carnet.population.names import official
from carnet.population.people import (
    CareTeam,
    Establishment,
    Member,
    Person,
    Professional,
    Situation,
    by_key,
)
from carnet.population.places import address, communes


@cache
def establishments() -> tuple[Establishment, ...]:
    """Its places of care."""
    cast = table("cast")
    return tuple(
        Establishment(
            key=row["key"],
            finess=numbers.finess(row["serial"]),
            name=row["name"],
            kind=row["kind"],
            kind_label=cast["labels"]["kind"][row["kind"]],
            setting=row["setting"],
            setting_label=cast["labels"]["setting"][row["setting"]],
            address=address(row["address"]),
            phone=row["phone"],
        )
        for row in cast["establishment"]
    )


@cache
def professionals() -> tuple[Professional, ...]:
    """Its professionals."""
    places = by_key(establishments())
    return tuple(professional(row, places) for row in table("cast")["professional"])


def professional(row: Mapping[str, Any], places: Mapping[str, Establishment]) -> Professional:
    """A line as a professional; `mailbox` tells namesakes apart."""
    labels = table("cast")["labels"]
    key = row["key"]
    specialty = row.get("specialty")
    mailbox = official(f"{row['given_name']}.{row['family_name']}").lower().replace(" ", "-")
    mailbox += row.get("mailbox", "")
    return Professional(
        key=key,
        rpps=numbers.rpps(row["serial"]),
        sex=Sex(row["sex"]),
        civil_title="M" if row["sex"] == "male" else "MME",
        title="DR" if row["profession"] in ("10", "40") else None,
        given_name=row["given_name"],
        family_name=row["family_name"],
        profession=row["profession"],
        profession_label=labels["profession"][row["profession"]],
        specialty=specialty,
        specialty_label=labels["specialty"][specialty] if specialty else None,
        phone=places[row["situations"][0]["establishment"]].phone,
        email=f"{mailbox}@mssante.example",  # .example is reserved: no mail ever leaves for it
        situations=tuple(
            Situation(f"{key}.{there['establishment']}", key, there["establishment"], there["mode"])
            for there in row["situations"]
        ),
    )


@cache
def people() -> tuple[Person, ...]:
    """Those who have a record."""
    return tuple(map(_person, table("cast")["person"]))


@cache
def announced() -> tuple[Person, ...]:
    """Those whose record is announced, and not open yet."""
    return tuple(map(_person, table("cast")["announced"]))


def _person(row: Mapping[str, Any]) -> Person:
    sex = Sex(row["sex"])
    phones = tuple(row["phones"])
    return Person(
        key=row["key"],
        ins=numbers.ins(sex, row["birth_date"], row["birth_place"], row["order"]),
        birth_name=official(row["birth_name"]),
        birth_given_names=tuple(map(official, row["birth_given_names"])),
        used_name=row.get("used_name", row["birth_name"]),
        used_given_name=row["birth_given_names"][0],
        birth_date=row["birth_date"],
        sex=sex,
        birth_place=communes()[row["birth_place"]],
        address=address(row["address"]),
        phones=phones,
        email=f"{row['key']}@carnet.example" if any(map(_mobile, phones)) else None,
        parents=tuple(row.get("parents", ())),
        children=tuple(row.get("children", ())),
        spouses=tuple(row.get("spouses", ())),
        attending=row["attending"],
        profiles=tuple(row["profiles"]),
        laboratory=row["laboratory"],
    )


def _mobile(phone: str) -> bool:
    return phone.startswith("06")


def teams() -> tuple[CareTeam, ...]:
    """Their care teams."""
    roles = table("cast")["labels"]["role"]
    return tuple(
        CareTeam(
            key=row["key"],
            patient=row["patient"],
            name=row["name"],
            establishment=row.get("establishment"),
            members=tuple(Member(who, role, roles[role]) for who, role in row["members"].items()),
        )
        for row in table("cast")["team"]
    )

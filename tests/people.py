# SPDX-License-Identifier: EUPL-1.2
"""The cast: a few invented persons, professionals and places whom every test knows by name.

They come from carnet/population/cast.toml and are the same whatever the seed.
"""

from typing import Final

from carnet.population import Establishment, Person, Population, Professional, make

SEED: Final = 1
POPULATION: Final[Population] = make(SEED)

# Three generations of one family.
PATIENT: Final[Person] = POPULATION.person("patient")  # Hélène Garnier, née Delaunay: diabetes
HUSBAND: Final[Person] = POPULATION.person("husband")
PARENT: Final[Person] = POPULATION.person("parent")  # Camille Garnier, their daughter
PARTNER: Final[Person] = POPULATION.person("partner")
MINOR: Final[Person] = POPULATION.person("minor")  # Jules Ben Salah-Garnier, Camille's son
ELDER: Final[Person] = POPULATION.person("elder")  # Suzanne Delaunay, mother of Hélène
CARER: Final[Person] = POPULATION.person("carer")  # Bruno Delaunay, Hélène's brother

GP: Final[Professional] = POPULATION.professional("gp")  # of Hélène, of her team
BLOCKED: Final[Professional] = POPULATION.professional("blocked")  # of her team, and blocked by her
HOSPITAL_DOCTOR: Final[Professional] = POPULATION.professional("hospital-doctor")
NURSE: Final[Professional] = POPULATION.professional("nurse")
PHARMACIST: Final[Professional] = POPULATION.professional("pharmacist")
BIOLOGIST: Final[Professional] = POPULATION.professional("biologist")
MIDWIFE: Final[Professional] = POPULATION.professional("midwife")
DENTIST: Final[Professional] = POPULATION.professional("dentist")  # of no team
OUTSIDER: Final[Professional] = POPULATION.professional("outsider")  # with no link to anybody

TILLEULS: Final[Establishment] = POPULATION.establishment("tilleuls")  # where GP and BLOCKED work
HOSPITAL: Final[Establishment] = POPULATION.establishment("hospital")
LABORATORY: Final[Establishment] = POPULATION.establishment("lab-quais")
OTHER_LABORATORY: Final[Establishment] = POPULATION.establishment("lab-indrois")

# SPDX-License-Identifier: EUPL-1.2
"""What happened to a person over the years, as the documents their carers sent.

A document depends on the seed, the person and its own date. `today` only says where to stop: a
later one adds documents and changes none.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain

from carnet.population.clock import at
from carnet.population.people import Person, Population
from carnet.population.plans import (
    care,
    childhood,
    episodes,
    imaging,
    laboratory,
    pregnancy,
    residence,
    stays,
    vaccination,
)
from carnet.population.plans.laboratory import Visit
from carnet.population.plans.plan import GeneratedDocument, Planned

__all__ = ["GeneratedDocument", "documents", "report"]


def documents(population: Population, person: Person) -> Iterator[GeneratedDocument]:
    """The documents of a person, oldest first, up to the population's today."""
    until = at(population.today, 23, 59)
    for plan in sorted(_plans(population, person), key=lambda one: (one.effective, one.key)):
        if plan.effective <= until:
            yield plan.written(population, person)


def _plans(population: Population, person: Person) -> Iterable[Planned]:
    seed, until = population.seed, population.today
    parts: Iterable[Iterable[Planned]] = (
        part(seed, person, until)
        for part in (
            laboratory.visits,
            care.plans,
            stays.plans,
            episodes.plans,
            childhood.plans,
            residence.plans,
            imaging.screenings,
            vaccination.plans,
        )
    )
    return chain(chain.from_iterable(parts), pregnancy.plans(population, person))


def report(
    population: Population,
    person: Person,
    moment: datetime,
    *,
    panels: Iterable[str] = ("glycaemia", "kidney", "blood_count"),
    establishment: str | None = None,
) -> GeneratedDocument:
    """A laboratory report of that moment, outside the timeline: the one a laboratory sends now.

    moment: when it is released, aware; its id follows from it, to the microsecond.
    establishment: key of a laboratory; the person's usual one by default.
    """
    visit = Visit(
        key=f"at {moment.astimezone(UTC).isoformat()}",
        effective=moment,
        sampled=moment - timedelta(hours=5),
        laboratory=establishment or person.laboratory,
        panels=tuple(panels),
    )
    return visit.written(population, person)

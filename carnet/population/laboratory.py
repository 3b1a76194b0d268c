# SPDX-License-Identifier: EUPL-1.2
"""Laboratory values that hold together: each person has a level per analyte, which moves slowly.

A value is a function of the seed, the person and the moment, whatever was measured before. The
numbers come from laboratory.toml and are demonstration values.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache
from itertools import pairwise
from typing import Any

from carnet.identity.traits import Sex
from carnet.population.chance import around
from carnet.population.data import table
from carnet.population.people import Person

ORIGIN = datetime(2020, 1, 1, tzinfo=UTC)  # where drifts are counted from
YEAR = 365.25 * 86_400.0  # seconds
KNOT = 150 * 86_400.0  # seconds: the slow variation turns about twice a year
OF_AGE = 18


@dataclass(frozen=True, slots=True)
class Range:
    """Reference bounds, for those it is meant for."""

    low: Decimal | None
    high: Decimal | None
    sex: Sex | None
    to_age: int | None  # up to this age, included
    laboratory: str | None

    def fits(self, person: Person, age: int, laboratory: str) -> bool:
        """Whether this line is for that person, measured there."""
        return (
            self.sex in (None, person.sex)
            and (self.to_age is None or age <= self.to_age)
            and self.laboratory in (None, laboratory)
        )


@dataclass(frozen=True, slots=True)
class Course:
    """Where a value stands and how it moves."""

    mean: float
    spread: float  # between persons
    within: float  # of one person
    drift: float  # a year


@dataclass(frozen=True, slots=True)
class Also:
    """A second, printed unit."""

    unit: str
    factor: Decimal
    decimals: int


@dataclass(frozen=True, slots=True)
class Analyte:
    """Something a laboratory measures, with LOINC code and UCUM unit."""

    key: str
    code: str
    label: str
    unit: str
    printed_unit: str
    step: Decimal  # the last digit given
    limits: tuple[float, float]
    ranges: tuple[Range, ...]
    range_text: str | None
    from_age: int
    derived: str | None
    within: float
    also: Also | None
    source: str


@dataclass(frozen=True, slots=True)
class Panel:
    """Examinations asked and printed together: a sous-chapitre of a CR-BIO."""

    key: str
    chapter: str  # LOINC
    chapter_label: str
    label: str
    battery: str | None  # LOINC code of the battery, where it has one
    battery_label: str | None
    analytes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Measure:
    """One result, as the report gives it."""

    analyte: Analyte
    value: Decimal
    low: Decimal | None
    high: Decimal | None

    @property
    def interpretation(self) -> str:
        """N, L or H, as the range of this same result says."""
        if self.low is not None and self.value < self.low:
            return "L"
        if self.high is not None and self.value > self.high:
            return "H"
        return "N"


# ---------------------------------------------------------------- tables


@cache
def analytes() -> Mapping[str, Analyte]:
    """Every analyte by its key, in the order of the table."""
    printed = table("laboratory")["printed"]
    return {row["key"]: _analyte(row, printed) for row in table("laboratory")["analyte"]}


def _analyte(row: Mapping[str, Any], printed: Mapping[str, str]) -> Analyte:
    also = row.get("also")
    low, high = row["limits"]
    return Analyte(
        key=row["key"],
        code=row["code"],
        label=row["label"],
        unit=row["unit"],
        printed_unit=printed.get(row["unit"], row["unit"]),
        step=Decimal(1).scaleb(-row["decimals"]),
        limits=(low, high),
        ranges=tuple(map(_range, row["ranges"])),
        range_text=row.get("range_text"),
        from_age=row.get("from_age", 0),
        derived=row.get("derived"),
        within=row.get("within", 0.0),
        also=Also(also["unit"], Decimal(str(also["factor"])), also["decimals"]) if also else None,
        source=row["source"],
    )


def _range(row: Mapping[str, Any]) -> Range:
    return Range(
        low=Decimal(row["low"]) if "low" in row else None,
        high=Decimal(row["high"]) if "high" in row else None,
        sex=Sex(row["sex"]) if "sex" in row else None,
        to_age=row.get("to_age"),
        laboratory=row.get("laboratory"),
    )


@cache
def panels() -> Mapping[str, Panel]:
    """Every panel by its key, in the order they are printed."""
    tables = table("laboratory")
    return {
        row["key"]: Panel(
            key=row["key"],
            chapter=tables["chapter"][row["chapter"]]["code"],
            chapter_label=tables["chapter"][row["chapter"]]["label"],
            label=row["label"],
            battery=row.get("battery"),
            battery_label=row.get("battery_label"),
            analytes=tuple(row["analytes"]),
        )
        for row in tables["panel"]
    }


@cache
def follow_up(profile: str) -> Mapping[str, int]:
    """Days between two measures of each panel, for a profile; none for one no laboratory follows."""
    every: Mapping[str, int] = _profiles().get(profile, {}).get("every", {})
    return every


@cache
def _profiles() -> Mapping[str, Mapping[str, Any]]:
    return {row["key"]: row for row in table("laboratory")["profile"]}


@cache
def _rows() -> Mapping[str, Mapping[str, Any]]:
    return {row["key"]: row for row in table("laboratory")["analyte"]}


@cache
def _paths() -> Mapping[tuple[str, str], tuple[tuple[float, float], ...]]:
    return {
        (row["person"], row["analyte"]): tuple((year, value) for year, value in row["points"])
        for row in table("laboratory")["path"]
    }


@cache
def _course(analyte: str, sex: Sex, child: bool, profiles: tuple[str, ...]) -> Course:
    """The usual course, then what each profile changes in it."""
    row = _rows()[analyte]
    usual = row["usual"]
    said = {
        "mean": usual["mean"],
        "spread": usual["spread"],
        "within": row["within"],
        "drift": row["drift"],
        **usual.get(sex.value, {}),
        **(usual.get("child", {}) if child else {}),
    }
    for profile in profiles:
        said |= _profiles().get(profile, {}).get("analytes", {}).get(analyte, {})
    return Course(said["mean"], said["spread"], said["within"], said["drift"])


# ---------------------------------------------------------------- values


def measures(
    seed: int,
    person: Person,
    asked: Iterable[str],
    at: datetime,
    laboratory: str,
    factors: Mapping[str, float] | None = None,
) -> list[tuple[Panel, list[Measure]]]:
    """The results of the panels asked, in printing order, no analyte twice, no empty panel.

    at: when the sample was taken, aware.
    factors: by analyte, what an illness or an error does to it.
    """
    wanted = set(asked)
    seen: set[str] = set()
    found: list[tuple[Panel, list[Measure]]] = []
    course = _Body(seed, person, at, factors or {})
    age = person.age(at.date())
    for key, panel in panels().items():
        if key not in wanted:
            continue
        results = [
            _measure(analytes()[name], course.value(name), person, age, laboratory)
            for name in panel.analytes
            if name not in seen and age >= analytes()[name].from_age
        ]
        seen.update(panel.analytes)
        if results:
            found.append((panel, results))
    return found


def _measure(analyte: Analyte, value: float, person: Person, age: int, laboratory: str) -> Measure:
    for bounds in analyte.ranges:
        if bounds.fits(person, age, laboratory):
            return Measure(analyte, _rounded(value, analyte.step), bounds.low, bounds.high)
    return Measure(analyte, _rounded(value, analyte.step), None, None)


def _rounded(value: float, step: Decimal) -> Decimal:
    return Decimal(value).quantize(step, rounding=ROUND_HALF_EVEN)


class _Body:
    """What would be found in one person at one moment."""

    def __init__(
        self, seed: int, person: Person, at: datetime, factors: Mapping[str, float]
    ) -> None:
        self.seed = seed
        self.person = person
        self.seconds = (at - ORIGIN).total_seconds()
        self.age = person.age(at.date())
        self.factors = factors
        self.known: dict[str, float] = {}

    def value(self, name: str) -> float:
        if name not in self.known:
            analyte = analytes()[name]
            value = DERIVED[analyte.derived](self) if analyte.derived else self.level(name)
            low, high = analyte.limits
            self.known[name] = min(high, max(low, value * self.factors.get(name, 1.0)))
        return self.known[name]

    def level(self, name: str) -> float:
        person = self.person
        course = _course(name, person.sex, self.age < OF_AGE, person.profiles)
        points = _paths().get((person.key, name))
        if points:
            base = _along(points, 2020.0 + self.seconds / YEAR)
            return base + self.noise(name, min(course.within, base * 0.06))
        base = course.mean + course.spread * around(self.seed, person.key, name)
        pace = 1.0 + 0.4 * around(self.seed, person.key, name, "pace")
        return base + course.drift * pace * self.seconds / YEAR + self.noise(name, course.within)

    def noise(self, name: str, within: float) -> float:
        """Slow variation, drawn at knots and straight between, and a little for the measure."""
        knot, part = divmod(self.seconds, KNOT)
        path = (self.seed, self.person.key, name)
        before, after = around(*path, int(knot)), around(*path, int(knot) + 1)
        fine = around(*path, int(self.seconds))
        return within * (before + (after - before) * part / KNOT + 0.25 * fine)


def _along(points: tuple[tuple[float, float], ...], year: float) -> float:
    if year <= points[0][0]:
        return points[0][1]
    for (from_year, start), (to_year, end) in pairwise(points):
        if year <= to_year:
            return start + (end - start) * (year - from_year) / (to_year - from_year)
    return points[-1][1]


def _glucose(body: _Body) -> float:
    """Fasting glucose that goes with the HbA1c: below the estimated average glucose.

    Source of the average: Nathan 2008 (ADAG), 1.59 × HbA1c − 2.59 mmol/L; the 0.85 is ours.
    """
    return 0.85 * (1.59 * body.value("hba1c") - 2.59) + body.noise("glucose", 0.25)


def _friedewald(body: _Body) -> float:
    """LDL = total − HDL − triglycerides / 2.2, in mmol/L (Friedewald 1972)."""
    return body.value("cholesterol") - body.value("hdl") - body.value("triglycerides") / 2.2


def _ckd_epi(body: _Body) -> float:
    """CKD-EPI 2009, creatinine in µmol/L, without the term of race (as used in France)."""
    woman = body.person.sex is Sex.FEMALE
    ratio = body.value("creatinine") / 88.4 / (0.7 if woman else 0.9)
    low, high = min(ratio, 1.0), max(ratio, 1.0)
    power: float = low ** (-0.329 if woman else -0.411) * high**-1.209
    return 141.0 * power * 0.993**body.age * (1.018 if woman else 1.0)


def _haematocrit(body: _Body) -> float:
    """Haematocrit of a mean corpuscular haemoglobin concentration of 33.4 g/dL or so."""
    return 100.0 * body.value("haemoglobin") / (33.4 + body.noise("haematocrit", 0.25))


def _erythrocytes(body: _Body) -> float:
    """Red cells, from their volume: haematocrit (%) × 10 / MCV (fL)."""
    return body.value("haematocrit") * 10.0 / body.value("mcv")


DERIVED = {
    "glucose": _glucose,
    "friedewald": _friedewald,
    "ckd-epi": _ckd_epi,
    "haematocrit": _haematocrit,
    "erythrocytes": _erythrocytes,
}


def value(seed: int, person: Person, at: datetime, name: str) -> float:
    """What would be found of an analyte at a moment, whether it is measured or not."""
    return _Body(seed, person, at, {}).value(name)


def told(seed: int, person: Person, at: datetime) -> Mapping[str, str]:
    """What a letter may quote: each analyte's value as people read it, in French."""
    body = _Body(seed, person, at, {})
    return {
        name: printed(_rounded(body.value(name), analyte.step), analyte.printed_unit)
        for name, analyte in analytes().items()
        if analyte.derived is None
    }


def printed(value: Decimal, unit: str) -> str:
    """A number and its unit as a French reader expects: 7,2 %."""
    return f"{value:f} {unit}".replace(".", ",", 1).rstrip()


def printed_range(measure: Measure) -> str:
    """The reference range of a result, in words or as two bounds."""
    unit = measure.analyte.printed_unit
    if measure.low is not None and measure.high is not None:
        bounds = f"{measure.low:f} - {measure.high:f} {unit}".replace(".", ",")
    elif measure.high is not None:
        bounds = f"inférieur à {measure.high:f} {unit}".replace(".", ",")
    elif measure.low is not None:
        bounds = f"supérieur à {measure.low:f} {unit}".replace(".", ",")
    else:
        return ""
    text = measure.analyte.range_text
    return f"{bounds.strip()} ({text})" if text else bounds.strip()

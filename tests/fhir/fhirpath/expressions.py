# SPDX-License-Identifier: EUPL-1.2
"""Expressions and what they give, by subject: read by our tests and by the oracles'.

The second column is the values, as they are written; REFUSED where the expression is.
"""

from typing import Any, Final

REFUSED: Final = "refused"

Table = list[tuple[str, Any]]

LITERALS: Table = [
    ("'caf\\u00e9'", ["café"]),
    (r"'a\'b\\c\n'", ["a'b\\c\n"]),
    ("12", ["12"]),
    ("12.50", ["12.50"]),
    ("true", [True]),
    ("{}", []),
    ("@2019-03", ["2019-03"]),
    ("@2019-03-02T10:15:00+01:00", ["2019-03-02T10:15:00+01:00"]),
    ("@T10:15", ["10:15"]),
    ("5 'mg/mL'", ["5 'mg/mL'"]),
    ("3 weeks", ["3 weeks"]),
    ("@2019-02-30 = @2019-02-30", REFUSED),
    ("/* one */ 1 // two", ["1"]),
    ("1 +", REFUSED),
    ("'open", REFUSED),
    ("/* open", REFUSED),
]

LOGIC: Table = [
    ("(1 | 1 is Integer).count()", ["2"]),
    ("1 > 2 is Boolean", REFUSED),
    ("1 + 1 is Integer", [True]),
    ("true and {}", []),
    ("false and {}", [False]),
    ("true or {}", [True]),
    ("{} implies true", [True]),
    ("true xor true", [False]),
    ("'any one thing' and true", [True]),
    ("(1 | 2) and true", REFUSED),
    ("iif(1 = 1, 'a', 1 / 0)", ["a"]),
    ("iif({}, 'a')", []),
    ("iif('text', 1, 2)", REFUSED),
]

NUMBERS: Table = [
    ("1 + 2 * 3", ["7"]),
    ("7 div 2", ["3"]),
    ("-7 div 2", ["-3"]),
    ("7.5 mod 2", ["1.5"]),
    ("0.1 + 0.2 = 0.3", [True]),
    ("1 / 0", []),
    ("2147483647 + 1", []),
    ("1.00 = 1", [True]),
    ("2 / 3 ~ 0.67", [True]),
    ("10.25.round(1)", ["10.3"]),
    ("(-2.5).truncate()", ["-2"]),
    ("(-2.5).floor()", ["-3"]),
    ("(-2.5).ceiling()", ["-2"]),
    ("(-2.5).abs()", ["2.5"]),
    ("144.sqrt()", ["12"]),
    ("(-4).sqrt()", []),
    ("3.power(4)", ["81"]),
    ("10.power(400000)", []),
    ("1000.log(10)", ["3"]),
    ("1 + 'a'", REFUSED),
    ("-'a'", REFUSED),
]

TEXTS: Table = [
    ("'Durand'.substring(3)", ["and"]),
    ("'Durand'.substring(1, 2)", ["ur"]),
    ("'Durand'.substring(9)", []),
    ("'Durand'.indexOf('a')", ["3"]),
    ("'Durand'.upper() + '!'", ["DURAND!"]),
    ("'a' & {} & 'b'", ["ab"]),
    ("'abc'.contains('')", [True]),
    ("'2024-05'.matches('[0-9]{4}-[0-9]{2}')", [True]),
    ("'x2024y'.matches('[0-9]+')", [True]),
    ("'x2024y'.matchesFull('[0-9]+')", [False]),
    ("'11-22'.replaceMatches('([0-9]+)-([0-9]+)', '$2-$1')", ["22-11"]),
    ("'a;b;;c'.split(';')", ["a", "b", "", "c"]),
    ("('a' | 'b').join('+')", ["a+b"]),
    ("'  a '.trim().length()", ["1"]),
    ("'été'.encode('base64').decode('base64')", ["été"]),
    ("'<&>'.escape('html').unescape('html')", ["<&>"]),
    (r"""'"1\\u003c2\\n"'.unescape('json')""", ['"1<2\n"']),
    ("1.length()", REFUSED),
    ("'a'.matches('(')", REFUSED),
    ("'aaaa'.matches('(a+)+$')", REFUSED),
    ("'aaaa'.matches('(a*b?)*$')", REFUSED),
    ("'a-b-c'.matches('([a-z]+-)*[a-z]')", [True]),
]

MOMENTS: Table = [
    ("@2019 = @2019-05", []),
    ("@2019 < @2020-05", [True]),
    ("@2019-05-01T10:00:00Z = @2019-05-01T12:00:00+02:00", [True]),
    ("@2019-05-01T10:00:00Z = @2019-05-01T10:00:00", []),
    ("@2019-05-01T10:00:00Z < @2019-05-03T10:00:00", [True]),
    ("@T10:00 < @T10:00:30", []),
    ("@2019-05-01 = @T10:00", [False]),
    ("@2019-05-01 < @T10:00", REFUSED),
    ("@2020-01-31 + 1 month", ["2020-02-29"]),
    ("@2019-01-01 - 1 day", ["2018-12-31"]),
    ("@2019 + 18 months", ["2020"]),
    ("@2019-01-01T23:30:00+01:00 + 45 minutes", ["2019-01-02T00:15:00+01:00"]),
    ("@T23:30 + 45 minutes", ["00:15"]),
    ("@9999-12-31 + 1 day", []),
    ("@2019-01-01 + 1 'kg'", REFUSED),
    ("@2019-01-01 + 3", REFUSED),
    ("@2024-02.highBoundary()", ["2024-02-29"]),
    ("@2024-02-03.precision()", ["8"]),
]

QUANTITIES: Table = [
    ("1 'L' = 1000 'mL'", [True]),
    ("1 'kg' > 900 'g'", [True]),
    ("1 'kg' = 1 'L'", []),
    ("1 'kg' ~ 1 'L'", [False]),
    ("1 year = 1 'a'", []),
    ("1 year ~ 1 'a'", [True]),
    ("2 days = 48 'h'", [True]),
    ("12 months = 1 year", [True]),
    ("3 'm' + 20 'cm'", ["3.2 'm'"]),
    ("6 'g' / 2 'L' = 3 'g/L'", [True]),
    ("2 'm' * 3 'm' = 6 'm2'", [True]),
    ("1 'nonsense' = 2 'other'", []),
    ("'7.1 \\'mmol/L\\''.toQuantity().unit", ["mmol/L"]),
    ("70 'kg'.toQuantity('g')", ["70000 'g'"]),
    ("1 'cm'.comparable(1 'm')", [True]),
    ("1.587.lowBoundary(4)", ["1.5865"]),
    ("37.5.highBoundary(2)", ["37.55"]),
]

COLLECTIONS: Table = [
    ("(1 | 2 | 2 | 3).count()", ["3"]),
    ("(1).combine(1).count()", ["2"]),
    ("(1 | 2 | 3).where($this > 1)", ["2", "3"]),
    ("(4 | 5 | 6).select($index)", ["0", "1", "2"]),
    ("(1 | 2 | 3 | 4).aggregate($this + $total, 0)", ["10"]),
    ("(1 | 2 | 3).skip(1).take(1)", ["2"]),
    ("(1 | 2 | 3).tail()", ["2", "3"]),
    ("(1 | 2 | 3).last()", ["3"]),
    ("(1 | 2).single()", REFUSED),
    ("(1 | 2 | 3).intersect(2 | 3 | 4)", ["2", "3"]),
    ("(1 | 2 | 3).exclude(2)", ["1", "3"]),
    ("(1 | 2).subsetOf(1 | 2 | 3)", [True]),
    ("(1 | 2 | 3).supersetOf(4)", [False]),
    ("(true | false).allTrue()", [False]),
    ("(true | false).anyFalse()", [True]),
    ("{}.allTrue()", [True]),
    ("(1 | 2) ~ (2 | 1)", [True]),
    ("(1 | 2) = (2 | 1)", [False]),
    ("2 in (1 | 2)", [True]),
    ("(1 | 2) contains 3", [False]),
    ("(3 | 1 | 2).sort()", ["1", "2", "3"]),
    ("(3 | 1 | 2).sort(-$this)", ["3", "2", "1"]),
    ("(1 | 2)[1]", ["2"]),
    ("(1 | 2)[-1]", []),
]

CONVERSIONS: Table = [
    ("'YES'.toBoolean()", [True]),
    ("'maybe'.toBoolean()", []),
    ("'12'.toInteger()", ["12"]),
    ("'12.0'.toInteger()", []),
    ("'12.0'.toDecimal()", ["12.0"]),
    ("'2019-05-01T10:00:00Z'.toDate()", []),
    ("@2019-05-01T10:00:00Z.toDate()", ["2019-05-01"]),
    ("'10:15'.toTime()", ["10:15"]),
    ("'4 days'.toQuantity()", ["4 days"]),
    ("'4 somethings'.convertsToQuantity()", [False]),
    ("1.type().name", ["Integer"]),
    ("12.50.toString()", ["12.50"]),
]

# Run on tests/fhir/samples.py PATIENT.
PATIENT: Table = [
    ("Patient.gender.is(code)", [True]),
    ("Patient.gender.is(string)", [True]),
    ("Patient.gender.as(string)", []),
    ("Patient.gender.as(nothing)", REFUSED),
    ("Patient.active.type().namespace", ["FHIR"]),
    ("Patient.name.as(HumanName)", REFUSED),
    ("Patient.name.ofType(HumanName).count()", ["2"]),
    ("Patient.birthDate < @1990-01-01", [True]),
    ("Patient.birthDate + 1 year", ["1985-02-28"]),
    ("Patient.birthDate.toString().length()", ["10"]),
    ("Patient.name.select(given.first() + ' ' + family).first()", ["Camille Essai-Durand"]),
    ("Patient.name.given.first().hasValue()", [True]),
    ("Patient.name.first().hasValue()", [False]),
    ("Patient.descendants().ofType(HumanName).count()", ["2"]),
    ("Patient.name.given.getValue()", []),
    ("Patient.repeat(contained).count() > 0", [True]),
    ("%resource.id = Patient.id", [True]),
    ("%`vs-example`", ["http://hl7.org/fhir/ValueSet/example"]),
    ("%`ext-patient-birthTime`", ["http://hl7.org/fhir/StructureDefinition/patient-birthTime"]),
    ("%loinc", ["http://loinc.org"]),
    ("%unknown", REFUSED),
    ("conformsTo('http://hl7.org/fhir/StructureDefinition/Patient')", [True]),
    ("conformsTo('http://hl7.org/fhir/StructureDefinition/Group')", [False]),
    ("conformsTo('urn:nowhere')", REFUSED),
    ("name.trace('names').count()", ["2"]),
    ("name.all(family.exists())", [True]),
    ("name.exists(use = 'official')", [True]),
    ("name.isDistinct()", [True]),
]

ALL: Final = (
    LITERALS, LOGIC, NUMBERS, TEXTS, MOMENTS, QUANTITIES, COLLECTIONS, CONVERSIONS, PATIENT,
)  # fmt: skip

# SPDX-License-Identifier: EUPL-1.2
"""Profiles written for the test, one rule each: what keeps it, what breaks it, and what is said."""

from typing import Any

import orjson
import pytest

from carnet.fhir import json
from carnet.fhir.fhirpath import Item
from carnet.fhir.validation.issues import Issue, outcome, right
from carnet.fhir.validation.packages import Packages
from carnet.fhir.validation.structure import check
from carnet.fhir.validation.terms import LocalTerminology
from carnet.fhir.validation.validator import Validator

Json = dict[str, Any]
BASE = "http://hl7.org/fhir/StructureDefinition/"


def element(id: str, **more: Any) -> Json:
    path = ".".join(segment.partition(":")[0] for segment in id.split("."))
    slice = id.rpartition(".")[2].partition(":")[2]
    return {"id": id, "path": path, **({"sliceName": slice} if slice else {}), **more}


def structure(*elements: Json, kind: str = "Patient", url: str = "urn:profile") -> Json:
    return {
        "resourceType": "StructureDefinition", "url": url, "type": kind, "kind": "resource",
        "derivation": "constraint", "baseDefinition": BASE + kind,
        "differential": {"element": list(elements)},
    }  # fmt: skip


def validator(*structures: Json) -> Validator:
    packages = Packages()
    packages.add(structures)
    return Validator(packages)


def faults(profile: Json, resource: Json, *others: Json) -> list[tuple[str, str]]:
    """Path and rule of the errors of a profile."""
    assert check(resource) == [], "the resource itself is right"
    found = validator(profile, *others).validate(resource, (profile["url"],))
    return [(i.path, i.rule) for i in found if i.profile and i.severity == "error"]


def patient(**more: Any) -> Json:
    return {"resourceType": "Patient", **more}


def observation(**more: Any) -> Json:
    return {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, **more}


def slicing(kind: str, path: str, rules: str = "open", **more: Any) -> Json:
    return {"discriminator": [{"type": kind, "path": path}], "rules": rules, **more}


INS, IPP = {"system": "urn:ins", "value": "1"}, {"system": "urn:ipp", "value": "2"}
BY_SYSTEM = element("Patient.identifier", slicing=slicing("value", "system"))
INS_SLICE = (
    element("Patient.identifier:ins", min=1, max="1"),
    element("Patient.identifier:ins.system", min=1, fixedUri="urn:ins"),
)


@pytest.mark.parametrize(
    ("profile", "kept", "broken", "where"),
    [
        pytest.param(
            structure(element("Patient.birthDate", min=1)),
            patient(birthDate="1980"), patient(active=True),
            [("Patient.birthDate", "Patient.birthDate")], id="required"),
        pytest.param(
            structure(element("Patient.name", max="1")),
            patient(name=[{"text": "a"}]), patient(name=[{"text": "a"}, {"text": "b"}]),
            [("Patient.name", "Patient.name")], id="at most one"),
        pytest.param(
            structure(element("Patient.photo", max="0")),
            patient(active=True), patient(photo=[{"title": "x"}]),
            [("Patient.photo", "Patient.photo")], id="forbidden"),
        pytest.param(
            structure(element("Patient.name.family", min=1)),
            patient(name=[{"family": "a"}]), patient(name=[{"family": "a"}, {"text": "b"}]),
            [("Patient.name[1].family", "Patient.name.family")], id="required below"),
        pytest.param(
            structure(element("Patient.gender", fixedCode="female")),
            patient(gender="female"), patient(gender="male"),
            [("Patient.gender", "Patient.gender")], id="fixed"),
        pytest.param(
            structure(element("Patient.maritalStatus",
                              patternCodeableConcept={"coding": [{"code": "M"}]})),
            patient(maritalStatus={"coding": [{"code": "S"}, {"code": "M", "display": "m"}]}),
            patient(maritalStatus={"coding": [{"code": "S"}]}),
            [("Patient.maritalStatus", "Patient.maritalStatus")], id="pattern"),
        pytest.param(
            structure(element("Patient.maritalStatus",
                              fixedCodeableConcept={"coding": [{"code": "M"}]})),
            patient(maritalStatus={"coding": [{"code": "M"}]}),
            patient(maritalStatus={"coding": [{"code": "M", "display": "m"}]}),
            [("Patient.maritalStatus", "Patient.maritalStatus")], id="fixed is equal, no more"),
        pytest.param(
            structure(element("Patient.deceased[x]", type=[{"code": "dateTime"}])),
            patient(deceasedDateTime="2020"), patient(deceasedBoolean=True),
            [("Patient.deceased.ofType(boolean)", "Patient.deceased[x]")], id="one type"),
        pytest.param(
            structure(element("Patient.contact.name.family", maxLength=3)),
            patient(contact=[{"name": {"family": "abc"}}]),
            patient(contact=[{"name": {"family": "abcd"}}]),
            [("Patient.contact[0].name.family", "Patient.contact.name.family")], id="length"),
        pytest.param(
            structure(element("Patient.id", extension=[{"url": BASE + "minLength", "valueInteger": 3}])),
            patient(id="abc"), patient(id="ab"), [("Patient.id", "Patient.id")], id="least length"),
        pytest.param(
            structure(element("Patient.birthDate", minValueDate="1900-01-01")),
            patient(birthDate="1900-01-01"), patient(birthDate="1899-12-31"),
            [("Patient.birthDate", "Patient.birthDate")], id="least value"),
        pytest.param(
            structure(element("Patient.name", constraint=[{
                "key": "n-1", "severity": "error", "human": "a name has a family name",
                "expression": "family.exists()"}])),
            patient(name=[{"family": "a"}]), patient(name=[{"family": "a"}, {"text": "b"}]),
            [("Patient.name[1]", "n-1")], id="constraint"),
        pytest.param(
            structure(element("Patient.managingOrganization", type=[{
                "code": "Reference", "targetProfile": [BASE + "Practitioner"]}])),
            patient(managingOrganization={"display": "x"}),
            patient(managingOrganization={"reference": "Organization/1"}),
            [("Patient.managingOrganization.reference", "Patient.managingOrganization")],
            id="target"),
        pytest.param(
            structure(BY_SYSTEM, *INS_SLICE),
            patient(identifier=[IPP, INS]), patient(identifier=[IPP]),
            [("Patient.identifier", "Patient.identifier:ins")], id="slice required"),
        pytest.param(
            structure(BY_SYSTEM, *INS_SLICE),
            patient(identifier=[INS]), patient(identifier=[INS, INS]),
            [("Patient.identifier[1]", "Patient.identifier:ins")], id="slice at most once"),
        pytest.param(
            structure(element("Patient.identifier", slicing=slicing("value", "system", "closed")),
                      *INS_SLICE),
            patient(identifier=[INS]), patient(identifier=[INS, IPP]),
            [("Patient.identifier[1]", "Patient.identifier")], id="closed"),
        pytest.param(
            structure(
                element("Patient.identifier", slicing=slicing("value", "system", "openAtEnd")),
                *INS_SLICE),
            patient(identifier=[INS, IPP]), patient(identifier=[IPP, INS]),
            [("Patient.identifier[1]", "Patient.identifier")], id="open at the end"),
        pytest.param(
            structure(
                element("Patient.identifier", slicing=slicing("value", "system", ordered=True)),
                *INS_SLICE, element("Patient.identifier:ipp"),
                element("Patient.identifier:ipp.system", min=1, fixedUri="urn:ipp")),
            patient(identifier=[INS, IPP]), patient(identifier=[IPP, INS]),
            [("Patient.identifier[1]", "Patient.identifier")], id="ordered"),
        pytest.param(
            structure(
                element("Patient.telecom", slicing=slicing("pattern", "$this")),
                element("Patient.telecom:mail", max="1",
                        patternContactPoint={"system": "email"})),
            patient(telecom=[{"system": "phone", "value": "1"}, {"system": "email", "value": "a"}]),
            patient(telecom=[{"system": "email", "value": "b"}, {"system": "email", "value": "a"}]),
            [("Patient.telecom[1]", "Patient.telecom:mail")], id="by pattern"),
        pytest.param(
            structure(
                element("Patient.name", slicing=slicing("exists", "family")),
                element("Patient.name:family", max="1"),
                element("Patient.name:family.family", min=1),
                element("Patient.name:text"), element("Patient.name:text.family", max="0"),
                element("Patient.name:text.text", min=1)),
            patient(name=[{"family": "a"}, {"text": "b"}]),
            patient(name=[{"family": "a"}, {"use": "usual"}]),
            [("Patient.name[1].text", "Patient.name:text.text")], id="by being there"),
        pytest.param(
            structure(
                element("Observation.value[x]", slicing=slicing("type", "$this")),
                element("Observation.value[x]:valueQuantity", type=[{"code": "Quantity"}]),
                element("Observation.value[x]:valueQuantity.code", min=1), kind="Observation"),
            observation(valueString="x"), observation(valueQuantity={"value": 1}),
            [("Observation.value.ofType(Quantity).code",
              "Observation.value[x]:valueQuantity.code")], id="by type"),
        pytest.param(
            structure(element("Observation.valueQuantity.code", min=1), kind="Observation"),
            observation(valueQuantity={"value": 1, "system": "urn:x", "code": "g"}),
            observation(valueQuantity={"value": 1}),
            [("Observation.value.ofType(Quantity).code", "Observation.valueQuantity.code")],
            id="the short way"),
        pytest.param(
            structure(
                element("Observation.component", slicing=slicing("value", "code")),
                element("Observation.component:a", min=1),
                element("Observation.component:a.code",
                        patternCodeableConcept={"coding": [{"code": "a"}]}),
                element("Observation.component:a.value[x]", min=1), kind="Observation"),
            observation(component=[{"code": {"coding": [{"code": "a"}]}, "valueInteger": 1}]),
            observation(component=[{"code": {"coding": [{"code": "a"}]}}]),
            [("Observation.component[0].value", "Observation.component:a.value[x]")],
            id="a choice required in a slice"),
        pytest.param(
            structure(
                BY_SYSTEM, *INS_SLICE[:1], INS_SLICE[1],
                element("Patient.identifier:ins", slicing=slicing("value", "use"), max="*"),
                element("Patient.identifier:ins/now", max="1"),
                element("Patient.identifier:ins/now.use", min=1, fixedCode="official")),
            patient(identifier=[INS | {"use": "official"}, INS | {"use": "old"}]),
            patient(identifier=[INS | {"use": "official"}, INS | {"use": "official"}]),
            [("Patient.identifier[1]", "Patient.identifier:ins/now")], id="resliced"),
        pytest.param(
            structure(element("Questionnaire.item.item.linkId", patternString="b"),
                      kind="Questionnaire"),
            {"resourceType": "Questionnaire", "status": "draft", "item": [
                {"linkId": "a", "type": "group", "item": [{"linkId": "b", "type": "string"}]}]},
            {"resourceType": "Questionnaire", "status": "draft", "item": [
                {"linkId": "a", "type": "group", "item": [{"linkId": "c", "type": "string"}]}]},
            [("Questionnaire.item[0].item[0].linkId", "Questionnaire.item.item.linkId")],
            id="content reference"),
    ],
)  # fmt: skip
def test_a_rule_is_kept_and_broken(
    profile: Json, kept: Json, broken: Json, where: list[tuple[str, str]]
) -> None:
    assert faults(profile, kept) == []
    assert faults(profile, broken) == where


def value_set(strength: str) -> tuple[Json, Json]:
    bound = element("Patient.maritalStatus", binding={"strength": strength, "valueSet": "urn:vs|2"})
    codes = {"include": [{"system": "urn:s", "concept": [{"code": "M"}]}]}
    return structure(bound), {"resourceType": "ValueSet", "url": "urn:vs", "compose": codes}


def test_a_binding_is_as_grave_as_its_strength() -> None:
    wrong = patient(maritalStatus={"coding": [{"system": "urn:s", "code": "X"}]})
    for strength, severity in (("required", "error"), ("extensible", "warning")):
        profile, codes = value_set(strength)
        found = validator(profile, codes).validate(wrong, ("urn:profile",))
        told = [i.severity for i in found if i.code == "code-invalid" and i.profile]
        assert told == [severity]
        fine = patient(maritalStatus={"coding": [{"system": "urn:s", "code": "M"}]})
        found = validator(profile, codes).validate(fine, ("urn:profile",))
        assert [i for i in found if i.code == "code-invalid" and i.profile] == []
    profile, codes = value_set("preferred")
    found = validator(profile, codes).validate(wrong, ("urn:profile",))
    assert [i for i in found if i.code == "code-invalid" and i.profile] == []


def test_a_value_set_nobody_brought_is_said_and_refuses_nothing() -> None:
    coded = patient(maritalStatus={"coding": [{"system": "urn:s", "code": "X"}]})
    for strength, severity in (("required", "warning"), ("extensible", "information")):
        profile, _ = value_set(strength)
        found = validator(profile).validate(coded, ("urn:profile",))
        told = [(i.severity, i.code, i.path) for i in found if i.profile]
        assert told == [(severity, "not-found", "Patient.maritalStatus")]
        assert next(i.text for i in found if i.profile).startswith(
            "The value set urn:vs is not known here."
        )


def test_a_profile_whose_base_nobody_brought_says_so() -> None:
    profile = structure() | {"baseDefinition": "urn:base", "snapshot": {"element": []}}
    found = validator(profile).validate(patient(active=True), ("urn:profile",))
    assert [(i.severity, i.code) for i in found if i.profile] == [("warning", "incomplete")]
    assert "urn:base" in next(i.text for i in found if i.profile)


@pytest.mark.parametrize(
    ("compose", "kept", "wrong", "open_"),
    [
        ({"include": [{"valueSet": ["urn:ab", "urn:bc"]}]}, "b", "ac", ""),
        ({"include": [{"system": "urn:s", "valueSet": ["urn:ab"]}]}, "ab", "c", ""),
        ({"include": [{"valueSet": ["urn:ab"]}], "exclude": [{"valueSet": ["urn:bc"]}]}, "a", "bc", ""),
        ({"include": [{"valueSet": ["urn:ab"]}], "exclude": [{"system": "urn:s"}]}, "", "abc", ""),
        ({"include": [{"valueSet": ["urn:ab"]}],
          "exclude": [{"system": "urn:s", "filter": [{"property": "x", "op": "=", "value": "y"}]}]},
         "", "", "abc"),
        ({"include": [{"valueSet": ["urn:ab"]}, {"valueSet": ["urn:nowhere"]}]}, "ab", "", "c"),
    ],
)  # fmt: skip
def test_what_a_value_set_is_made_of(compose: Json, kept: str, wrong: str, open_: str) -> None:
    def listed(url: str, codes: str) -> Json:
        concepts = [{"code": code} for code in codes]
        clause = {"system": "urn:s", "concept": concepts}
        return {"resourceType": "ValueSet", "url": url, "compose": {"include": [clause]}}

    packages = Packages()
    made = {"resourceType": "ValueSet", "url": "urn:made", "compose": compose}
    packages.add([listed("urn:ab", "ab"), listed("urn:bc", "bc"), made])
    terms = LocalTerminology(packages)
    for codes, answer in ((kept, True), (wrong, False), (open_, None)):
        for code in codes:
            item = ("Coding", {"system": "urn:s", "code": code}, None)
            assert terms.member("urn:made", item) is answer, code


def test_a_terminology_takes_the_place_of_ours() -> None:
    class All:
        def member(self, value_set: str, item: Item) -> bool | None:
            return True

    profile, _ = value_set("required")
    packages = Packages()
    packages.add([profile])
    wrong = patient(maritalStatus={"coding": [{"system": "urn:s", "code": "X"}]})
    assert right(Validator(packages, All()).validate(wrong, ("urn:profile",)))


def test_slices_told_by_an_unknown_value_set_are_not_judged() -> None:
    profile = structure(
        element("Patient.telecom", slicing=slicing("value", "value")),
        element("Patient.telecom:a", min=1),
        element("Patient.telecom:a.value", min=1,
                binding={"strength": "required", "valueSet": "urn:nowhere"}),
    )  # fmt: skip
    found = validator(profile).validate(patient(telecom=[{"value": "x"}]), ("urn:profile",))
    assert {(i.severity, i.code) for i in found if i.profile} == {("information", "incomplete")}


def test_slices_by_a_path_that_is_not_there_are_not_judged() -> None:
    profile = structure(
        element("Patient.telecom", slicing=slicing("value", "telecom.value")),
        element("Patient.telecom:a", min=1),
    )
    found = validator(profile).validate(patient(telecom=[{"value": "x"}]), ("urn:profile",))
    assert {(i.severity, i.code) for i in found if i.profile} == {("information", "incomplete")}


def test_a_bundle_is_sliced_by_the_profiles_of_its_entries() -> None:
    born = structure(element("Patient.birthDate", min=1), url="urn:born")
    bundle = structure(
        element("Bundle.entry", slicing=slicing("profile", "resource")),
        element("Bundle.entry:patient", min=1),
        element("Bundle.entry:patient.resource", min=1,
                type=[{"code": "Patient", "profile": ["urn:born"]}]),
        kind="Bundle",
    )  # fmt: skip

    def of(inner: Json) -> Json:
        return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": inner}]}

    assert faults(bundle, of(patient(birthDate="1980")), born) == []
    assert faults(bundle, of(patient(active=True)), born) == [
        ("Bundle.entry", "Bundle.entry:patient")
    ]


def test_what_is_contained_is_held_to_the_profile_of_the_reference() -> None:
    named = structure(element("Organization.name", min=1), kind="Organization", url="urn:named")
    profile = structure(
        element("Patient.managingOrganization",
                type=[{"code": "Reference", "targetProfile": ["urn:named"]}])
    )  # fmt: skip

    def of(organization: Json) -> Json:
        inner = {"resourceType": "Organization", "id": "o", **organization}
        return patient(contained=[inner], managingOrganization={"reference": "#o"})

    assert faults(profile, of({"name": "x"}), named) == []
    assert [path for path, _ in faults(profile, of({"active": True}), named)] == [
        "Patient.managingOrganization.reference"
    ]


def test_a_profile_that_nobody_brought_is_said() -> None:
    claimed = patient(meta={"profile": ["urn:nowhere"]})
    found = Validator().validate(claimed)
    assert [(i.severity, i.code) for i in found if i.profile] == [("warning", "not-found")]
    found = Validator().validate(patient(active=True), ("urn:nowhere",))
    assert [(i.severity, i.code) for i in found if i.profile] == [("error", "not-found")]


def test_a_profile_of_another_type_is_not_kept() -> None:
    assert [
        p for p, _ in faults(structure(), {"resourceType": "Basic", "code": {"text": "x"}})
    ] == ["Basic"]


def test_vital_signs_of_r4_itself_are_known() -> None:
    bp = BASE + "bp"
    found = Validator().validate(observation(), (bp,))
    rules = {i.rule for i in found if i.severity == "error"}
    assert {"Observation.category", "Observation.subject", "Observation.effective[x]"} <= rules


def test_an_outcome_names_place_rule_and_weight() -> None:
    issue = Issue("Patient.name[1]", "invariant", "n-1: a rule.", "warning", "n-1", "urn:profile")
    told = outcome([issue])
    assert check(told) == []
    assert told["issue"][0]["expression"] == ["Patient.name[1]"]
    assert told["issue"][0]["severity"] == "warning"
    assert told["issue"][0]["extension"][0]["valueString"] == "urn:profile#n-1"
    assert outcome([])["issue"][0]["severity"] == "information"
    assert check(outcome([])) == []


def test_a_bundle_s_profile_follows_references_from_one_entry_to_another() -> None:
    """A slice told by a profile, whose own references are to what another entry holds."""
    named = structure(element("Patient.name", min=1), url="urn:named")
    about = structure(
        element("Observation.subject", min=1, type=[{"code": "Reference", "targetProfile": ["urn:named"]}]),
        kind="Observation", url="urn:about",
    )  # fmt: skip
    profile = structure(
        element("Bundle.entry", slicing=slicing("profile", "resource")),
        element("Bundle.entry:seen", min=1),
        element("Bundle.entry:seen.resource", min=1,
                type=[{"code": "Observation", "profile": ["urn:about"]}]),
        kind="Bundle",
    )  # fmt: skip

    def bundle(**more: Any) -> Json:
        seen = observation(id="o", subject={"reference": "Patient/p"})
        return {"resourceType": "Bundle", "type": "collection", "entry": [
            {"fullUrl": "http://x.org/Observation/o", "resource": seen},
            {"fullUrl": "http://x.org/Patient/p", "resource": patient(id="p", **more)},
        ]}  # fmt: skip

    assert faults(profile, bundle(name=[{"text": "a"}]), named, about) == []
    assert faults(profile, bundle(active=True), named, about) == [
        ("Bundle.entry", "Bundle.entry:seen")
    ]


def test_a_differential_without_ids_is_of_the_slice_last_named() -> None:
    """As the tools of R3 wrote them: paths and names of slices alone."""
    bare: list[Json] = [
        {"path": "Patient.identifier", "slicing": slicing("value", "system")},
        {"path": "Patient.identifier", "sliceName": "ins", "min": 1},
        {"path": "Patient.identifier.system", "min": 1, "fixedUri": "urn:ins"},
        {"path": "Patient.identifier", "sliceName": "ipp", "max": "0"},
        {"path": "Patient.identifier.system", "min": 1, "fixedUri": "urn:ipp"},
        {"path": "Patient.name", "min": 1},
    ]
    profile = structure(*bare)
    name = [{"text": "a"}]
    assert faults(profile, patient(identifier=[INS], name=name)) == []
    assert faults(profile, patient(identifier=[IPP], name=name)) == [
        ("Patient.identifier", "Patient.identifier:ins"),
        ("Patient.identifier[0]", "Patient.identifier:ipp"),
    ]


def test_a_slice_may_be_told_by_what_it_has_not_and_by_one_discriminator_of_two() -> None:
    both = {
        "discriminator": [
            {"type": "value", "path": "system"},
            {"type": "value", "path": "use"},
        ],
        "rules": "closed",
    }
    profile = structure(
        element("Patient.telecom", slicing=both),
        element("Patient.telecom:mail", max="1"),
        element("Patient.telecom:mail.system", min=1, fixedCode="email"),
        element("Patient.telecom:mail.use", max="0"),
        element("Patient.telecom:any", max="1"),
        element("Patient.telecom:any.system", min=1, fixedCode="phone"),
    )
    mail, phone = {"system": "email", "value": "x"}, {"system": "phone", "value": "1"}
    assert faults(profile, patient(telecom=[mail, phone])) == []
    assert faults(profile, patient(telecom=[mail, {**phone, "use": "home"}])) == []
    assert faults(profile, patient(telecom=[{**mail, "use": "home"}])) == [
        ("Patient.telecom[0]", "Patient.telecom")
    ]


@pytest.mark.parametrize(
    ("ways", "reference", "kept"),
    [
        (["contained"], "#o", True),
        (["contained"], "Organization/x", False),
        (["referenced"], "Organization/x", True),
        (["referenced"], "#o", False),
        (["bundled"], "Organization/o", True),
        (["bundled"], "Organization/elsewhere", False),
        (["bundled", "contained"], "#o", True),
    ],
)
def test_a_reference_points_by_the_ways_a_profile_allows(
    ways: list[str], reference: str, kept: bool
) -> None:
    kind = [{"code": "Reference", "targetProfile": [BASE + "Organization"], "aggregation": ways}]
    profile = structure(element("Patient.managingOrganization", type=kind))
    other = {"resourceType": "Organization", "id": "o", "name": "x"}
    sent = patient(id="p", managingOrganization={"reference": reference})
    if reference == "#o":
        sent["contained"] = [other]
    sent["meta"] = {"profile": ["urn:profile"]}
    whole = {"resourceType": "Bundle", "type": "collection", "entry": [
        {"fullUrl": "http://x.org/Patient/p", "resource": sent},
        {"fullUrl": "http://x.org/Organization/o", "resource": other},
    ]}  # fmt: skip
    found = validator(profile).validate(whole)
    path = "Bundle.entry[0].resource.managingOrganization.reference"
    assert [i.path for i in found if i.severity == "error"] == ([] if kept else [path])


def test_a_slice_of_a_slice_is_held_to_both() -> None:
    profile = structure(
        element("Patient.identifier", slicing=slicing("value", "system")),
        element("Patient.identifier:ins"),
        element("Patient.identifier:ins.system", min=1, fixedUri="urn:ins"),
        element("Patient.identifier:ins.value", min=1),
        element("Patient.identifier:ins", slicing=slicing("value", "use", "closed")),
        element("Patient.identifier:ins/usual", max="1"),
        element("Patient.identifier:ins/usual.use", min=1, fixedCode="usual"),
    )
    usual = INS | {"use": "usual"}
    assert faults(profile, patient(identifier=[usual, IPP])) == []
    assert faults(profile, patient(identifier=[usual, usual])) == [
        ("Patient.identifier[1]", "Patient.identifier:ins/usual")
    ]
    assert faults(profile, patient(identifier=[INS | {"use": "old"}])) == [
        ("Patient.identifier[0]", "Patient.identifier:ins")
    ]


def test_what_is_in_no_slice_is_held_to_the_default_one() -> None:
    profile = structure(
        element("Patient.identifier", slicing=slicing("value", "system", "closed")),
        *INS_SLICE,
        element("Patient.identifier:@default", max="1"),
        element("Patient.identifier:@default.value", min=1),
    )
    assert faults(profile, patient(identifier=[INS, IPP])) == []
    assert faults(profile, patient(identifier=[INS, {"system": "urn:x"}])) == [
        ("Patient.identifier[1].value", "Patient.identifier:@default.value")
    ]


VALUES: list[Any] = [  # type, fixed, equal to it, other
    ("Quantity", {"value": 1.5, "code": "g"}, {"value": 1.50, "code": "g"}, {"value": 1.6, "code": "g"}),
    ("CodeableConcept", {"text": "a"}, {"text": "a"}, {"text": "b"}),
    ("string", "a", "a", "A"),
    ("boolean", True, True, False),
    ("integer", 1, 1, 2),
    ("dateTime", "2020", "2020", "2020-01"),
    ("time", "10:00:00", "10:00:00", "10:00:01"),
    ("Period", {"start": "2020"}, {"start": "2020"}, {"start": "2021"}),
    ("Range", {"low": {"value": 1}}, {"low": {"value": 1}}, {"low": {"value": 2}}),
    ("Ratio", *[{"numerator": {"value": n}, "denominator": {"value": 1}} for n in (1, 1, 2)]),
    ("SampledData", *[{"origin": {"value": n}, "period": 1, "dimensions": 1} for n in (1, 1, 2)]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "fixed", "equal", "other"), VALUES, ids=[v[0] for v in VALUES])
@pytest.mark.parametrize("word", ["fixed", "pattern"])
def test_a_value_of_each_type_is_fixed_or_a_pattern(
    word: str, kind: str, fixed: Any, equal: Any, other: Any
) -> None:
    name = kind[:1].upper() + kind[1:]
    profile = structure(
        element("Observation.value[x]", type=[{"code": kind}], **{word + name: fixed}),
        kind="Observation",
    )
    assert faults(profile, observation(**{"value" + name: decimals(equal)})) == []
    assert faults(profile, observation(**{"value" + name: decimals(other)})) == [
        (f"Observation.value.ofType({kind})", "Observation.value[x]")
    ]


def decimals(value: Any) -> Any:
    """As our JSON reads it."""
    return json.parse(orjson.dumps({"value": value}))["value"]

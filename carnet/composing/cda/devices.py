# SPDX-License-Identifier: EUPL-1.2
"""A device the patient bears or uses, from a DeviceUseStatement with its Device inside.

Source: ANS, CI-SIS, FR-Dispositif-medical, as its published examples write it; CCD, Supply Activity.
"""

from __future__ import annotations

from typing import Any, Final

from carnet.composing.cda import codes
from carnet.composing.cda.codes import coded, date, interval, listed, mapping
from carnet.composing.cda.elements import Element, tag, templates
from carnet.composing.cda.entries import Number
from carnet.composing.cda.told import Cells, comment, plain, remarks, told
from carnet.composing.model import Json

SUPPLY: Final = ("2.16.840.1.113883.10.20.1.34", "1.2.250.1.213.1.1.3.20")
UDI: Final = "2.16.840.1.113883.3.3719"  # arc of unique device identifiers
ABSENT: Final = "2.16.840.1.113883.5.1150.1"  # of IPS: nothing, or nothing known


def cells(resource: Json, since: str) -> Cells:
    """What it is, since when, its references, what else."""
    device = held(resource)
    site = codes.said(resource.get("bodySite"))
    names = (("lot", device.get("lotNumber")), ("n° de série", device.get("serialNumber")))
    return (
        (("", named(resource)),),
        plain(since),
        plain(site, *(f"{name} {value}" for name, value in names if value)),
        remarks(resource),
    )


def device(resource: Json, anchor: str, number: Number) -> Element:
    """A DeviceUseStatement that goes on; one that says that there is none has no date."""
    own, concept = held(resource), _concept(resource)
    none = any(oid == ABSENT for _, oid, _, _ in codes.codings(concept))
    role = tag(
        "participantRole",
        None if none else _own_number(own),
        tag(
            "playingDevice",
            coded("code", concept, anchor),
            None if none else _model(own),
            classCode="DEV",
            determinerCode="INSTANCE",
        ),
        classCode="MANU",
    )
    return tag(
        "supply",
        *templates(*SUPPLY),
        tag("id", nullFlavor="NA") if none else number(resource),
        told(anchor),
        tag("effectiveTime", nullFlavor="NA") if none else _when(resource),
        tag("participant", role, typeCode="DEV"),
        comment(remarks(resource), anchor),
        classCode="SPLY",
        moodCode="EVN",
    )


def held(resource: Json) -> Json:
    """The Device inside its use; empty when there is none."""
    wanted = str(mapping(resource.get("device")).get("reference", ""))
    inside = listed(resource.get("contained"))
    return next((each for each in inside if f"#{each.get('id')}" == wanted), {})


def named(resource: Json) -> str:
    """What it is called: by its type, its name, else as its use points to it."""
    own = held(resource)
    shown = str(mapping(resource.get("device")).get("display") or "")
    return codes.said(own.get("type")) or _name(own) or shown


def _concept(resource: Json) -> dict[str, Any]:
    return dict(mapping(held(resource).get("type"))) or {"text": named(resource)}


def _name(own: Json) -> str:
    names = (str(each.get("name") or "") for each in listed(own.get("deviceName")))
    return next(filter(None, names), "")


def _model(own: Json) -> Element | None:
    found = _name(own) or str(own.get("modelNumber") or "")
    return tag("manufacturerModelName", text=found) if found and own.get("type") else None


def _when(resource: Json) -> Element:
    at = date(resource.get("timingDateTime"))
    if at:
        return tag("effectiveTime", value=at)
    period = mapping(resource.get("timingPeriod"))
    return interval("effectiveTime", period.get("start"), period.get("end"), kind="IVL_TS")


def _own_number(own: Json) -> Element:
    """The unique number of the device, else one of a system that has an OID, else that it is unknown."""
    for each in listed(own.get("udiCarrier")):
        if each.get("carrierHRF"):
            return tag("id", root=UDI, extension=str(each["carrierHRF"]))
    for each in listed(own.get("identifier")):
        root = str(each.get("system", "")).removeprefix("urn:oid:")
        if each.get("value") and codes.OID.fullmatch(root):
            return tag("id", root=root, extension=str(each["value"]))
    return tag("id", nullFlavor="UNK")

# SPDX-License-Identifier: EUPL-1.2
"""QIDO-RS: studies, series and images by what they are, by the search of the record.

Source: DICOM PS3.18 §10.6 (search transaction), annex F (DICOM JSON).
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from carnet.imaging import find
from carnet.imaging import study as studies
from carnet.imaging.answers import dicom, element
from carnet.rest import http

Json = dict[str, Any]


async def by_key(request: Request) -> Response:
    """GET studies?…"""
    desk = http.desk(request)
    visit = await desk.visit(request)
    given = http.parameters(request.scope["query_string"])
    found, _ = await find.search(visit, desk.parser, given)
    told = [study(each, request.app.state.keeper.retrieve) for each in found]
    return dicom(told) if told else Response(status_code=204)


async def series(request: Request) -> Response:
    """GET studies/{study}/series."""
    desk = http.desk(request)
    visit = await desk.visit(request)
    number = request.path_params["study"]
    base = f"{request.app.state.keeper.retrieve}/{number}"
    found = await find.studies_of(visit, desk.parser, number)
    held = {one["uid"]: one for each in found for one in each.get("series", [])}
    return dicom(
        [
            {
                "00080060": element("CS", one["modality"]["code"]),
                "0008103E": element("LO", one.get("description")),
                "00081190": element("UR", f"{base}/series/{one['uid']}"),
                "0020000D": element("UI", number),
                "0020000E": element("UI", one["uid"]),
                "00200011": element("IS", one.get("number")),
                "00201209": element("IS", one["numberOfInstances"]),
            }
            for one in held.values()
        ]
    )


async def instances(request: Request) -> Response:
    """GET studies/{study}/instances, studies/{study}/series/{series}/instances."""
    desk = http.desk(request)
    visit = await desk.visit(request)
    number, one = request.path_params["study"], request.path_params.get("series", "")
    found = await find.images(visit, desk.parser, number, one)
    base = f"{request.app.state.keeper.retrieve}/{number}"
    return dicom([_instance(each, base) for each in found])


def study(told: Json, retrieve: str) -> Json:
    """A study as DICOM JSON."""
    number = studies.uid_of(told)
    started = str(told.get("started", ""))
    accession = next(
        (each["value"] for each in told["identifier"] if each.get("system") != studies.UIDS), None
    )
    return {
        "00080020": element("DA", started[:10].replace("-", "") or None),
        "00080030": element("TM", started[11:19].replace(":", "") or None),
        "00080050": element("SH", accession),
        "00080061": element("CS", *(each["code"] for each in told.get("modality", []))),
        "00081030": element("LO", told.get("description")),
        "00081190": element("UR", f"{retrieve}/{number}"),
        "00100020": element("LO", told["subject"]["reference"].removeprefix("Patient/")),
        "0020000D": element("UI", number),
        "00201206": element("IS", told.get("numberOfSeries")),
        "00201208": element("IS", told.get("numberOfInstances")),
    }


def _instance(one: find.Image, base: str) -> Json:
    address = f"{base}/series/{one.series['uid']}/instances/{one.told['uid']}"
    return {
        "00080016": element("UI", one.told["sopClass"]["code"].removeprefix(studies.OIDS)),
        "00080018": element("UI", one.told["uid"]),
        "00081190": element("UR", address),
        "0020000D": element("UI", one.study),
        "0020000E": element("UI", one.series["uid"]),
        "00200013": element("IS", one.told.get("number")),
        "00280008": element("IS", studies.said(one.told, studies.FRAMES)),
    }

# SPDX-License-Identifier: EUPL-1.2
"""Addresses of the document sharing beside those of every type."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from carnet.documents.generate import WrongInput, generate
from carnet.rest import http
from carnet.rest.outcome import fhir
from carnet.rest.write import location


async def generate_metadata(request: Request) -> Response:
    """POST DocumentReference/$generate-metadata (ITI-106): 201 and where it is, 200 when it was there."""
    http.accepts_json(request)
    desk = http.desk(request)
    visit = await desk.visit(request)
    given = await http.resource(request)
    parameters = given.get("parameter")
    if given.get("resourceType") != "Parameters" or not isinstance(parameters, list):
        raise WrongInput
    documents = [
        each.get("resource")
        for each in parameters
        if isinstance(each, dict) and each.get("name") == "document"
    ]
    if len(parameters) != 1 or len(documents) != 1 or not isinstance(documents[0], dict):
        raise WrongInput
    http.validated({**given, "parameter": [{"name": "document", "valueBoolean": True}]})
    written = await generate(visit, desk.acts, http.validated(documents[0]))
    answer = {
        "resourceType": "Parameters",
        "parameter": [
            {
                "name": "DocumentReference",
                "valueReference": {"reference": written.address.literal},
            }
        ],
    }
    status = 201 if written.created else 200
    return fhir(answer, status, Location=location(desk.base, written))


ROUTES = (Route("/DocumentReference/$generate-metadata", generate_metadata, methods=["POST"]),)
ANNOUNCED = (
    (
        "DocumentReference",
        "generate-metadata",
        "https://profiles.ihe.net/ITI/MHD/OperationDefinition/generate-metadata",
    ),
)

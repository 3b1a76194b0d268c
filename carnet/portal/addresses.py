# SPDX-License-Identifier: EUPL-1.2
"""What may stand in an address."""

from django.urls import register_converter


class FhirId:
    """An id of the record, or a code: letters, digits, dash and dot (FHIR R4 id)."""

    regex = r"[A-Za-z0-9\-.]{1,64}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(FhirId, "fhirid")

# SPDX-License-Identifier: EUPL-1.2
"""What each page of a record shows, worked out from what the acts answered."""

from carnet.portal.record.pages.document import document_view
from carnet.portal.record.pages.documents import asked, list_view
from carnet.portal.record.pages.measures import curve_view, curves_view
from carnet.portal.record.pages.openings import openings_view
from carnet.portal.record.pages.search import LONGEST, TYPED, refusal, search_view

__all__ = [
    "LONGEST",
    "TYPED",
    "asked",
    "curve_view",
    "curves_view",
    "document_view",
    "list_view",
    "openings_view",
    "refusal",
    "search_view",
]

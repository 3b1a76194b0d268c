# SPDX-License-Identifier: EUPL-1.2
"""Consult a record: its list, one document, its curves, one file. What the viewer may see, no more."""

from carnet.documents.consult.curves import curve, curves
from carnet.documents.consult.document import document
from carnet.documents.consult.files import content
from carnet.documents.consult.lines import line, moment, result
from carnet.documents.consult.listing import documents

__all__ = ["content", "curve", "curves", "document", "documents", "line", "moment", "result"]

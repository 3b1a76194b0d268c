# SPDX-License-Identifier: EUPL-1.2
"""Publish a document: the act behind DocumentReference, in an ITI-65 lot, by itself, or from a file."""

from carnet.documents.publish.act import NotManagement, publish
from carnet.documents.publish.again import OtherBytes
from carnet.documents.publish.contents import binary
from carnet.documents.publish.deposit import Brought, Deposit
from carnet.documents.publish.describing import OtherUniqueId
from carnet.documents.publish.lots import submission
from carnet.documents.publish.reading import XML_TYPES

__all__ = [
    "XML_TYPES",
    "Brought",
    "Deposit",
    "NotManagement",
    "OtherBytes",
    "OtherUniqueId",
    "binary",
    "publish",
    "submission",
]

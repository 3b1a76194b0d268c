# SPDX-License-Identifier: EUPL-1.2
"""Reading CDA R2 documents (CI-SIS): pure, no input or output."""

from carnet.documents.cda.document import CdaDocument, NotCda, read

__all__ = ["CdaDocument", "NotCda", "read"]

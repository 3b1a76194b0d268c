# SPDX-License-Identifier: EUPL-1.2
"""Search parameters of the installation: read, kept, known to every process.

`files` finds SearchParameters in files and packages, `understood` says what each means or why it
cannot be had, `queries` keeps them, `catalogue` is what one process indexes and searches by.
"""

from carnet.fhir.search.own.catalogue import Catalogue

__all__ = ["Catalogue"]

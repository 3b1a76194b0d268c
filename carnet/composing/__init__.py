# SPDX-License-Identifier: EUPL-1.2
"""Data to documents: CDA documents, and the PDF a person reads, out of what a record holds."""

# SPDX-License-Identifier: EUPL-1.2
"""Add a document to one's own record, and look at the file of any document."""

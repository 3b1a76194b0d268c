# SPDX-License-Identifier: EUPL-1.2
"""Write a document from a record: choose, review line by line, look, sign."""

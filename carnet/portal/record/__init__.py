# SPDX-License-Identifier: EUPL-1.2
"""The record read: documents, results, curves, and who has read it."""

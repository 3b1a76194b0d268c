# SPDX-License-Identifier: EUPL-1.2
"""The page of health: what matters of a record, on one page."""

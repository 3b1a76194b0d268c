# SPDX-License-Identifier: EUPL-1.2
"""Whom to turn to: a table that says 15 at the least alarm sign, and never what somebody has."""

# SPDX-License-Identifier: EUPL-1.2
"""Pieces that several pages share: curves, gauges, template filters."""

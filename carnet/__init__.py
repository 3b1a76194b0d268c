# SPDX-License-Identifier: EUPL-1.2
"""Carnet: an open national health space."""

__version__ = "0.1.0"

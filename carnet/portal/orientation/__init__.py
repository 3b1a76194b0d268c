# SPDX-License-Identifier: EUPL-1.2
"""Whom to turn to, as pages: a few screens, nothing kept."""

# SPDX-License-Identifier: EUPL-1.2
"""Figures, each beside its limit: one module per figure, with a subject and a function `run()`."""

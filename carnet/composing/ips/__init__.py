# SPDX-License-Identifier: EUPL-1.2
"""The International Patient Summary as a PDF, in the language of its document."""

from carnet.composing.ips.sheet import Person, Summary, sheet

__all__ = ["Person", "Summary", "sheet"]

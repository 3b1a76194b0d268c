# SPDX-License-Identifier: EUPL-1.2
"""The kinds of documents that are composed: what each is made of, from lines a professional reviewed."""

from carnet.composing.kinds import discharge, synthesis

KINDS = {"vsm": synthesis, "sortie": discharge}

__all__ = ["KINDS", "discharge", "synthesis"]

# SPDX-License-Identifier: EUPL-1.2
"""What a session without enough proof is refused with."""

from carnet import errors


class NeedsSituation(errors.Unauthenticated):
    """A professional who practises in several places says in which one they are."""


class NeedsFactor(errors.Unauthenticated):
    """A second factor is needed before anything is shown."""

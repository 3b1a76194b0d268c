# SPDX-License-Identifier: EUPL-1.2
"""What a session without enough proof is refused with."""

from carnet import errors


class NeedsFactor(errors.Unauthenticated):
    """A second factor is needed before anything is shown."""

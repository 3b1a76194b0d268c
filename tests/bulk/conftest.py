# SPDX-License-Identifier: EUPL-1.2
"""What the tests of exports and imports share."""

from tests.bulk.leaving import other

__all__ = ["other"]

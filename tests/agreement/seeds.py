# SPDX-License-Identifier: EUPL-1.2
"""The seed of a random run: printed, so that a failure can be had again with CARNET_SEED."""

import os
import random


def chosen() -> int:
    """CARNET_SEED, the same one in CI, else a new one."""
    if os.environ.get("CARNET_SEED"):
        found = int(os.environ["CARNET_SEED"])
    elif os.environ.get("CI") == "true":
        found = 20261122
    else:
        found = random.SystemRandom().randrange(2**32)
    print(f"CARNET_SEED={found}")
    return found

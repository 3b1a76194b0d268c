# SPDX-License-Identifier: EUPL-1.2
"""The platform's own door: jobs go by the worker's role."""

from tests.rights.jobs import worker

__all__ = ["worker"]

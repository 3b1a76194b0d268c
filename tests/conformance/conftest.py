# SPDX-License-Identifier: EUPL-1.2
"""The served API, for every test of this folder."""

from tests.conformance.serving import served

__all__ = ["served"]

# SPDX-License-Identifier: EUPL-1.2
"""Fixtures of the authorization server's tests."""

from tests.oauth.place import client_key, place

__all__ = ["client_key", "place"]

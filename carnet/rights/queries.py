# SPDX-License-Identifier: EUPL-1.2
"""Statements of the rights."""

from __future__ import annotations

from typing import LiteralString

# Index consent_of.
WITHDRAW: LiteralString = """
    UPDATE access.consent c SET withdrawn = %(now)s
     WHERE c.cid = %(cid)s AND c.withdrawn IS NULL AND (c.until IS NULL OR c.until > %(now)s)
       AND (c.rpps = %(rpps)s OR c.team IN (
           SELECT t.id FROM access.team t JOIN access.team_member m ON m.team = t.id
            WHERE t.cid = %(cid)s AND m.rpps = %(rpps)s
              AND m.since <= %(now)s AND (m.until IS NULL OR m.until > %(now)s)))
"""

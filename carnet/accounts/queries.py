# SPDX-License-Identifier: EUPL-1.2
"""Statements on activation codes; all by the primary key or by index activation_of."""

from __future__ import annotations

from typing import LiteralString

SUBJECT_OF: LiteralString = "SELECT access.subject_of(%s)"
REPLACE: LiteralString = """
    UPDATE access.activation SET ended_at = %(now)s, born = NULL
     WHERE sub = %(sub)s AND used_at IS NULL AND ended_at IS NULL
"""
ADD: LiteralString = """
    INSERT INTO access.activation (hash, sub, cid, born, how, proof, made_by, made_at, until)
    VALUES (%(hash)s, %(sub)s, %(cid)s, %(born)s, %(how)s, %(proof)s, %(by)s, %(now)s, %(until)s)
"""
# The wrong date is counted where it is compared: two tries at once are two.
TRY: LiteralString = """
    UPDATE access.activation
       SET tries = tries + CASE WHEN born = %(born)s THEN 0 ELSE 1 END
     WHERE hash = %(hash)s AND used_at IS NULL AND ended_at IS NULL AND until > %(now)s AND tries < %(tries)s
    RETURNING born = %(born)s, sub
"""
USE: LiteralString = """
    UPDATE access.activation SET used_at = %(now)s, born = NULL
     WHERE hash = %(hash)s AND used_at IS NULL AND ended_at IS NULL AND until > %(now)s AND tries < %(tries)s
       AND born = %(born)s
    RETURNING sub, cid
"""
# Every account that somebody stopped, or that has a code in force: no name, no record.
LISTED: LiteralString = """
    SELECT s.sub, s.kind, p.why AS stopped, p.at AS since, max(a.until) AS code
      FROM access.subject s
      LEFT JOIN access.stopped p ON p.sub = s.sub
      LEFT JOIN access.activation a
             ON a.sub = s.sub AND a.used_at IS NULL AND a.ended_at IS NULL AND a.until > %(now)s
     WHERE p.sub IS NOT NULL OR a.sub IS NOT NULL
     GROUP BY s.sub, s.kind, p.why, p.at
     ORDER BY s.sub
     LIMIT %(most)s
"""
KNOWN: LiteralString = "SELECT patient FROM access.subject WHERE sub = %s"

# SPDX-License-Identifier: EUPL-1.2
"""Statements of the life of records and of emergencies; those of consents are in queries.py."""

from __future__ import annotations

from typing import LiteralString

COLUMNS: LiteralString = (
    "cid, state, since, noticed, archived_until, motive, feeding_opposed, feeding_motive,"
    " erase_asked, erase_due"
)
LIFE: LiteralString = "SELECT " + COLUMNS + " FROM access.record WHERE cid = %s"
LOCK: LiteralString = LIFE + " FOR UPDATE"

# Index mandate_of. Legal representatives decide over a record that is not open too.
REPRESENTS: LiteralString = """
    SELECT true FROM access.mandate
     WHERE cid = %(cid)s AND sub = %(sub)s AND nature IN ('representative', 'guardian')
       AND reach = 'all' AND revoked IS NULL AND since <= %(now)s
       AND (until IS NULL OR until > %(now)s) LIMIT 1
"""

ADD_LIFE: LiteralString = """
    INSERT INTO access.life (id, cid, at, act, motive, how, declared_by)
    VALUES (%(id)s, %(cid)s, %(at)s, %(act)s, %(motive)s, %(how)s, %(declared_by)s)
"""
LIVED: LiteralString = """
    SELECT at, act, motive, how FROM access.life WHERE cid = %s ORDER BY at DESC, id DESC
"""

SET_OPEN: LiteralString = """
    UPDATE access.record
       SET state = 'open', since = %(now)s, motive = %(motive)s, archived_until = NULL,
           erase_asked = NULL, erase_due = NULL
     WHERE cid = %(cid)s
"""
SET_CLOSED: LiteralString = """
    UPDATE access.record
       SET state = 'closed', since = %(now)s, motive = %(motive)s, archived_until = %(until)s
     WHERE cid = %(cid)s
"""
SET_ERASURE: LiteralString = """
    UPDATE access.record SET erase_asked = %(now)s, erase_due = %(due)s WHERE cid = %(cid)s
"""
SET_FEEDING: LiteralString = """
    UPDATE access.record SET feeding_opposed = %(opposed)s, feeding_motive = %(motive)s WHERE cid = %(cid)s
"""

END_CONSENTS: LiteralString = """
    UPDATE access.consent SET withdrawn = %(now)s
     WHERE cid = %(cid)s AND withdrawn IS NULL AND (until IS NULL OR until > %(now)s)
"""
END_EMERGENCIES: LiteralString = """
    UPDATE access.emergency SET ended = %(now)s
     WHERE cid = %(cid)s AND ended IS NULL AND until > %(now)s
"""
END_MANDATES: LiteralString = """
    UPDATE access.mandate SET revoked = %(now)s
     WHERE cid = %(cid)s AND nature IN ('carer', 'helper') AND revoked IS NULL
       AND (until IS NULL OR until > %(now)s)
"""

ADD_CODE: LiteralString = """
    INSERT INTO access.notice_code (h, cid, since) VALUES (%(h)s, %(cid)s, %(now)s)
    ON CONFLICT DO NOTHING
"""
# A code and the birth date of its person.
CODE: LiteralString = """
    SELECT c.cid, c.tries, c.used, i.birth_date, c.since FROM access.notice_code c
      LEFT JOIN access.identity i USING (cid) WHERE c.h = %s
"""
TRIED: LiteralString = "UPDATE access.notice_code SET tries = tries + 1 WHERE h = %s"
USED: LiteralString = (
    "UPDATE access.notice_code SET used = %(now)s WHERE h = %(h)s AND used IS NULL"
)

# -- timers: a batch each, of the platform's own; indexes record_to_open, record_to_erase ----------
UNNOTICED: LiteralString = """
    SELECT r.cid FROM access.record r
     WHERE r.state = 'notice' AND r.noticed IS NULL
       AND NOT EXISTS (SELECT 1 FROM notices.outgoing o
                        WHERE o.cid = r.cid AND o.template = 'opening-notice')
     ORDER BY r.cid LIMIT %s
"""
START_CLOCKS: LiteralString = """
    UPDATE access.record r SET noticed = o.sent
      FROM (SELECT cid, min(sent) AS sent FROM notices.outgoing
             WHERE template = 'opening-notice' AND sent IS NOT NULL GROUP BY cid) o
     WHERE o.cid = r.cid AND r.state = 'notice' AND r.noticed IS NULL
"""
TO_OPEN: LiteralString = """
    SELECT cid FROM access.record WHERE state = 'notice' AND noticed <= %(before)s
     ORDER BY noticed LIMIT %(limit)s
"""
TO_ERASE: LiteralString = """
    SELECT cid, CASE WHEN archived_until <= %(now)s THEN 'term' ELSE 'request' END AS motive
      FROM access.record
     WHERE state = 'closed' AND (archived_until <= %(now)s OR erase_asked <= %(asked)s)
     ORDER BY cid LIMIT %(limit)s
"""
# What the law's three months have passed for: nothing should ever be here.
OVERDUE: LiteralString = """
    SELECT count(*) FROM access.record WHERE state = 'closed' AND erase_due <= %s
"""

# -- erasure ---------------------------------------------------------------------------------------
ERASE: LiteralString = "SELECT access.erase(%(cid)s, %(now)s)"
ALONE: LiteralString = "SELECT pg_advisory_xact_lock(7309460)"  # one erasure at a time
STATE: LiteralString = "SELECT state FROM access.record WHERE cid = %s"
TOMBSTONES: LiteralString = "SELECT n, cid, at, motive, hash FROM access.tombstone ORDER BY n"
ADD_TOMBSTONE: LiteralString = """
    INSERT INTO access.tombstone (n, cid, at, motive, hash)
    VALUES (%(n)s, %(cid)s, %(at)s, %(motive)s, %(hash)s) ON CONFLICT DO NOTHING
"""
ANYTHING_LEFT: LiteralString = "SELECT 1 FROM record.compartment WHERE cid = %s LIMIT 1"

# -- the clock of a demonstration ------------------------------------------------------------------
SHIFT: LiteralString = "SELECT shift FROM access.clock"
MOVE: LiteralString = """
    INSERT INTO access.clock (shift) VALUES (%(by)s)
    ON CONFLICT (one) DO UPDATE SET shift = access.clock.shift + excluded.shift RETURNING shift
"""

# -- emergencies -----------------------------------------------------------------------------------
SETTING: LiteralString = "SELECT setting FROM access.organisation WHERE cid = %s"
# The record is locked as refuse.py locks it, so that a refusal and an opening never cross.
EMERGENCY_OF: LiteralString = """
    SELECT id, until FROM access.emergency
     WHERE cid = %(cid)s AND rpps = %(rpps)s AND mode = %(mode)s AND ended IS NULL
       AND since <= %(now)s AND until > %(now)s
     ORDER BY since DESC LIMIT 1
"""
MODES_REFUSED: LiteralString = """
    SELECT state, emergency_refused, regulation_refused FROM access.record WHERE cid = %s FOR UPDATE
"""
OPENED_SINCE: LiteralString = """
    SELECT count(*) FROM access.emergency WHERE rpps = %(rpps)s AND mode = %(mode)s AND since > %(since)s
"""
ADD_EMERGENCY: LiteralString = """
    INSERT INTO access.emergency (id, cid, rpps, org, mode, reason, since, until)
    VALUES (%(id)s, %(cid)s, %(rpps)s, %(org)s, %(mode)s, %(reason)s, %(since)s, %(until)s)
"""
TREATING: LiteralString = """
    SELECT DISTINCT m.rpps FROM access.team t JOIN access.team_member m ON m.team = t.id
     WHERE t.cid = %(cid)s AND m.role = 'PCP' AND m.since <= %(now)s
       AND (m.until IS NULL OR m.until > %(now)s)
"""
END_EMERGENCY: LiteralString = """
    UPDATE access.emergency SET ended = %(now)s
     WHERE cid = %(cid)s AND rpps = %(rpps)s AND ended IS NULL AND until > %(now)s
"""
EMERGENCIES: LiteralString = """
    SELECT e.id, e.cid, e.mode, e.reason, e.since, coalesce(e.ended, e.until) AS until, e.reviewed,
           e.verdict, s.name, s.profession, o.name AS place
      FROM access.emergency e
      LEFT JOIN LATERAL (SELECT name, profession FROM access.subject
                          WHERE rpps = e.rpps AND kind = 'professional' LIMIT 1) s ON true
      LEFT JOIN access.organisation o ON o.cid = e.org
     WHERE {which}
     ORDER BY e.reviewed IS NOT NULL, e.since LIMIT 500
"""
OF_RECORD: LiteralString = "e.cid = %(cid)s"
OF_TREATED: LiteralString = """e.cid IN (
    SELECT t.cid FROM access.team t JOIN access.team_member m ON m.team = t.id
     WHERE m.rpps = %(rpps)s AND m.role = 'PCP' AND m.since <= %(now)s
       AND (m.until IS NULL OR m.until > %(now)s)) AND e.rpps <> %(rpps)s"""
UNREVIEWED: LiteralString = "e.reviewed IS NULL"
ONE: LiteralString = "SELECT cid, rpps, reviewed FROM access.emergency WHERE id = %s"
REVIEW: LiteralString = """
    UPDATE access.emergency
       SET reviewed = %(now)s, reviewed_by = %(by)s, verdict = %(verdict)s, comment = %(comment)s
     WHERE id = %(id)s AND reviewed IS NULL
"""

STATES: LiteralString = "SELECT state, count(*) FROM access.record GROUP BY state ORDER BY state"

# SPDX-License-Identifier: EUPL-1.2
"""Statements of the life of records and of emergencies; those of consents are in queries.py."""

from __future__ import annotations

from typing import LiteralString

COLUMNS: LiteralString = (
    "cid, state, since, noticed, archived_until, motive, feeding_opposed, feeding_motive,"
    " erase_asked, erase_due"
)
LIFE: LiteralString = (
    "SELECT " + COLUMNS + " FROM access.record WHERE cid = ANY (%s::bigint[]) ORDER BY cid"
)
LOCK: LiteralString = LIFE + " FOR UPDATE"

# Index mandate_of. Legal representatives decide over a record that is not open too.
REPRESENTS: LiteralString = """
    SELECT true FROM access.mandate
     WHERE cid = ANY (%(cids)s::bigint[]) AND sub = %(sub)s AND nature IN ('representative', 'guardian')
       AND reach = 'all' AND revoked IS NULL AND since <= %(now)s
       AND (until IS NULL OR until > %(now)s) LIMIT 1
"""

ADD_LIFE: LiteralString = """
    INSERT INTO access.life (id, cid, at, act, motive, how, declared_by)
    VALUES (%(id)s, %(cid)s, %(at)s, %(act)s, %(motive)s, %(how)s, %(declared_by)s)
"""
LIVED: LiteralString = """
    SELECT at, act, motive, how FROM access.life WHERE cid = ANY (%s::bigint[]) ORDER BY at DESC, id DESC
"""

# -- each changes every compartment it is given, and none that is erased; primary key ---------------
SET_OPEN: LiteralString = """
    UPDATE access.record
       SET state = 'open', since = %(now)s, motive = %(motive)s, archived_until = NULL,
           erase_asked = NULL, erase_due = NULL
     WHERE cid = ANY (%(cids)s::bigint[]) AND state IN ('notice', 'closed')
"""
# What never opened has nothing to archive.
SET_CLOSED: LiteralString = """
    UPDATE access.record
       SET state = 'closed', since = %(now)s, motive = %(motive)s,
           archived_until = CASE state WHEN 'open' THEN %(until)s::timestamptz END
     WHERE cid = ANY (%(cids)s::bigint[]) AND state IN ('notice', 'open')
"""
SET_ERASURE: LiteralString = """
    UPDATE access.record SET erase_asked = %(now)s, erase_due = %(due)s
     WHERE cid = ANY (%(cids)s::bigint[]) AND state = 'closed'
"""
# Who asks for the deletion of a set that another's closing shut says that theirs is closed as well: what
# that closing did to theirs is not given back.
SAY_SO: LiteralString = """
    WITH said AS (
        UPDATE access.meanwhile
           SET before = before - ARRAY['state', 'since', 'motive', 'archived_until'],
               after = after - ARRAY['state', 'since', 'motive', 'archived_until']
         WHERE cid = %(cid)s AND tbl = 'record'
    )
    DELETE FROM access.meanwhile WHERE cid = %(cid)s AND tbl IN ('consent', 'emergency', 'mandate')
"""
# And it is closed by them from then on, whatever the other closed theirs for.
CLOSED_BY_THEM: LiteralString = """
    UPDATE access.record SET motive = 'holder', since = %(now)s
     WHERE cid = %(cid)s AND state = 'closed' AND EXISTS (
           SELECT 1 FROM access.meanwhile m
            WHERE m.cid = %(cid)s AND m.tbl = 'record' AND m.before ->> 'state' = 'open')
"""
OPPOSE_FEEDING: LiteralString = """
    UPDATE access.record SET feeding_opposed = true, feeding_motive = %(motive)s WHERE cid = %(cid)s
"""
ALLOW_FEEDING: LiteralString = """
    UPDATE access.record SET feeding_opposed = false, feeding_motive = NULL
     WHERE cid = ANY (%(cids)s::bigint[]) AND feeding_opposed
"""

END_CONSENTS: LiteralString = """
    UPDATE access.consent SET withdrawn = %(now)s
     WHERE cid = ANY (%(cids)s::bigint[]) AND withdrawn IS NULL AND (until IS NULL OR until > %(now)s)
"""
END_EMERGENCIES: LiteralString = """
    UPDATE access.emergency SET ended = %(now)s
     WHERE cid = ANY (%(cids)s::bigint[]) AND ended IS NULL AND until > %(now)s
"""
END_MODE: LiteralString = """
    UPDATE access.emergency SET ended = %(now)s
     WHERE cid = ANY (%(cids)s) AND mode = %(mode)s AND ended IS NULL AND until > %(now)s
"""
END_MANDATES: LiteralString = """
    UPDATE access.mandate SET revoked = %(now)s
     WHERE cid = ANY (%(cids)s::bigint[]) AND nature IN ('carer', 'helper') AND revoked IS NULL
       AND (until IS NULL OR until > %(now)s)
"""
END_ALLOWED: LiteralString = """
    UPDATE access.allowed SET ended_at = %(now)s, ended_why = 'record'
     WHERE cid = ANY (%(cids)s::bigint[]) AND ended_at IS NULL
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
# All that is one person's, at once: when all of it is closed, and its last term has come.
TO_ERASE: LiteralString = """
    SELECT array_agg(x.cid ORDER BY x.cid) FILTER (WHERE x.state = 'closed') AS cids,
           CASE WHEN max(x.archived_until) <= %(now)s THEN 'term' ELSE 'request' END AS motive
      FROM access.record x
     WHERE x.person IN (SELECT r.person FROM access.record r
                         WHERE r.state = 'closed'
                           AND (r.archived_until <= %(now)s OR r.erase_asked <= %(asked)s))
     GROUP BY x.person
    HAVING bool_and(x.state IN ('closed', 'deleted'))
       AND (max(x.archived_until) <= %(now)s
            OR bool_and(coalesce(x.erase_asked <= %(asked)s, x.state = 'deleted')))
     ORDER BY x.person LIMIT %(limit)s
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
# One professional opens one record at a time, so that the day's count is exact.
ONE_BY_ONE: LiteralString = "SELECT pg_advisory_xact_lock(hashtextextended('emergency', %s))"
# All that is one person's is locked as refuse.py and close.py lock it: a refusal and an opening never cross.
MODES_REFUSED: LiteralString = """
    SELECT state, emergency_refused, regulation_refused FROM access.record
     WHERE cid = ANY (%s) ORDER BY cid FOR UPDATE
"""
# One that representatives do not know of is no answer to who opens in the open.
EMERGENCY_OF: LiteralString = """
    SELECT id, until FROM access.emergency
     WHERE cid = ANY (%(cids)s) AND rpps = %(rpps)s AND mode = %(mode)s AND ended IS NULL
       AND since <= %(now)s AND until > %(now)s AND (NOT secret OR %(secret)s)
     ORDER BY until DESC LIMIT 1
"""
RUNNING: LiteralString = """
    SELECT mode, until FROM access.emergency
     WHERE cid = ANY (%(cids)s) AND rpps = %(rpps)s AND ended IS NULL
       AND since <= %(now)s AND until > %(now)s
     ORDER BY until DESC LIMIT 1
"""
OPENED_SINCE: LiteralString = """
    SELECT count(*) FROM access.emergency WHERE rpps = %(rpps)s AND mode = %(mode)s AND since > %(since)s
"""
ADD_EMERGENCY: LiteralString = """
    INSERT INTO access.emergency (id, cid, rpps, org, mode, reason, since, until, secret)
    VALUES (%(id)s, %(cid)s, %(rpps)s, %(org)s, %(mode)s, %(reason)s, %(since)s, %(until)s, %(secret)s)
"""
# To a professional whom the person blocked the record does not exist: they are told nothing of it.
UNBLOCKED: LiteralString = """NOT EXISTS (
           SELECT 1 FROM access.record y JOIN access.block b ON b.cid = y.cid
            WHERE y.person = r.person AND b.rpps = m.rpps
              AND b.since <= %(now)s AND (b.until IS NULL OR b.until > %(now)s))"""
TREATING: LiteralString = (
    """
    SELECT DISTINCT m.rpps
      FROM access.record r
      JOIN access.record x ON x.person = r.person
      JOIN access.team t ON t.cid = x.cid
      JOIN access.team_member m ON m.team = t.id
     WHERE r.cid = %(cid)s AND m.role = 'PCP' AND m.since <= %(now)s
       AND (m.until IS NULL OR m.until > %(now)s) AND """
    + UNBLOCKED
    + " ORDER BY m.rpps"
)
# Where the person is told, of all that is theirs: an address they gave, else the identity that stays.
TOLD_AT: LiteralString = """
    SELECT x.cid FROM access.record r
      JOIN access.record x ON x.person = r.person
      LEFT JOIN notices.address a ON a.cid = x.cid
     WHERE r.cid = %s ORDER BY a.email IS NULL, x.cid <> x.person, x.cid LIMIT 1
"""
END_EMERGENCY: LiteralString = """
    UPDATE access.emergency SET ended = %(now)s
     WHERE cid = ANY (%(cids)s) AND rpps = %(rpps)s AND ended IS NULL AND until > %(now)s
    RETURNING secret
"""
EMERGENCIES: LiteralString = """
    SELECT e.id, e.cid, e.mode, e.reason, e.since, coalesce(e.ended, e.until) AS until, e.reviewed,
           e.verdict, e.secret, s.name, s.profession, o.name AS place
      FROM access.emergency e
      LEFT JOIN LATERAL (SELECT name, profession FROM access.subject
                          WHERE rpps = e.rpps AND kind = 'professional' LIMIT 1) s ON true
      LEFT JOIN access.organisation o ON o.cid = e.org
     WHERE {which}
     ORDER BY e.reviewed IS NOT NULL, e.since, e.id LIMIT 500
"""
OF_RECORD: LiteralString = "e.cid = ANY (%(cids)s) AND (NOT e.secret OR %(own)s)"
OF_TREATED: LiteralString = (
    """e.cid IN (
    SELECT r.cid FROM access.team_member m
      JOIN access.team t ON t.id = m.team
      JOIN access.record x ON x.cid = t.cid
      JOIN access.record r ON r.person = x.person
     WHERE m.rpps = %(rpps)s AND m.role = 'PCP' AND m.since <= %(now)s
       AND (m.until IS NULL OR m.until > %(now)s)
       AND NOT EXISTS (SELECT 1 FROM access.record z WHERE z.person = r.person AND z.state <> 'open')
       AND """
    + UNBLOCKED
    + ") AND e.rpps <> %(rpps)s"
)
UNREVIEWED: LiteralString = "e.reviewed IS NULL"
ONE: LiteralString = "SELECT cid, rpps, secret FROM access.emergency WHERE id = %s"
REVIEW: LiteralString = """
    UPDATE access.emergency
       SET reviewed = %(now)s, reviewed_by = %(by)s, verdict = %(verdict)s, comment = %(comment)s
     WHERE id = %(id)s AND reviewed IS NULL
"""

STATES: LiteralString = "SELECT state, count(*) FROM access.record GROUP BY state ORDER BY state"

# SPDX-License-Identifier: EUPL-1.2
"""Statements on activation codes and on e-mails about accounts; by primary keys, activation_of, mail_of..."""

from __future__ import annotations

from typing import LiteralString

SUBJECT_OF: LiteralString = "SELECT access.subject_of(%s)"
# What was not sent yet of a code that ends leaves no more.
REPLACE: LiteralString = """
    WITH unsent AS (DELETE FROM access.mail WHERE sub = %(sub)s AND template IN ('email', 'recovery'))
    UPDATE access.activation SET ended_at = %(now)s, born = NULL, second = NULL, email = NULL
     WHERE sub = %(sub)s AND used_at IS NULL AND ended_at IS NULL
"""
# Anybody may ask for a lost password: what a counter gave stays.
REPLACE_SAME: LiteralString = """
    WITH unsent AS (DELETE FROM access.mail WHERE sub = %(sub)s AND template = 'recovery')
    UPDATE access.activation SET ended_at = %(now)s, born = NULL, second = NULL, email = NULL
     WHERE sub = %(sub)s AND used_at IS NULL AND ended_at IS NULL AND how = 'recovery'
"""
ADD: LiteralString = """
    INSERT INTO access.activation
           (hash, sub, cid, born, second, kind, how, proof, made_by, made_at, until, email)
    VALUES (%(hash)s, %(sub)s, %(cid)s, %(born)s, %(second)s, %(kind)s, %(how)s, %(proof)s, %(by)s, %(now)s,
            %(until)s, %(email)s)
"""
ADD_MAIL: LiteralString = """
    INSERT INTO access.mail (id, sub, cid, template, email, language, seed, number, at, until, next_try)
    VALUES (%(id)s, %(sub)s, %(cid)s, %(template)s, %(email)s,
            coalesce((SELECT a.language FROM notices.address_of(%(cid)s::bigint) a), 'fr'),
            %(seed)s, %(number)s, %(now)s, %(until)s, %(now)s)
"""
# What is wrong is counted where it is compared: two tries at once are two.
TRY: LiteralString = """
    UPDATE access.activation
       SET tries = tries + CASE WHEN coalesce(born = %(born)s, second = %(second)s, false) THEN 0 ELSE 1 END
     WHERE hash = %(hash)s AND used_at IS NULL AND ended_at IS NULL AND until > %(now)s AND tries < %(tries)s
    RETURNING coalesce(born = %(born)s, second = %(second)s, false), sub, kind, how
"""
USE: LiteralString = """
    WITH found AS (
        SELECT hash, email FROM access.activation
         WHERE hash = %(hash)s AND used_at IS NULL AND ended_at IS NULL AND until > %(now)s
           AND tries < %(tries)s AND coalesce(born = %(born)s, second = %(second)s, false)
           FOR UPDATE
    )
    UPDATE access.activation a SET used_at = %(now)s, born = NULL, second = NULL, email = NULL
      FROM found f WHERE a.hash = f.hash
    RETURNING a.sub, a.cid, a.kind, a.how, f.email
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
# One of them, whoever it is of: the name of who works by it alone.
SEEN: LiteralString = """
    SELECT s.sub, s.kind, CASE WHEN s.kind = 'patient' THEN '' ELSE s.name END AS name, s.rpps,
           p.why AS stopped, p.at AS since, coalesce(p.for_good, false) AS for_good,
           (SELECT max(a.until) FROM access.activation a
             WHERE a.sub = s.sub AND a.used_at IS NULL AND a.ended_at IS NULL AND a.until > %(now)s) AS code
      FROM access.subject s LEFT JOIN access.stopped p ON p.sub = s.sub
     WHERE s.sub = %(sub)s AND s.kind <> 'software'
"""
OF_PERSON: LiteralString = """
    SELECT sub FROM access.subject WHERE patient = ANY (%s) AND kind = 'patient' ORDER BY sub LIMIT 1
"""
KNOWN: LiteralString = "SELECT patient FROM access.subject WHERE sub = %s"
# Where who works by an account is told what happened to it.
WRITTEN_TO: LiteralString = """
    SELECT coalesce(r.email, m.email) FROM access.subject s
      LEFT JOIN access.recovery r ON r.sub = s.sub
      LEFT JOIN notices.mailbox m ON m.rpps = s.rpps AND s.kind = 'professional'
     WHERE s.sub = %(sub)s
"""
ADDRESS: LiteralString = """
    SELECT email, CASE WHEN until > %(now)s THEN asked END FROM access.recovery WHERE sub = %(sub)s
"""
ADDRESS_OF: LiteralString = "SELECT email FROM access.recovery WHERE sub = %(sub)s"
ASK: LiteralString = """
    INSERT INTO access.recovery AS r (sub, cid, asked, hash, until)
    VALUES (%(sub)s, %(cid)s, %(asked)s, %(hash)s, %(until)s)
    ON CONFLICT (sub) DO UPDATE
       SET asked = excluded.asked, hash = excluded.hash, until = excluded.until, tries = 0
"""
TRY_ADDRESS: LiteralString = """
    UPDATE access.recovery SET tries = tries + CASE WHEN hash = %(hash)s THEN 0 ELSE 1 END
     WHERE sub = %(sub)s AND asked IS NOT NULL AND until > %(now)s AND tries < %(tries)s
    RETURNING hash = %(hash)s, asked
"""
PROVED: LiteralString = """
    INSERT INTO access.recovery AS r (sub, cid, email, since) VALUES (%(sub)s, %(cid)s, %(email)s, %(now)s)
    ON CONFLICT (sub) DO UPDATE
       SET email = excluded.email, since = excluded.since, asked = NULL, hash = NULL, until = NULL
"""
FORGET_ADDRESS: LiteralString = """
    WITH unsent AS (DELETE FROM access.mail WHERE sub = %(sub)s AND template IN ('prove', 'recovery')),
         ended AS (UPDATE access.activation
                      SET ended_at = %(now)s, born = NULL, second = NULL, email = NULL
                    WHERE sub = %(sub)s AND how = 'recovery' AND used_at IS NULL AND ended_at IS NULL)
    DELETE FROM access.recovery WHERE sub = %(sub)s
"""
# Accounts of an address that was proved; who was stopped has none.
ACCOUNTS_OF: LiteralString = """
    SELECT s.sub, CASE WHEN s.kind = 'patient' THEN s.patient END
      FROM access.recovery r JOIN access.subject s ON s.sub = r.sub
     WHERE r.email = %(email)s AND NOT EXISTS (SELECT FROM access.stopped p WHERE p.sub = s.sub)
     ORDER BY r.since DESC, s.sub LIMIT %(most)s
"""
# The oldest that is due; another worker passes over it.
CLAIM_MAIL: LiteralString = """
    SELECT id, template, email, language, seed, number, at, until, tries FROM access.mail
     WHERE next_try <= %(now)s ORDER BY next_try, id LIMIT 1 FOR UPDATE SKIP LOCKED
"""
MAIL_FAILED: LiteralString = """
    UPDATE access.mail SET tries = least(tries + 1, 1000), failed = %(failed)s, next_try = %(next_try)s
     WHERE id = %(id)s
"""
MAIL_GONE: LiteralString = "DELETE FROM access.mail WHERE id = %(id)s"

# SPDX-License-Identifier: EUPL-1.2
"""Statements that write code systems and value sets; by the role that owns them."""

from typing import Final, LiteralString

from psycopg import sql

LOCK: Final = 0x7465726D  # "term": one load at a time in a database

TAKE_LOCK: LiteralString = "SELECT pg_advisory_xact_lock(%(lock)s)"
SOURCE: LiteralString = "SELECT id FROM terminology.source WHERE sha256 = %(sha256)s"
ADD_SOURCE: LiteralString = """
    INSERT INTO terminology.source (name, sha256, form, origin, loaded_at)
    VALUES (%(name)s, %(sha256)s, %(form)s, %(origin)s, %(at)s) RETURNING id
"""
ANYTHING: LiteralString = """
    SELECT 1 WHERE EXISTS (SELECT FROM terminology.source) OR EXISTS (SELECT FROM terminology.code_system)
        OR EXISTS (SELECT FROM terminology.value_set) OR EXISTS (SELECT FROM terminology.alias)
"""
FIRST_SOURCE: LiteralString = """
    INSERT INTO terminology.source (id, name, sha256, form, origin, loaded_at) OVERRIDING SYSTEM VALUE
    VALUES (%(id)s, %(name)s, %(sha256)s, %(form)s, %(origin)s, %(at)s)
"""
SYSTEMS: LiteralString = """
    SELECT url, version, content, id, digest FROM terminology.code_system WHERE url = ANY (%(urls)s)
"""
DROP_SYSTEM: LiteralString = "DELETE FROM terminology.code_system WHERE id = %(id)s"
ADD_SYSTEM: LiteralString = """
    INSERT INTO terminology.code_system (url, version, name, title, status, published, language, content,
                                         case_sensitive, value_set, properties, size, source, digest,
                                         aliases, supplements, head)
    VALUES (%(url)s, %(version)s, %(name)s, %(title)s, %(status)s, %(published)s, %(language)s,
            %(content)s, %(case_sensitive)s, %(value_set)s, %(properties)s, %(size)s, %(source)s, %(digest)s,
            %(aliases)s, %(supplements)s, %(head)s)
    RETURNING id
"""
COPY_CONCEPTS: LiteralString = """
    COPY terminology.concept (system, code, seq, display, definition, inactive, abstract, parents,
                              properties, designations, words) FROM STDIN
"""
ADD_TO_FRAGMENT: LiteralString = """
    INSERT INTO terminology.concept
    SELECT %(system)s, code, %(first)s + row_number() OVER (), display, '', inactive, false, '{}', '{}', '[]',
           words::tsvector
      FROM unnest(%(codes)s::text[], %(displays)s::text[], %(inactive)s::boolean[], %(words)s::text[])
           AS given (code, display, inactive, words)
        ON CONFLICT DO NOTHING
"""
GROW: LiteralString = """
    UPDATE terminology.code_system
       SET size = (SELECT count(*) FROM terminology.concept WHERE system = %(system)s), digest = %(digest)s
     WHERE id = %(system)s
"""
LAST: LiteralString = (
    "SELECT coalesce(max(seq), 0) FROM terminology.concept WHERE system = %(system)s"
)
CLOSE: LiteralString = """
    WITH RECURSIVE found (system, ancestor, code) AS (
        SELECT system, parent, code FROM terminology.concept, unnest(parents) parent
         WHERE system = ANY (%(systems)s)
         UNION
        SELECT f.system, parent, f.code
          FROM found f JOIN terminology.concept c ON c.system = f.system AND c.code = f.ancestor,
               unnest(c.parents) parent)
    INSERT INTO terminology.below
    SELECT system, ancestor, code, seq FROM found JOIN terminology.concept USING (system, code)
     WHERE ancestor <> code
"""
VALUE_SETS: LiteralString = """
    SELECT url, version, id, digest FROM terminology.value_set WHERE url = ANY (%(urls)s)
"""
DROP_VALUE_SET: LiteralString = "DELETE FROM terminology.value_set WHERE id = %(id)s"
ADD_VALUE_SET: LiteralString = """
    INSERT INTO terminology.value_set (url, version, name, title, status, published, language, compose,
                                       source, digest, supplements, head)
    VALUES (%(url)s, %(version)s, %(name)s, %(title)s, %(status)s, %(published)s, %(language)s, %(compose)s,
            %(source)s, %(digest)s, %(supplements)s, %(head)s)
    RETURNING id
"""
COPY_LISTED: LiteralString = """
    COPY terminology.listed (value_set, clause, seq, code, display, designations, words) FROM STDIN
"""
NAME: LiteralString = """
    INSERT INTO terminology.alias (kind, name, url) VALUES (%(kind)s, %(name)s, %(url)s)
        ON CONFLICT (kind, name) DO UPDATE SET url = excluded.url WHERE alias.url <> excluded.url
"""
# One version of each address stands when none is asked: a whole one first, then the latest published.
NOT_CURRENT_SYSTEMS: LiteralString = """
    UPDATE terminology.code_system SET current = false WHERE url = ANY (%(urls)s) AND current
"""
CURRENT_SYSTEMS: LiteralString = """
    UPDATE terminology.code_system SET current = true
     WHERE id IN (SELECT DISTINCT ON (url) id FROM terminology.code_system WHERE url = ANY (%(urls)s)
                   ORDER BY url, content = 'complete' DESC, published DESC, id DESC)
"""
NOT_CURRENT_VALUE_SETS: LiteralString = """
    UPDATE terminology.value_set SET current = false WHERE url = ANY (%(urls)s) AND current
"""
CURRENT_VALUE_SETS: LiteralString = """
    UPDATE terminology.value_set SET current = true
     WHERE id IN (SELECT DISTINCT ON (url) id FROM terminology.value_set WHERE url = ANY (%(urls)s)
                   ORDER BY url, published DESC, id DESC)
"""
CHANGED: LiteralString = "UPDATE terminology.generation SET number = number + 1"
LOOK_AGAIN: LiteralString = """
    ANALYZE terminology.code_system, terminology.concept, terminology.below, terminology.value_set,
            terminology.listed
"""
NAMES: LiteralString = "SELECT name, url FROM terminology.alias WHERE kind = 'CodeSystem'"
FIGURES: LiteralString = """
    SELECT s.form, s.name, s.origin, s.loaded_at,
           (SELECT count(*) FROM terminology.code_system c WHERE c.source = s.id),
           (SELECT count(*) FROM terminology.value_set v WHERE v.source = s.id)
      FROM terminology.source s ORDER BY s.id
"""


def copy_in(table: str, columns: LiteralString) -> sql.Composed:
    """COPY into a table, in text."""
    return sql.SQL("COPY terminology.{} (" + columns + ") FROM STDIN").format(sql.Identifier(table))


def copy_out(table: str, columns: LiteralString) -> sql.Composed:
    """COPY out of a table, in text, in the order of its first columns: the same rows, the same bytes."""
    return sql.SQL(
        "COPY (SELECT " + columns + " FROM terminology.{} ORDER BY 1, 2, 3) TO STDOUT"
    ).format(sql.Identifier(table))


def go_on(table: str) -> sql.Composed:
    """Have a table number its next row after the last one."""
    return sql.SQL(
        "SELECT setval(pg_get_serial_sequence({}, 'id'), greatest((SELECT max(id) FROM terminology.{}), 1))"
    ).format(sql.Literal(f"terminology.{table}"), sql.Identifier(table))


VALUE_SET_URLS: LiteralString = "SELECT DISTINCT url FROM terminology.value_set"

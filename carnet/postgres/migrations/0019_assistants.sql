-- SPDX-License-Identifier: EUPL-1.2
-- Assistants are named, and dismissed, by the professional they assist or by the operator, within the
-- establishment where both work: under a sealed context that lets write this establishment (part 16).
-- Source: CSP R.1110-2; docs/decisions/0022.

ALTER TABLE access.assistant
    ADD COLUMN org      bigint,                 -- bucket of the establishment; null: nobody's yet
    ADD COLUMN named_by text NOT NULL DEFAULT '',  -- sub
    ADD COLUMN ended_by text;                   -- sub
UPDATE access.assistant a SET org = (
    SELECT min(x.org) FROM access.situation x WHERE x.sub = a.sub);
CREATE INDEX assistant_of ON access.assistant (rpps);
CREATE INDEX situation_at ON access.situation (org);

ALTER TABLE access.assistant ENABLE ROW LEVEL SECURITY;
ALTER TABLE access.assistant FORCE ROW LEVEL SECURITY;
CREATE POLICY see ON access.assistant FOR SELECT USING (true);
CREATE POLICY add ON access.assistant FOR INSERT WITH CHECK (
    org = ANY ((SELECT access.context(16))::bigint[]));
CREATE POLICY change ON access.assistant FOR UPDATE USING (
    org = ANY ((SELECT access.context(16))::bigint[]));
-- What a load does goes by the migrating role, which owns the table.
CREATE POLICY own ON access.assistant TO carnet_admin USING (true) WITH CHECK (true);
GRANT INSERT, UPDATE (until, ended_by) ON access.assistant TO carnet_app;
CREATE INDEX subject_assistants ON access.subject (name) WHERE kind = 'assistant';

-- SPDX-License-Identifier: EUPL-1.2
-- Those who act for somebody: proofs of mandates, codes by which one is given, secret consents.
-- Source: CSP R.1111-33, R.1111-50; docs/decisions/0018.

ALTER TABLE access.mandate
    ADD COLUMN form text NOT NULL DEFAULT '',   -- reference of the signed form, or of the judgment
    ADD COLUMN revoked_by text;                 -- sub
GRANT UPDATE (revoked, revoked_by) ON access.mandate TO carnet_app, carnet_worker;

-- A mandate that waits for who will hold it: the person tells them a code, used once.
CREATE TABLE access.offer (
    code        bytea PRIMARY KEY,              -- keyed hash
    cid         bigint NOT NULL,
    nature      text NOT NULL CHECK (nature IN ('representative', 'carer')),
    reach       text NOT NULL CHECK (reach IN ('all', 'care', 'management')),
    until       timestamptz,                    -- of the mandate
    made_by     text NOT NULL,                  -- sub
    made        timestamptz NOT NULL,
    ends        timestamptz NOT NULL,           -- of the code
    taken       timestamptz
);
CREATE INDEX offer_of ON access.offer (cid);
ALTER TABLE access.offer ENABLE ROW LEVEL SECURITY;
ALTER TABLE access.offer FORCE ROW LEVEL SECURITY;
CREATE POLICY see ON access.offer FOR SELECT USING (true);
CREATE POLICY change ON access.offer FOR UPDATE USING (
    cid = ANY ((SELECT access.context(16))::bigint[]));
CREATE POLICY add ON access.offer FOR INSERT WITH CHECK (
    cid = ANY ((SELECT access.context(16))::bigint[]));
CREATE POLICY own ON access.offer TO carnet_admin USING (true) WITH CHECK (true);
GRANT UPDATE (taken) ON access.offer TO carnet_app;

-- A consent declared in a minor's secret connection: their representatives are not told of it.
ALTER TABLE access.consent ADD COLUMN secret boolean NOT NULL DEFAULT false;

CREATE INDEX subject_by_patient ON access.subject (patient) WHERE patient IS NOT NULL;

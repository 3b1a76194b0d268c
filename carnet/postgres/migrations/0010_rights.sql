-- SPDX-License-Identifier: EUPL-1.2
-- Rights: life of a record, who acts for whom, emergencies, whom the holder lets read what is masked.
-- Source: CSP R.1111-26 and following; docs/decisions/0015.

ALTER TABLE access.record
    ADD COLUMN noticed timestamptz,             -- the notice left: the six weeks run from here (R.1111-28)
    ADD COLUMN archived_until timestamptz,      -- of a closed record: ten years (R.1111-36)
    ADD COLUMN motive text NOT NULL DEFAULT '', -- why it was opened, closed or never opened: a code
    ADD COLUMN emergency_refused boolean NOT NULL DEFAULT false,  -- bris de glace (L.1111-17 I)
    ADD COLUMN regulation_refused boolean NOT NULL DEFAULT false; -- regulation centre (L.1111-17 I)

-- Who acts for the person of a record: representatives of a minor, guardians, carers, helpers.
CREATE TABLE access.mandate (
    id          bigint PRIMARY KEY,
    cid         bigint NOT NULL,
    sub         text NOT NULL REFERENCES access.subject,
    nature      text NOT NULL CHECK (nature IN ('representative', 'guardian', 'carer', 'helper')),
    reach       text NOT NULL CHECK (reach IN ('all', 'care', 'management')), -- access/mandates.toml
    how         text NOT NULL,                  -- civil-status, judgment, electronic, paper
    declared_by text NOT NULL,                  -- sub
    since       timestamptz NOT NULL,
    until       timestamptz,
    revoked     timestamptz
);
CREATE INDEX mandate_of ON access.mandate (cid);
CREATE INDEX mandate_by_sub ON access.mandate (sub);

-- Professionals whom the holder lets read what is masked, as the médecin traitant does (L.1111-16).
CREATE TABLE access.trusted (
    cid         bigint NOT NULL,
    rpps        bigint NOT NULL,
    since       timestamptz NOT NULL,
    until       timestamptz,
    PRIMARY KEY (cid, rpps, since)
);

-- An emergency opening: least scope (access/emergency.toml), an end, and a review.
CREATE TABLE access.emergency (
    id          bigint PRIMARY KEY,
    cid         bigint NOT NULL,
    rpps        bigint NOT NULL,
    org         bigint,
    mode        text NOT NULL CHECK (mode IN ('bris-de-glace', 'centre-15')),
    reason      text NOT NULL,                  -- code of access/emergency.toml
    since       timestamptz NOT NULL,
    until       timestamptz NOT NULL,
    ended       timestamptz,
    reviewed    timestamptz,
    reviewed_by text,
    verdict     text CHECK (verdict IN ('justified', 'unjustified'))
);
CREATE INDEX emergency_of ON access.emergency (cid);
CREATE INDEX emergency_by_rpps ON access.emergency (rpps, until);
CREATE INDEX emergency_to_review ON access.emergency (since) WHERE reviewed IS NULL;

-- Assistants: each acts for named professionals, with less than they have.
CREATE TABLE access.assistant (
    sub         text NOT NULL REFERENCES access.subject,
    rpps        bigint NOT NULL,
    since       timestamptz NOT NULL,
    until       timestamptz,
    PRIMARY KEY (sub, rpps, since)
);

ALTER TABLE access.subject DROP CONSTRAINT subject_kind_check;
ALTER TABLE access.subject ADD CONSTRAINT subject_kind_check CHECK (
    kind IN ('patient', 'professional', 'assistant', 'helper', 'software', 'operator'));

ALTER TABLE access.audit
    ADD COLUMN acting_for bigint,               -- RPPS an assistant acted for
    ADD COLUMN secret boolean NOT NULL DEFAULT false; -- a minor's secret connection (R.1111-50)

-- Every one reads them to decide; they are written in a record the sealed context lets write (part 16),
-- or by a job of the platform (part 17). Persons and assistants are the operator's.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['record', 'mandate', 'trusted', 'emergency', 'block', 'consent'] LOOP
        EXECUTE format('ALTER TABLE access.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE access.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY see ON access.%I FOR SELECT USING (true)', name);
        EXECUTE format('CREATE POLICY change ON access.%I FOR UPDATE USING ('
                       'cid = ANY ((SELECT access.context(16))::bigint[])'
                       ' OR (SELECT access.context(17)) = ''platform'')', name);
        EXECUTE format('CREATE POLICY add ON access.%I FOR INSERT WITH CHECK ('
                       'cid = ANY ((SELECT access.context(16))::bigint[])'
                       ' OR (SELECT access.context(17)) = ''platform'')', name);
        -- What the operator does goes by the migrating role, which owns these tables.
        EXECUTE format('CREATE POLICY own ON access.%I TO carnet_admin USING (true) WITH CHECK (true)', name);
    END LOOP;
END $$;
REVOKE INSERT ON access.assistant FROM carnet_app, carnet_worker;
GRANT UPDATE (revoked) ON access.mandate TO carnet_app, carnet_worker;
GRANT UPDATE (ended, reviewed, reviewed_by, verdict) ON access.emergency TO carnet_app;
GRANT UPDATE (until) ON access.trusted, access.block TO carnet_app;
GRANT INSERT ON access.block TO carnet_app;
GRANT UPDATE (state, since, noticed, archived_until, motive, feeding_opposed, emergency_refused,
              regulation_refused) ON access.record TO carnet_app, carnet_worker;

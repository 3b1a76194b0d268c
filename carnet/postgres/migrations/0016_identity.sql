-- SPDX-License-Identifier: EUPL-1.2
-- Acts on identity: statuses, INSi, candidates to a merge, merges that move no row, family links.
-- Source: RNIV 1; FR Core, fr-core-patient-ins; docs/decisions/0013 and 0016.

-- ---------------------------------------- a record is a set of compartments

-- root: the compartment of the identity this one was merged into, however many merges away; NULL when it
-- stands by itself. Nothing else moves: every decision joins by `person`.
ALTER TABLE access.record ADD COLUMN root bigint;
ALTER TABLE access.record
    ADD COLUMN person bigint NOT NULL GENERATED ALWAYS AS (coalesce(root, cid)) STORED;
CREATE INDEX record_person ON access.record (person);
CREATE INDEX record_shut_person ON access.record (person) WHERE state IN ('closed', 'deleted');
GRANT UPDATE (root) ON access.record TO carnet_app;

-- A software reads its deposits unless a record of the person is shut.
DROP POLICY see_deposits_of_software ON record.resource;
CREATE POLICY see_deposits_of_software ON record.resource FOR SELECT USING (
    dep_org = (SELECT access.context(13))::bigint
    AND (kind <> 3 OR upd > (SELECT access.context(21))::timestamptz)
    AND NOT EXISTS (SELECT 1 FROM access.record m JOIN access.record s ON s.person = m.person
                     WHERE m.cid = resource.cid AND s.state IN ('closed', 'deleted')));

-- ---------------------------------------- statuses

ALTER TABLE access.identity
    ADD COLUMN homonym boolean NOT NULL DEFAULT false,
    ADD COLUMN doubtful boolean NOT NULL DEFAULT false,
    ADD COLUMN fictitious boolean NOT NULL DEFAULT false,
    ADD COLUMN given_names text NOT NULL DEFAULT ''; -- the whole list, as the civil status says it
UPDATE access.identity SET status = 'PROV', doubtful = true WHERE status = 'DOUT';
ALTER TABLE access.identity
    ADD CONSTRAINT identity_status CHECK (status IN ('PROV', 'RECUP', 'VALI', 'QUAL')),
    ADD CONSTRAINT identity_qualified CHECK (
        status <> 'QUAL' OR (ins IS NOT NULL AND NOT doubtful AND NOT fictitious AND NOT quarantined)),
    ADD CONSTRAINT identity_not_trusted CHECK (
        NOT (doubtful OR fictitious) OR status IN ('PROV', 'RECUP'));
GRANT UPDATE (status, homonym, doubtful, fictitious, quarantined, ins, ins_system, claim, claim_system,
              birth_name, first_given, given_names, birth_date, sex, birth_place)
    ON access.identity TO carnet_app, carnet_worker;
CREATE INDEX identity_names ON access.identity (birth_name, first_given);

-- Mother and child at birth, parents: who may represent a child is judged from here.
CREATE TABLE access.family (
    cid         bigint NOT NULL,                -- of the child
    parent      bigint NOT NULL,                -- compartment
    nature      text NOT NULL CHECK (nature IN ('birth-mother', 'mother', 'father', 'parent')),
    since       timestamptz NOT NULL,
    until       timestamptz,
    declared_by text NOT NULL,                  -- sub
    PRIMARY KEY (cid, parent),
    CHECK (cid <> parent)
);
CREATE INDEX family_of ON access.family (parent);

CREATE SCHEMA vigilance;
COMMENT ON SCHEMA vigilance IS 'acts on identity: history, questions to the INSi, candidates, merges';
GRANT USAGE ON SCHEMA vigilance TO carnet_app, carnet_worker;
ALTER DEFAULT PRIVILEGES IN SCHEMA vigilance GRANT SELECT, INSERT ON TABLES TO carnet_app, carnet_worker;

-- What was done on an identity, by whom and on what proof.
CREATE TABLE vigilance.act (
    id          bigint PRIMARY KEY,
    cid         bigint NOT NULL,
    at          timestamptz NOT NULL,
    act         text NOT NULL,                  -- identity/status.py
    before      text NOT NULL,                  -- status and attributes, as PROV+doubtful
    after       text NOT NULL,
    proof       text NOT NULL,                  -- kind of document, or answer of the INSi: a code
    reason      text NOT NULL,
    done_by     text NOT NULL                   -- sub
);
CREATE INDEX act_of ON vigilance.act (cid, at);

-- What is still to be asked of the INSi, and what it said last. No answer is kept.
CREATE TABLE vigilance.question (
    cid         bigint PRIMARY KEY,
    asked       timestamptz NOT NULL,
    tries       integer NOT NULL DEFAULT 0,
    next_try    timestamptz,                    -- NULL: nothing more to ask
    answer      text                            -- 00, 01, 02, other-traits, time-out
);
CREATE INDEX question_due ON vigilance.question (next_try) WHERE next_try IS NOT NULL;
GRANT UPDATE (asked, tries, next_try, answer) ON vigilance.question TO carnet_app, carnet_worker;

-- Two identities that may be one person's.
CREATE TABLE vigilance.candidate (
    one         bigint NOT NULL,
    other       bigint NOT NULL,
    why         text[] NOT NULL,                -- identity/matching.py
    since       timestamptz NOT NULL,
    settled     timestamptz,
    settled_by  text,
    verdict     text CHECK (verdict IN ('merged', 'different')),
    PRIMARY KEY (one, other),
    CHECK (one < other)
);
CREATE INDEX candidate_waiting ON vigilance.candidate (since) WHERE settled IS NULL;
CREATE INDEX candidate_other ON vigilance.candidate (other);
GRANT UPDATE (why, settled, settled_by, verdict) ON vigilance.candidate TO carnet_app, carnet_worker;

-- A merge is proposed by one person and confirmed by another; it can be undone.
CREATE TABLE vigilance.merge (
    id          bigint PRIMARY KEY,
    source      bigint NOT NULL,                -- is the same person as
    target      bigint NOT NULL,                -- which stays
    reason      text NOT NULL CHECK (reason <> ''),
    proposed    timestamptz NOT NULL,
    proposed_by text NOT NULL,
    decided     timestamptz,
    decided_by  text,
    confirmed   boolean,
    undone      timestamptz,
    undone_by   text,
    undone_why  text,
    CHECK (source <> target),
    CHECK (decided_by IS DISTINCT FROM proposed_by OR confirmed IS NOT TRUE),
    CHECK ((decided IS NULL) = (decided_by IS NULL) AND (decided IS NULL) = (confirmed IS NULL)),
    CHECK (undone IS NULL OR confirmed)
);
-- Of one identity, one merge at a time: the merges in force make a forest.
CREATE UNIQUE INDEX merge_in_force ON vigilance.merge (source) WHERE confirmed AND undone IS NULL;
CREATE UNIQUE INDEX merge_waiting ON vigilance.merge (source, target) WHERE decided IS NULL;
CREATE INDEX merge_into ON vigilance.merge (target);
GRANT UPDATE (decided, decided_by, confirmed, undone, undone_by, undone_why) ON vigilance.merge
    TO carnet_app;

-- People the simulator of the INSi knows; none outside a demonstration.
CREATE TABLE vigilance.simulated (
    ins         text NOT NULL,
    ins_system  text NOT NULL,
    birth_name  text NOT NULL,                  -- normalised
    given_names text NOT NULL,
    birth_date  date NOT NULL,
    sex         text NOT NULL,
    birth_place text NOT NULL,
    PRIMARY KEY (ins_system, ins)
);
CREATE INDEX simulated_traits ON vigilance.simulated (birth_date, birth_name);
REVOKE INSERT ON vigilance.simulated FROM carnet_app, carnet_worker;

-- Officers of identity: operators who may compare, merge and qualify. They never see health data.
CREATE TABLE vigilance.officer (
    sub         text PRIMARY KEY REFERENCES access.subject
);
REVOKE INSERT ON vigilance.officer FROM carnet_app, carnet_worker;

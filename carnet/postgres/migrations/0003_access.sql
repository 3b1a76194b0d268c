-- SPDX-License-Identifier: EUPL-1.2
-- Who may: subjects, links, labels' context, audit. The only truth; FHIR Consent is a view of it.

CREATE TABLE access.subject (
    sub         text PRIMARY KEY,       -- "patient:…", "rpps:…", "software:…", "operator:…"
    kind        text NOT NULL CHECK (kind IN ('patient', 'professional', 'software', 'operator')),
    name        text NOT NULL,
    rpps        bigint,
    profession  text,                   -- TRE_G15-ProfessionSante, with TRE_R38 after a slash
    patient     bigint,                 -- compartment, for a patient
    rev         integer NOT NULL DEFAULT 1 -- raised to end every token at once
);

CREATE TABLE access.organisation (
    cid         bigint PRIMARY KEY,     -- its bucket
    system      text NOT NULL,
    value       text NOT NULL,
    name        text NOT NULL,
    UNIQUE (system, value)
);

CREATE TABLE access.situation (         -- situation d'exercice, or the organisation of a software
    id          text PRIMARY KEY,
    sub         text NOT NULL REFERENCES access.subject,
    org         bigint NOT NULL REFERENCES access.organisation
);
CREATE INDEX situation_of ON access.situation (sub);

CREATE TABLE access.record (            -- life of a record
    cid         bigint PRIMARY KEY,
    state       text NOT NULL CHECK (state IN ('notice', 'open', 'closed', 'deleted')),
    since       timestamptz NOT NULL,
    feeding_opposed boolean NOT NULL DEFAULT false
);
CREATE INDEX record_shut ON access.record (cid) WHERE state IN ('closed', 'deleted');

CREATE TABLE access.identity (          -- strict traits and number of a patient, readable (see docs)
    cid         bigint PRIMARY KEY,
    ins         text,                   -- 15 characters
    ins_system  text,
    birth_name  text NOT NULL,          -- normalised: capitals, no accents
    first_given text NOT NULL,
    birth_date  date NOT NULL,
    sex         text NOT NULL,
    birth_place text,
    shown_name  text NOT NULL,
    status      text NOT NULL           -- RNIV: PROV, RECUP, VALI, QUAL
);
CREATE UNIQUE INDEX identity_ins ON access.identity (ins_system, ins) WHERE ins IS NOT NULL;
CREATE INDEX identity_traits ON access.identity (birth_date, birth_name);

CREATE TABLE access.team (
    id          bigint PRIMARY KEY,
    cid         bigint NOT NULL,
    name        text NOT NULL
);
CREATE INDEX team_of ON access.team (cid);

CREATE TABLE access.team_member (
    team        bigint NOT NULL REFERENCES access.team,
    rpps        bigint NOT NULL,
    role        text NOT NULL,          -- HL7 ParticipationFunction: PCP for the médecin traitant
    since       timestamptz NOT NULL,
    until       timestamptz,
    PRIMARY KEY (team, rpps, since)
);
CREATE INDEX team_member_of ON access.team_member (rpps);

CREATE TABLE access.consent (
    id          bigint PRIMARY KEY,
    cid         bigint NOT NULL,
    team        bigint REFERENCES access.team, -- the whole team, or
    rpps        bigint,                 -- one professional, for one visit
    how         text NOT NULL,          -- oral, written, electronic
    declared_by text NOT NULL,          -- sub
    since       timestamptz NOT NULL,
    until       timestamptz,
    withdrawn   timestamptz,
    CHECK ((team IS NULL) <> (rpps IS NULL))
);
CREATE INDEX consent_of ON access.consent (cid);
CREATE INDEX consent_by_rpps ON access.consent (rpps) WHERE rpps IS NOT NULL;

CREATE TABLE access.block (
    cid         bigint NOT NULL,
    rpps        bigint NOT NULL,
    since       timestamptz NOT NULL,
    until       timestamptz,
    PRIMARY KEY (cid, rpps, since)
);

-- One row a request: who, what for, what was released. Never what was in it.
CREATE TABLE access.audit (
    seq         bigint GENERATED ALWAYS AS IDENTITY,
    at          timestamptz NOT NULL,
    request     text NOT NULL,
    sub         text NOT NULL,
    situation   text,
    org         bigint,
    client      text NOT NULL,
    purpose     text NOT NULL,          -- HL7 PurposeOfUse
    act         text NOT NULL,          -- read, vread, history, search, create, update, delete, find, consent…
    granted     boolean NOT NULL,
    rule        text NOT NULL,          -- the rule that decided
    matrix      text NOT NULL,          -- version of the access matrix
    cid         bigint,                 -- when one record is concerned
    cids        bigint[],               -- when several are
    rids        bigint[] NOT NULL DEFAULT '{}', -- what was released or written, and its versions
    vers        integer[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (seq, at)
) PARTITION BY RANGE (at);
CREATE INDEX audit_of ON access.audit (cid, at) WHERE cid IS NOT NULL;
CREATE INDEX audit_of_several ON access.audit USING gin (cids) WHERE cids IS NOT NULL;
CREATE INDEX audit_finds ON access.audit (sub, at) WHERE act = 'find';
CREATE TABLE access.audit_rest PARTITION OF access.audit DEFAULT;
DO $$
BEGIN
    FOR year IN 2026..2040 LOOP
        EXECUTE format('CREATE TABLE access.audit_%s PARTITION OF access.audit FOR VALUES FROM (%L) TO (%L)',
                       year, make_date(year, 1, 1), make_date(year + 1, 1, 1));
    END LOOP;
END $$;

-- The sealed context of a statement (access/seal.py): what row-level security believes.
-- carnet.scope = MAC|pid|expiry|part 1|part 2|…, MAC = HMAC-SHA-256 under a key the service cannot read.
CREATE TABLE access.seal (
    inner_pad bytea NOT NULL, outer_pad bytea NOT NULL
);

CREATE FUNCTION access.context(part integer) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog AS $$
DECLARE
    raw  text := current_setting('carnet.scope', true);
    body text;
    pads record;
BEGIN
    IF raw IS NULL OR raw = '' THEN RETURN NULL; END IF;
    body := substr(raw, 66);
    SELECT inner_pad, outer_pad INTO pads FROM access.seal LIMIT 1;
    IF encode(sha256(pads.outer_pad || sha256(pads.inner_pad || convert_to(body, 'UTF8'))), 'hex')
       IS DISTINCT FROM left(raw, 64)
       OR split_part(body, '|', 1) <> pg_backend_pid()::text
       OR split_part(body, '|', 2)::float8 < extract(epoch FROM statement_timestamp())
    THEN RETURN NULL; END IF;
    RETURN nullif(split_part(body, '|', part + 2), '');
END $$;
REVOKE ALL ON FUNCTION access.context(integer) FROM PUBLIC;

-- Parts: 1-12 four matrix clauses (compartments, kinds, refused labels); 13 organisation whose deposits
-- its software sees; 14-15 professional of the deposits and the compartments they are seen in; 16
-- compartments that may be written; 17 'platform' for a job of the platform; 18-20 organisation whose
-- deposits its professionals see, in which compartments, of which kinds; 21 the instant since when a
-- Binary that no document names (kind 3) is still its depositor's. An empty part opens nothing.
ALTER TABLE record.resource ENABLE ROW LEVEL SECURITY;
ALTER TABLE record.resource FORCE ROW LEVEL SECURITY;
CREATE POLICY see_matrix_1 ON record.resource FOR SELECT USING (
    cid = ANY ((SELECT access.context(1))::bigint[])
    AND kind = ANY ((SELECT access.context(2))::smallint[])
    AND (labels & (SELECT access.context(3))::smallint) = 0
    AND (owners IS NULL OR owners <@ (SELECT access.context(1))::bigint[]));
CREATE POLICY see_matrix_2 ON record.resource FOR SELECT USING (
    cid = ANY ((SELECT access.context(4))::bigint[])
    AND kind = ANY ((SELECT access.context(5))::smallint[])
    AND (labels & (SELECT access.context(6))::smallint) = 0
    AND (owners IS NULL OR owners <@ (SELECT access.context(4))::bigint[]));
CREATE POLICY see_matrix_3 ON record.resource FOR SELECT USING (
    cid = ANY ((SELECT access.context(7))::bigint[])
    AND kind = ANY ((SELECT access.context(8))::smallint[])
    AND (labels & (SELECT access.context(9))::smallint) = 0
    AND (owners IS NULL OR owners <@ (SELECT access.context(7))::bigint[]));
CREATE POLICY see_matrix_4 ON record.resource FOR SELECT USING (
    cid = ANY ((SELECT access.context(10))::bigint[])
    AND kind = ANY ((SELECT access.context(11))::smallint[])
    AND (labels & (SELECT access.context(12))::smallint) = 0
    AND (owners IS NULL OR owners <@ (SELECT access.context(10))::bigint[]));
CREATE POLICY see_deposits_of_software ON record.resource FOR SELECT USING (
    dep_org = (SELECT access.context(13))::bigint
    AND (kind <> 3 OR upd > (SELECT access.context(21))::timestamptz)
    AND NOT EXISTS (SELECT 1 FROM access.record s
                     WHERE s.cid = resource.cid AND s.state IN ('closed', 'deleted')));
CREATE POLICY see_deposits_of_organisation ON record.resource FOR SELECT USING (
    dep_org = (SELECT access.context(18))::bigint
    AND cid = ANY ((SELECT access.context(19))::bigint[])
    AND kind = ANY ((SELECT access.context(20))::smallint[])
    AND (owners IS NULL OR owners <@ (SELECT access.context(19))::bigint[]));
CREATE POLICY see_own_deposit ON record.resource FOR SELECT USING (
    dep_pro = (SELECT access.context(14))::bigint
    AND cid = ANY ((SELECT access.context(15))::bigint[])
    AND (kind <> 3 OR upd > (SELECT access.context(21))::timestamptz)
    AND (owners IS NULL OR owners <@ (SELECT access.context(15))::bigint[]));
CREATE POLICY see_directory ON record.resource FOR SELECT USING (cid = 0);
CREATE POLICY see_platform ON record.resource FOR SELECT USING ((SELECT access.context(17)) = 'platform');
CREATE POLICY feed ON record.resource FOR INSERT WITH CHECK (
    cid = ANY ((SELECT access.context(16))::bigint[]));
CREATE POLICY change ON record.resource FOR UPDATE
    USING (cid = ANY ((SELECT access.context(16))::bigint[]))
    WITH CHECK (cid = ANY ((SELECT access.context(16))::bigint[]));

-- The side tables follow the row they belong to.
ALTER TABLE record.idx_string ENABLE ROW LEVEL SECURITY;
ALTER TABLE record.idx_string FORCE ROW LEVEL SECURITY;
CREATE POLICY see ON record.idx_string FOR SELECT USING (EXISTS (
    SELECT 1 FROM record.resource r WHERE r.cid = idx_string.cid AND r.rid = idx_string.rid));
CREATE POLICY feed ON record.idx_string FOR INSERT WITH CHECK (
    cid = ANY ((SELECT access.context(16))::bigint[]));
CREATE POLICY sweep ON record.idx_string FOR DELETE USING (
    cid = ANY ((SELECT access.context(16))::bigint[]));
ALTER TABLE record.idx_date ENABLE ROW LEVEL SECURITY;
ALTER TABLE record.idx_date FORCE ROW LEVEL SECURITY;
CREATE POLICY see ON record.idx_date FOR SELECT USING (EXISTS (
    SELECT 1 FROM record.resource r WHERE r.cid = idx_date.cid AND r.rid = idx_date.rid));
CREATE POLICY feed ON record.idx_date FOR INSERT WITH CHECK (
    cid = ANY ((SELECT access.context(16))::bigint[]));
CREATE POLICY sweep ON record.idx_date FOR DELETE USING (
    cid = ANY ((SELECT access.context(16))::bigint[]));
ALTER TABLE record.history ENABLE ROW LEVEL SECURITY;
ALTER TABLE record.history FORCE ROW LEVEL SECURITY;
CREATE POLICY see ON record.history FOR SELECT USING (EXISTS (
    SELECT 1 FROM record.resource r WHERE r.cid = history.cid AND r.rid = history.rid));
CREATE POLICY feed ON record.history FOR INSERT WITH CHECK (
    cid = ANY ((SELECT access.context(16))::bigint[]));
DO $$
DECLARE
    part regclass;
BEGIN
    FOR part IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'record.history'::regclass LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', part);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', part); -- no policy: only through the parent
    END LOOP;
END $$;
ALTER TABLE record.id_map ENABLE ROW LEVEL SECURITY;
ALTER TABLE record.id_map FORCE ROW LEVEL SECURITY;
CREATE POLICY see ON record.id_map FOR SELECT USING (EXISTS (
    SELECT 1 FROM record.resource r WHERE r.cid = id_map.cid AND r.rid = id_map.rid));
CREATE POLICY feed ON record.id_map FOR INSERT WITH CHECK (
    cid = ANY ((SELECT access.context(16))::bigint[]));
ALTER TABLE record.attachment ENABLE ROW LEVEL SECURITY;
ALTER TABLE record.attachment FORCE ROW LEVEL SECURITY;
CREATE POLICY see ON record.attachment FOR SELECT USING (EXISTS (
    SELECT 1 FROM record.resource r WHERE r.cid = attachment.cid AND r.rid = attachment.rid));
CREATE POLICY feed ON record.attachment FOR INSERT WITH CHECK (
    cid = ANY ((SELECT access.context(16))::bigint[]));

-- By default the services read and add (migration 0001); what they change is named here.
GRANT EXECUTE ON FUNCTION access.context(integer) TO carnet_app, carnet_worker;
REVOKE ALL ON access.seal FROM carnet_app, carnet_worker;
GRANT UPDATE ON record.resource TO carnet_app, carnet_worker;
GRANT DELETE ON record.idx_string, record.idx_date TO carnet_app, carnet_worker;
GRANT DELETE ON record.outbox TO carnet_worker;
-- No service makes a person, a team, or lifts a block; a request tells the outbox and never reads it.
REVOKE INSERT ON access.subject, access.situation, access.block, access.team, access.team_member
    FROM carnet_app, carnet_worker;
REVOKE SELECT ON record.outbox FROM carnet_app;
GRANT UPDATE (withdrawn) ON access.consent TO carnet_app;
GRANT UPDATE (name) ON access.organisation TO carnet_app;

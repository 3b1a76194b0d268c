-- SPDX-License-Identifier: EUPL-1.2
-- Life of a record, notices, emergency reviews, erasure.
-- Source: CSP R.1111-28, R.1111-36, R.1111-40, R.1111-48, L.1111-17; DESIGN §3 (erasure, tombstones).

-- ---------------------------------------- notices

CREATE SCHEMA notices;
COMMENT ON SCHEMA notices IS 'e-mails and letters, without health content';
GRANT USAGE ON SCHEMA notices TO carnet_app, carnet_worker;
ALTER DEFAULT PRIVILEGES IN SCHEMA notices GRANT SELECT, INSERT ON TABLES TO carnet_app, carnet_worker;

-- Where a person is told, and what they chose not to be told.
CREATE TABLE notices.address (
    cid         bigint PRIMARY KEY,
    email       text,
    language    text NOT NULL DEFAULT 'fr',
    muted       text[] NOT NULL DEFAULT '{}'    -- optional templates they want no more
);

-- Where a professional is told.
CREATE TABLE notices.mailbox (
    rpps        bigint PRIMARY KEY,
    email       text NOT NULL
);

-- Written in the transaction of the act that it tells; sent afterwards, once.
CREATE TABLE notices.outgoing (
    id          bigint PRIMARY KEY,
    cid         bigint NOT NULL,                -- the record it speaks of
    reader      text NOT NULL,                  -- 'person', or 'rpps:…'
    channel     text NOT NULL CHECK (channel IN ('email', 'letter')),
    template    text NOT NULL,                  -- access/notices.toml
    language    text NOT NULL,
    codes       jsonb NOT NULL,                 -- dates and codes its template declares, nothing else
    at          timestamptz NOT NULL,
    key         text UNIQUE,                    -- of what must be told once
    tries       integer NOT NULL DEFAULT 0,
    next_try    timestamptz NOT NULL,
    sent        timestamptz,                    -- the e-mail left, or the letter was posted
    failed      text                            -- code of the last failure
);
CREATE INDEX outgoing_of ON notices.outgoing (cid);
CREATE INDEX outgoing_due ON notices.outgoing (next_try) WHERE sent IS NULL;
REVOKE INSERT ON notices.mailbox FROM carnet_app;
GRANT UPDATE (email, language, muted) ON notices.address TO carnet_app, carnet_worker;
GRANT UPDATE (channel, tries, next_try, sent, failed) ON notices.outgoing TO carnet_app, carnet_worker;

-- ---------------------------------------- life

ALTER TABLE access.record
    ADD COLUMN erase_asked timestamptz,         -- the holder asked for the deletion
    ADD COLUMN erase_due timestamptz,           -- by then it is done: three months (R.1111-36)
    ADD COLUMN feeding_motive text;             -- legitimate reason of an opposition to feeding
GRANT UPDATE (erase_asked, erase_due, feeding_motive) ON access.record TO carnet_app, carnet_worker;
CREATE INDEX record_to_open ON access.record (noticed) WHERE state = 'notice';
CREATE INDEX record_to_erase ON access.record (archived_until) WHERE state = 'closed';

-- What happened to a record, when, how it was asked, and who wrote it down.
CREATE TABLE access.life (
    id          bigint PRIMARY KEY,
    cid         bigint NOT NULL,
    at          timestamptz NOT NULL,
    act         text NOT NULL,                  -- notice, open, oppose, close, reopen, ask-erasure…
    motive      text NOT NULL,
    how         text NOT NULL,                  -- web, code, paper, in-person, platform
    declared_by text NOT NULL                   -- sub
);
CREATE INDEX life_of ON access.life (cid, at);

-- The one-time codes of the notices: only their keyed hash is here.
CREATE TABLE access.notice_code (
    h           bytea PRIMARY KEY,
    cid         bigint NOT NULL,
    since       timestamptz NOT NULL,
    tries       smallint NOT NULL DEFAULT 0,
    used        timestamptz
);
CREATE INDEX notice_code_of ON access.notice_code (cid);
GRANT UPDATE (tries, used) ON access.notice_code TO carnet_app;

-- The instance's clock, moved forward: demonstration and test instances alone.
CREATE TABLE access.clock (
    one         boolean PRIMARY KEY DEFAULT true CHECK (one),
    shift       interval NOT NULL
);
REVOKE INSERT ON access.clock FROM carnet_app, carnet_worker;

ALTER TABLE access.organisation ADD COLUMN setting text; -- JDV_J04: SAMU_SMUR for a regulation centre
ALTER TABLE access.emergency ADD COLUMN comment text;    -- code of access/emergency.toml
GRANT UPDATE (comment) ON access.emergency TO carnet_app;

-- ---------------------------------------- erasure

-- What was erased: number and chain of hashes, the same as in the file outside the database.
CREATE TABLE access.tombstone (
    n           bigint PRIMARY KEY,
    cid         bigint NOT NULL,
    at          timestamptz NOT NULL,
    motive      text NOT NULL,
    hash        bytea NOT NULL
);
REVOKE INSERT ON access.tombstone FROM carnet_app;

ALTER TABLE access.team_member DROP CONSTRAINT team_member_team_fkey,
    ADD CONSTRAINT team_member_team_fkey FOREIGN KEY (team) REFERENCES access.team ON DELETE CASCADE;
ALTER TABLE access.consent DROP CONSTRAINT consent_team_fkey,
    ADD CONSTRAINT consent_team_fkey FOREIGN KEY (team) REFERENCES access.team ON DELETE CASCADE;

-- Every table with a line of one record, but those that must outlive it: the trace, the state, the
-- proof. A table that a later migration adds is erased without a word being written here.
CREATE FUNCTION access.erasable() RETURNS SETOF regclass
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT c.oid::regclass
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'cid' AND NOT a.attisdropped
     WHERE n.nspname IN ('record', 'access', 'documents', 'notices', 'vigilance')
       AND c.relkind IN ('r', 'p') AND NOT c.relispartition
       AND n.nspname || '.' || c.relname <> ALL (ARRAY[
           'access.audit', 'access.record', 'access.tombstone', 'access.organisation'])
     ORDER BY c.oid = 'record.resource'::regclass, c.oid -- what the others are judged by comes last
$$;

-- The context that erases one record: part 17 is 'erase', part 16 is that record.
CREATE FUNCTION access.erases(which bigint) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT (SELECT access.context(17)) = 'erase' AND which = ANY ((SELECT access.context(16))::bigint[])
$$;

-- Owners are bound by forced row security unless they are superusers: let the erasure through.
CREATE FUNCTION access.arm_erasure() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    t regclass;
BEGIN
    FOR t IN SELECT e FROM access.erasable() e JOIN pg_class c ON c.oid = e WHERE c.relrowsecurity
             UNION SELECT 'access.record'::regclass LOOP
        CONTINUE WHEN EXISTS (SELECT FROM pg_policy WHERE polrelid = t AND polname = 'erase');
        EXECUTE format('CREATE POLICY erase ON %s TO CURRENT_USER USING (access.erases(cid))', t);
    END LOOP;
END $$;

-- Everything of one record but its state; returns the addresses of its files. One statement: all or nothing.
CREATE FUNCTION access.erase(erased bigint, moment timestamptz) RETURNS SETOF bytea
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    t regclass;
BEGIN
    IF erased <= 0 OR access.erases(erased) IS NOT TRUE THEN
        RAISE insufficient_privilege USING MESSAGE = 'not the context of an erasure';
    END IF;
    RETURN QUERY SELECT a.address FROM record.attachment a WHERE a.cid = erased;
    FOR t IN SELECT access.erasable() LOOP
        EXECUTE format('DELETE FROM %s WHERE cid = $1', t) USING erased;
    END LOOP;
    IF to_regclass('portal.accounts_account') IS NOT NULL THEN
        EXECUTE 'UPDATE portal.auth_user u SET is_active = false, username = ''-'' || u.id, email = '''','
                ' first_name = '''', last_name = '''', password = ''!'''
                '  FROM portal.accounts_account a JOIN access.subject s ON s.sub = a.subject'
                ' WHERE u.id = a.user_id AND s.patient = $1' USING erased;
        IF to_regclass('portal.account_emailaddress') IS NOT NULL THEN
            EXECUTE 'DELETE FROM portal.account_emailaddress e USING portal.accounts_account a,'
                    ' access.subject s WHERE e.user_id = a.user_id AND s.sub = a.subject AND s.patient = $1'
                USING erased;
        END IF;
    END IF;
    DELETE FROM access.mandate m USING access.subject s WHERE s.sub = m.sub AND s.patient = erased;
    UPDATE access.subject SET name = '', patient = NULL, rev = rev + 1 WHERE patient = erased;
    UPDATE access.record SET state = 'deleted', since = moment, noticed = NULL, archived_until = NULL,
           motive = '', feeding_opposed = false, feeding_motive = NULL, erase_asked = NULL, erase_due = NULL
     WHERE cid = erased;
END $$;
GRANT EXECUTE ON FUNCTION access.erase(bigint, timestamptz) TO carnet_worker;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['access.life', 'access.notice_code', 'notices.address', 'notices.outgoing'] LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', name);
        -- A code is looked up by its hash, before anything is known of who brings it.
        EXECUTE format('CREATE POLICY see ON %s FOR SELECT USING (', name)
             || CASE WHEN name = 'access.notice_code' THEN 'true' ELSE
                'cid = ANY ((SELECT access.context(16))::bigint[])'
                ' OR (SELECT access.context(17)) = ''platform''' END || ')';
        EXECUTE format('CREATE POLICY change ON %s FOR UPDATE USING ('
                       'cid = ANY ((SELECT access.context(16))::bigint[])'
                       ' OR (SELECT access.context(17)) = ''platform'')', name);
        EXECUTE format('CREATE POLICY add ON %s FOR INSERT WITH CHECK ('
                       'cid = ANY ((SELECT access.context(16))::bigint[])'
                       ' OR (SELECT access.context(17)) = ''platform'')', name);
        EXECUTE format('CREATE POLICY own ON %s TO carnet_admin USING (true) WITH CHECK (true)', name);
    END LOOP;
    PERFORM access.arm_erasure();
END $$;

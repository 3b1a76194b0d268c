-- SPDX-License-Identifier: EUPL-1.2
-- Secure mail (MSSanté): addresses, and a spool that loses and doubles nothing. docs/decisions/0065.

CREATE SCHEMA messaging;
COMMENT ON SCHEMA messaging IS 'secure mail (MSSanté): addresses and spool';
GRANT USAGE ON SCHEMA messaging TO carnet_app, carnet_worker;

-- An address that is known: of this installation, or of a professional or an organisation elsewhere.
-- A patient's is made of their number and has no line: matricule@patient.domain.
CREATE TABLE messaging.mailbox (
    address     text PRIMARY KEY CHECK (address = lower(address)),
    kind        text NOT NULL CHECK (kind IN ('PER', 'ORG', 'APP', 'CAB')),
    local       boolean NOT NULL,               -- its mails are kept here
    rpps        bigint,
    org         bigint,                         -- compartment of the organisation
    unlisted    boolean NOT NULL DEFAULT false, -- liste rouge
    secret      text,                           -- of a mail program: scrypt, never the word itself
    CHECK ((kind = 'PER') = (rpps IS NOT NULL) AND (rpps IS NOT NULL OR org IS NOT NULL))
);
CREATE INDEX mailbox_of ON messaging.mailbox (rpps) WHERE rpps IS NOT NULL;
CREATE INDEX mailbox_of_place ON messaging.mailbox (org) WHERE org IS NOT NULL;

-- One mail: its whole text, sealed under a key of its own that the operator's key wraps.
CREATE TABLE messaging.message (
    id          bigint PRIMARY KEY,
    cid         bigint,                         -- the record it speaks of, once that is known
    way         text NOT NULL CHECK (way IN ('in', 'out')),
    at          timestamptz NOT NULL,
    sender      text NOT NULL,                  -- of the envelope; empty for a notice
    number      bytea NOT NULL,                 -- keyed hash of its Message-ID
    size        integer NOT NULL,               -- bytes, before it was sealed
    wrapped     bytea NOT NULL,
    sealed      bytea NOT NULL
);
CREATE INDEX message_of ON messaging.message (cid) WHERE cid IS NOT NULL;
CREATE INDEX message_by_number ON messaging.message (number);

-- One mail for one address, and what became of it.
CREATE TABLE messaging.delivery (
    id          bigint PRIMARY KEY,
    message     bigint NOT NULL REFERENCES messaging.message ON DELETE CASCADE,
    address     text NOT NULL,
    once        bytea NOT NULL,                 -- keyed hash: the same mail again is the same row
    state       text NOT NULL CHECK (state IN ('received', 'filed', 'to-attach', 'kept',
                                               'waiting', 'sent', 'failed')),
    tries       integer NOT NULL DEFAULT 0,
    next_try    timestamptz,                    -- while there is something to do
    failed      text,                           -- code of the last failure
    rid         bigint,                         -- the document it was filed as
    done_at     timestamptz,
    seen_at     timestamptz,                    -- somebody read it here, or told us that they did
    shown       boolean NOT NULL DEFAULT true,  -- not put away by its owner
    UNIQUE (address, once)
);
CREATE INDEX delivery_due ON messaging.delivery (next_try) WHERE next_try IS NOT NULL;
CREATE INDEX delivery_of ON messaging.delivery (message);

GRANT SELECT, INSERT ON messaging.message, messaging.delivery TO carnet_app, carnet_worker;
GRANT SELECT ON messaging.mailbox TO carnet_app, carnet_worker;
GRANT UPDATE (cid) ON messaging.message TO carnet_app, carnet_worker;
GRANT UPDATE (state, tries, next_try, failed, rid, done_at, seen_at, shown)
    ON messaging.delivery TO carnet_app, carnet_worker;

-- Mails are read by the acts of this slice alone, in the platform's context, once they have said whose
-- mailbox it is.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['messaging.message', 'messaging.delivery'] LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY acts ON %s USING ((SELECT access.context(17)) = ''platform'')'
                       ' WITH CHECK ((SELECT access.context(17)) = ''platform'')', name);
        EXECUTE format('CREATE POLICY own ON %s TO carnet_admin USING (true) WITH CHECK (true)', name);
    END LOOP;
END $$;

-- What an erasure takes: every table with a record's number, in the schemas of the services too.
CREATE OR REPLACE FUNCTION access.erasable() RETURNS SETOF regclass
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT c.oid::regclass
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'cid' AND NOT a.attisdropped
     WHERE n.nspname IN ('record', 'access', 'documents', 'notices', 'vigilance', 'messaging',
                         'monitoring', 'care', 'hospital', 'coordination', 'imaging', 'hub')
       AND c.relkind IN ('r', 'p') AND NOT c.relispartition
       AND n.nspname || '.' || c.relname <> ALL (ARRAY[
           'access.audit', 'access.record', 'access.tombstone', 'access.organisation'])
     ORDER BY c.oid = 'record.resource'::regclass, c.oid -- what the others are judged by comes last
$$;
SELECT access.arm_erasure();

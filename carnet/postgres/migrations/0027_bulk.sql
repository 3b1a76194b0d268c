-- SPDX-License-Identifier: EUPL-1.2
-- Bulk export and import. An export keeps the places of what it lists and never a copy of it: a file is
-- read from the record when it is fetched, by the rights of that moment. docs/decisions/0032.

CREATE SCHEMA bulk;
COMMENT ON SCHEMA bulk IS 'exports and imports in progress: places and counts, no content';
GRANT USAGE ON SCHEMA bulk TO carnet_app, carnet_worker;

CREATE TABLE bulk.export (
    id          bigint PRIMARY KEY,
    token       text NOT NULL UNIQUE,       -- its address
    sub         text NOT NULL,              -- who asked, and by which token
    situation   text NOT NULL,
    secret      boolean NOT NULL,
    client      text NOT NULL,
    purpose     text NOT NULL,
    acting_for  bigint,
    rev         integer NOT NULL,
    request     text NOT NULL,              -- of the trace
    wrapped     bytea NOT NULL,             -- key of `asked`
    asked       bytea NOT NULL,             -- sealed: what a filter says may be health data
    at          timestamptz NOT NULL,       -- transactionTime
    until       timestamptz NOT NULL,       -- then it is forgotten
    state       text NOT NULL CHECK (state IN ('waiting', 'listing', 'ready', 'failed')),
    ahead       text[] NOT NULL DEFAULT '{}', -- transactions that may still write what is older than `at`
    started     timestamptz,                -- by the server's clock
    step        integer NOT NULL DEFAULT 0, -- where the list is
    cid         bigint NOT NULL DEFAULT -1,
    rid         bigint NOT NULL DEFAULT -1,
    found       bigint NOT NULL DEFAULT 0,
    tries       integer NOT NULL DEFAULT 0,
    refusal     text NOT NULL DEFAULT '',   -- FHIR issue code and sentence, when it failed
    status      integer NOT NULL DEFAULT 0
);
CREATE INDEX export_of ON bulk.export (sub);
CREATE INDEX export_to_do ON bulk.export (at) WHERE state IN ('waiting', 'listing');

CREATE TABLE bulk.file (
    export      bigint NOT NULL REFERENCES bulk.export ON DELETE CASCADE,
    number      integer NOT NULL,
    rtype       smallint NOT NULL,
    size        bigint NOT NULL,            -- sealed bytes
    cids        bigint[] NOT NULL,
    rids        bigint[] NOT NULL,
    vers        integer[] NOT NULL,
    PRIMARY KEY (export, number)
);
GRANT SELECT, INSERT, DELETE ON bulk.export TO carnet_app, carnet_worker;
GRANT UPDATE ON bulk.export TO carnet_worker;
GRANT SELECT ON bulk.file TO carnet_app;
GRANT SELECT, INSERT, UPDATE ON bulk.file TO carnet_worker;

-- An import: who asked, in whose name, and what is done of each of its inputs. A line of `chunk` is written
-- by the transaction that writes its resources, or by none.
CREATE TABLE bulk.import (
    id          bigint PRIMARY KEY,
    name        text NOT NULL,              -- given by the operator
    sub         text NOT NULL,              -- operator
    org         bigint NOT NULL,            -- who deposits
    at          timestamptz NOT NULL,
    UNIQUE (name)
);
CREATE TABLE bulk.chunk (
    import      bigint NOT NULL REFERENCES bulk.import ON DELETE CASCADE,
    input       text NOT NULL,              -- name of a file
    first       bigint NOT NULL,            -- line, from 1
    last        bigint NOT NULL,
    digest      bytea NOT NULL,             -- keyed hash of the lines
    report      bytea NOT NULL,             -- zlib: an OperationOutcome a line
    refused     integer NOT NULL,
    PRIMARY KEY (import, input, first)
);
GRANT SELECT, INSERT ON bulk.import, bulk.chunk TO carnet_app;

-- What each resource of an import became, so that the lines after it may refer to it.
CREATE TABLE documents.imported (
    org     bigint NOT NULL,
    import  bigint NOT NULL,
    h       bytea NOT NULL,                 -- keyed, of `Type/id` as given
    cid     bigint NOT NULL,
    rid     bigint NOT NULL,
    PRIMARY KEY (org, import, h)
);
CREATE INDEX imported_of ON documents.imported (cid); -- for the erasure of a record
ALTER TABLE documents.imported ENABLE ROW LEVEL SECURITY;
ALTER TABLE documents.imported FORCE ROW LEVEL SECURITY;
CREATE POLICY see ON documents.imported FOR SELECT USING (
    org = ANY ((SELECT access.context(16))::bigint[]));
CREATE POLICY feed ON documents.imported FOR INSERT WITH CHECK (
    org = ANY ((SELECT access.context(16))::bigint[]));
SELECT access.arm_erasure();

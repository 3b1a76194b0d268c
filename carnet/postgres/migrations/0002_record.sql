-- SPDX-License-Identifier: EUPL-1.2
-- The record: one table for every resource, its small side tables, its versions, its attachments.
-- Shapes and reasons: docs/decisions/0004-store.md.

-- A compartment is what shares one key: a patient, an organisation's bucket, or the directory (0).
CREATE TABLE record.compartment (
    cid      bigint PRIMARY KEY,
    nature   smallint NOT NULL,         -- 0 directory and definitions, 1 patient, 2 organisation
    wrapped  bytea NOT NULL,            -- the compartment's key, wrapped by the operator's key
    made_at  timestamptz NOT NULL
);

CREATE TABLE record.resource (
    cid      bigint NOT NULL,           -- compartment
    rid      bigint NOT NULL,           -- time-ordered, ours, never shown
    owners   bigint[],                  -- only where several patients own it
    rtype    smallint NOT NULL,         -- fhir/definitions/numbers.toml
    id       text NOT NULL,             -- FHIR id
    ver      integer NOT NULL,
    upd      timestamptz NOT NULL,
    lo       timestamptz NOT NULL,      -- the type's principal date, '-infinity' when it has none
    hi       timestamptz NOT NULL,      -- its exclusive end
    kind     smallint NOT NULL,         -- row of the access matrix (access/kinds.toml)
    labels   smallint NOT NULL DEFAULT 0, -- mask bits (access/labels.py)
    dep_pro  bigint,                    -- RPPS of who deposited version 1, from the token
    dep_org  bigint,                    -- compartment of the organisation that deposited version 1
    origin   bigint,                    -- rid of the document it was extracted from or came with
    gone     boolean NOT NULL DEFAULT false, -- deleted; the row stays, so that versions are judged
    dict     smallint NOT NULL,         -- number of the zstd dictionary
    toks     bigint[] NOT NULL,         -- keyed hashes of tokens and references
    body     bytea NOT NULL,            -- zstd, then AES-256-GCM under the compartment's key
    PRIMARY KEY (cid, rid)
);
ALTER TABLE record.resource ALTER COLUMN body SET STORAGE EXTERNAL; -- already compressed
CREATE INDEX resource_toks ON record.resource USING gin (toks);
CREATE INDEX resource_by_patient ON record.resource (cid, rtype, lo DESC, rid);
CREATE INDEX resource_by_type ON record.resource (rtype, lo DESC, rid);
CREATE INDEX resource_by_origin ON record.resource (cid, origin) WHERE origin IS NOT NULL;

-- Readable words: only the traits of people and places, which the docs list as readable.
CREATE TABLE record.idx_string (
    cid bigint NOT NULL, rid bigint NOT NULL, param smallint NOT NULL, value text COLLATE "C" NOT NULL
);
CREATE INDEX idx_string_value ON record.idx_string (param, value, cid, rid);
CREATE INDEX idx_string_row ON record.idx_string (cid, rid);

-- Dates other than the principal one.
CREATE TABLE record.idx_date (
    cid bigint NOT NULL, rid bigint NOT NULL, param smallint NOT NULL,
    lo timestamptz NOT NULL, hi timestamptz NOT NULL
);
CREATE INDEX idx_date_value ON record.idx_date (param, lo, cid, rid);
CREATE INDEX idx_date_row ON record.idx_date (cid, rid);

-- Versions that are no longer the current one; the current one is record.resource itself.
CREATE TABLE record.history (
    cid bigint NOT NULL, rid bigint NOT NULL, ver integer NOT NULL, upd timestamptz NOT NULL,
    gone boolean NOT NULL, dict smallint NOT NULL, body bytea NOT NULL
) PARTITION BY RANGE (upd);
CREATE INDEX history_of ON record.history (cid, rid, ver);
CREATE TABLE record.history_rest PARTITION OF record.history DEFAULT;
DO $$
BEGIN
    FOR year IN 2026..2040 LOOP
        EXECUTE format('CREATE TABLE record.history_%s PARTITION OF record.history FOR VALUES FROM (%L) TO (%L)',
                       year, make_date(year, 1, 1), make_date(year + 1, 1, 1));
    END LOOP;
END $$;

-- A client-chosen id; several rows may share h: who reads gets the oldest one visible to them.
CREATE TABLE record.id_map (
    h bigint NOT NULL, cid bigint NOT NULL, rid bigint NOT NULL, PRIMARY KEY (h, cid, rid)
);

CREATE TABLE record.attachment (
    cid      bigint NOT NULL,
    rid      bigint NOT NULL,           -- the Binary
    ver      integer NOT NULL,
    address  bytea NOT NULL,            -- SHA-256 of the sealed bytes, which is also the file's name
    digest   bytea NOT NULL,            -- SHA-256 of the plain bytes
    size     bigint NOT NULL,           -- plain bytes
    PRIMARY KEY (cid, rid, ver)
);
CREATE INDEX attachment_address ON record.attachment (address);

-- What has happened, told once after the commit by the relay.
CREATE TABLE record.outbox (
    seq      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    xid      xid8 NOT NULL DEFAULT pg_current_xact_id(), -- read only what no running transaction precedes
    at       timestamptz NOT NULL,
    name     text NOT NULL,             -- events.py
    cid      bigint NOT NULL,
    rids     bigint[] NOT NULL,
    rtypes   smallint[] NOT NULL,
    vers     integer[] NOT NULL
);

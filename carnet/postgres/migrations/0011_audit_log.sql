-- SPDX-License-Identifier: EUPL-1.2
-- The audit shows its own rewriting: each row is a leaf of an RFC 6962 tree, whose heads are signed.
-- docs/decisions/0017. These tables only grow: the worker adds, nobody changes.

-- One leaf a row of access.audit, in the order of their numbers.
CREATE TABLE access.log_leaf (
    pos         bigint PRIMARY KEY CHECK (pos >= 0),
    seq         bigint NOT NULL UNIQUE,
    form        smallint NOT NULL,              -- of the encoding: access/log/rows.py
    salt        bytea NOT NULL,                 -- of what the leaf commits to without saying it
    hash        bytea NOT NULL CHECK (length(hash) = 32)
);

-- Roots of whole subtrees of 256, 65,536… leaves, so that a proof reads a few rows.
CREATE TABLE access.log_node (
    level       smallint NOT NULL CHECK (level > 0 AND level % 8 = 0),
    idx         bigint NOT NULL,
    hash        bytea NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (level, idx)
);

CREATE TABLE access.log_head (
    size        bigint PRIMARY KEY CHECK (size > 0),
    root        bytea NOT NULL CHECK (length(root) = 32),
    at          timestamptz NOT NULL,
    upto        bigint NOT NULL,                -- no row up to this number is still to come
    edge        bytea NOT NULL,                 -- roots of the whole subtrees, the largest first
    key         bytea NOT NULL,                 -- Ed25519, public
    signature   bytea NOT NULL
);
REVOKE INSERT ON access.log_leaf, access.log_node, access.log_head FROM carnet_app;
-- The sealer asks which number was given last, and waits for those who were writing then.
DO $$
BEGIN
    EXECUTE format('GRANT SELECT ON SEQUENCE %s TO carnet_worker',
                   pg_get_serial_sequence('access.audit', 'seq'));
END $$;

-- Records that nobody has a reason to open: an opening raises an alert. The requests' role may not
-- know which they are.
CREATE TABLE access.canary (
    cid         bigint PRIMARY KEY,
    since       timestamptz NOT NULL,
    set_by      text NOT NULL
);
REVOKE ALL ON access.canary FROM carnet_app, carnet_worker;
GRANT SELECT ON access.canary TO carnet_worker;

-- What somebody must look at, found in the audit when it is sealed: who and which line, no name.
CREATE TABLE access.alert (
    seq         bigint NOT NULL,                -- of access.audit
    reason      text NOT NULL CHECK (reason IN ('canary', 'too-many-patients')),
    at          timestamptz NOT NULL,           -- when the act took place
    sub         text NOT NULL,
    reviewed    timestamptz,
    reviewed_by text,
    PRIMARY KEY (seq, reason)
);
CREATE INDEX alert_to_review ON access.alert (at) WHERE reviewed IS NULL;
REVOKE ALL ON access.alert FROM carnet_app;

-- What one account did: their own acts, and how many patients they read in an hour.
CREATE INDEX audit_by ON access.audit (sub, at);

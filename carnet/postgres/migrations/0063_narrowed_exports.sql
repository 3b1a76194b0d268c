-- SPDX-License-Identifier: EUPL-1.2
-- An export lists what the token that asked for it may see: its scopes and what its grant allowed then.
-- docs/decisions/0057.

ALTER TABLE bulk.export
    ADD COLUMN scopes   text[] NOT NULL DEFAULT '{}',   -- of the token; none for who is not narrowed
    ADD COLUMN grant_id text NOT NULL DEFAULT '',       -- of access.allowed
    ADD COLUMN kinds    smallint[],                     -- rows of the access matrix; NULL for all
    ADD COLUMN context  bigint;                         -- the record the token was held to

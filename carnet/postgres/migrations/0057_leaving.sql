-- SPDX-License-Identifier: EUPL-1.2
-- The whole platform taken away: one operator asks, naming the key it is encrypted to; another confirms.
-- docs/decisions/0052.

CREATE TABLE access.leaving (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    recipient    text NOT NULL,          -- public key, age1…
    asked        timestamptz NOT NULL,
    asked_by     text NOT NULL,          -- sub
    ends         timestamptz NOT NULL,   -- of what was asked and not taken
    confirmed    timestamptz,
    confirmed_by text,
    taken        timestamptz,
    digest       bytea,                  -- SHA-256 of the file, as it lay there encrypted
    CHECK ((confirmed IS NULL) = (confirmed_by IS NULL)),
    CHECK (confirmed_by <> asked_by),
    CHECK (taken IS NULL OR confirmed IS NOT NULL)
);
REVOKE ALL ON access.leaving FROM carnet_app, carnet_worker;

-- SPDX-License-Identifier: EUPL-1.2
-- Profiles of the installation, kept for every process that validates. Nothing here is about anybody: the
-- operator writes it (carnet load), services read it. docs/decisions/0042.

CREATE SCHEMA validation;
COMMENT ON SCHEMA validation IS 'profiles and extensions that are validated against, beside those of R4';
GRANT USAGE ON SCHEMA validation TO carnet_app, carnet_worker;

CREATE TABLE validation.profile (
    number    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,  -- of several versions, the last one loaded stands
    url       text NOT NULL,
    version   text NOT NULL,             -- '' when it has none
    body      text NOT NULL,             -- the StructureDefinition, as it was given
    digest    bytea NOT NULL,            -- SHA-256 of the body
    file      text NOT NULL,             -- it came with, without its folders
    loaded_at timestamptz NOT NULL,
    UNIQUE (url, version)
);

-- Changes with each load: what a process has made of the profiles is of one number.
CREATE TABLE validation.generation (
    one    boolean PRIMARY KEY DEFAULT true CHECK (one),
    number bigint NOT NULL
);
INSERT INTO validation.generation (number) VALUES (0);
GRANT SELECT ON validation.profile, validation.generation TO carnet_app, carnet_worker;

-- SPDX-License-Identifier: EUPL-1.2
-- Search parameters of the installation, and by what each row is indexed. docs/decisions/0034.

CREATE SCHEMA search;
COMMENT ON SCHEMA search IS 'search parameters of the installation; by what rows are indexed';
GRANT USAGE ON SCHEMA search TO carnet_app, carnet_worker;

-- What rows are indexed by changes with the parameters of the installation, and with `form`: how the
-- program makes an index row (carnet/fhir/search/own/catalogue.py has the form it makes).
CREATE TABLE search.generation (
    number  integer PRIMARY KEY,        -- from 1
    form    smallint NOT NULL,
    at      timestamptz NOT NULL,       -- by the server's clock
    why     text NOT NULL
);
INSERT INTO search.generation VALUES (1, 1, clock_timestamp(), 'numbers, composites, texts (migration 0025)');

CREATE TABLE search.parameter (
    number      smallint PRIMARY KEY CHECK (number >= 16384), -- in hashes and rows: never given twice
    url         text NOT NULL,
    code        text NOT NULL,
    bases       text[] NOT NULL,        -- concrete types
    definition  jsonb NOT NULL,         -- as carnet/fhir/search/own/understood.py made it
    since       integer NOT NULL REFERENCES search.generation,
    loaded_at   timestamptz NOT NULL,
    complete    timestamptz,            -- since when every row is indexed by it
    removed     timestamptz
);
CREATE UNIQUE INDEX parameter_live ON search.parameter (url) WHERE removed IS NULL;
CREATE SEQUENCE search.parameter_number AS smallint START 16384 MINVALUE 16384;

-- Writers that know less than this are told to look again. Loading a parameter raises it.
CREATE TABLE search.floor (one boolean PRIMARY KEY DEFAULT true CHECK (one), number integer NOT NULL);
INSERT INTO search.floor (number) VALUES (0);

GRANT SELECT ON search.generation, search.parameter, search.floor TO carnet_app, carnet_worker;
GRANT UPDATE (complete) ON search.parameter TO carnet_worker;
GRANT UPDATE (number) ON search.floor TO carnet_worker;

-- What a row was indexed by: 0 is before this migration. A statement that writes calls it once.
CREATE FUNCTION search.admitted(known integer) RETURNS integer
LANGUAGE plpgsql STABLE SET search_path = pg_catalog AS $$
BEGIN
    IF known < (SELECT number FROM search.floor) THEN
        RAISE serialization_failure USING MESSAGE = 'the search parameters have changed';
    END IF;
    RETURN known;
END $$;
-- Whether a search may use these parameters, in the snapshot of its own statement.
CREATE FUNCTION search.usable(asked smallint[]) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog AS $$
BEGIN
    IF (SELECT count(*) FROM search.parameter WHERE number = ANY (asked)
                                                AND complete IS NOT NULL AND removed IS NULL)
       < cardinality(asked) THEN
        RAISE serialization_failure USING MESSAGE = 'the search parameters have changed';
    END IF;
    RETURN true;
END $$;
GRANT EXECUTE ON FUNCTION search.admitted(integer), search.usable(smallint[]) TO carnet_app, carnet_worker;

ALTER TABLE record.resource ADD COLUMN indexed integer NOT NULL DEFAULT 0;
ALTER TABLE record.resource ALTER COLUMN indexed SET DEFAULT search.admitted(0); -- the program of before

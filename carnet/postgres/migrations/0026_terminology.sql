-- SPDX-License-Identifier: EUPL-1.2
-- Code systems and value sets, with where each came from. Nothing here is about anybody: the operator
-- writes it (carnet terminology load), services read it.
-- Source: FHIR R4, CodeSystem and ValueSet; docs/decisions/0031.

CREATE SCHEMA terminology;
COMMENT ON SCHEMA terminology IS 'code systems and value sets, with their sources';
GRANT USAGE ON SCHEMA terminology TO carnet_app, carnet_worker;
ALTER DEFAULT PRIVILEGES IN SCHEMA terminology GRANT SELECT ON TABLES TO carnet_app, carnet_worker;

-- Each file that was loaded.
CREATE TABLE terminology.source (
    id        int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name      text NOT NULL,                  -- of the file, without its folders
    sha256    bytea NOT NULL UNIQUE,
    form      text NOT NULL,                  -- FHIR, SVS, LOINC, CIM-10...
    origin    text NOT NULL DEFAULT '',       -- where the operator had it from
    loaded_at timestamptz NOT NULL
);

CREATE TABLE terminology.code_system (
    id             int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    url            text NOT NULL,
    version        text NOT NULL,             -- '' when it has none
    name           text NOT NULL DEFAULT '',
    title          text NOT NULL DEFAULT '',
    status         text NOT NULL DEFAULT '',
    published      text NOT NULL DEFAULT '',  -- as its file says
    language       text NOT NULL DEFAULT '',
    content        text NOT NULL CHECK (content IN ('complete', 'fragment')),
    case_sensitive boolean NOT NULL,
    value_set      text,                      -- address of that which has all of it
    properties     jsonb NOT NULL,            -- type by name
    size           int NOT NULL,
    source         int NOT NULL REFERENCES terminology.source,
    digest         bytea NOT NULL,            -- of what its file says; of a fragment, of the last one
    current        boolean NOT NULL DEFAULT false,
    UNIQUE (url, version, content)
);
CREATE UNIQUE INDEX code_system_current ON terminology.code_system (url) WHERE current;
CREATE INDEX code_system_whole ON terminology.code_system (value_set);

CREATE TABLE terminology.concept (
    system       int NOT NULL REFERENCES terminology.code_system ON DELETE CASCADE,
    code         text COLLATE "C" NOT NULL,
    seq          int NOT NULL,                -- place in the system
    display      text NOT NULL,
    definition   text NOT NULL DEFAULT '',
    inactive     boolean NOT NULL,
    abstract     boolean NOT NULL,
    parents      text[] NOT NULL,
    properties   jsonb NOT NULL,              -- values as text, by name
    designations jsonb NOT NULL,              -- as FHIR writes them
    words        tsvector NOT NULL,           -- of code, display and designations, folded
    PRIMARY KEY (system, code)
);
CREATE INDEX concept_in_order ON terminology.concept (system, seq);
CREATE INDEX concept_folded ON terminology.concept (system, lower(code));
CREATE INDEX concept_words ON terminology.concept USING gin (words);
CREATE INDEX concept_properties ON terminology.concept USING gin (properties jsonb_path_ops);

-- Every pair of a concept and one it is below, however far.
CREATE TABLE terminology.below (
    system   int NOT NULL REFERENCES terminology.code_system ON DELETE CASCADE,
    ancestor text COLLATE "C" NOT NULL,
    code     text COLLATE "C" NOT NULL,
    seq      int NOT NULL,                    -- of the concept
    PRIMARY KEY (system, ancestor, code) INCLUDE (seq)
);
CREATE INDEX below_code ON terminology.below (system, code, ancestor);

CREATE TABLE terminology.value_set (
    id        int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    url       text NOT NULL,
    version   text NOT NULL,
    name      text NOT NULL DEFAULT '',
    title     text NOT NULL DEFAULT '',
    status    text NOT NULL DEFAULT '',
    published text NOT NULL DEFAULT '',
    language  text NOT NULL DEFAULT '',
    compose   jsonb NOT NULL,                 -- its clauses, without the concepts they list
    source    int NOT NULL REFERENCES terminology.source,
    digest    bytea NOT NULL,
    current   boolean NOT NULL DEFAULT false,
    UNIQUE (url, version)
);
CREATE UNIQUE INDEX value_set_current ON terminology.value_set (url) WHERE current;

-- The concepts a clause lists one by one.
CREATE TABLE terminology.listed (
    value_set    int NOT NULL REFERENCES terminology.value_set ON DELETE CASCADE,
    clause       smallint NOT NULL,           -- place among includes, then excludes
    seq          int NOT NULL,
    code         text COLLATE "C" NOT NULL,
    display      text NOT NULL,
    designations jsonb NOT NULL,
    words        tsvector NOT NULL,
    PRIMARY KEY (value_set, clause, seq)
);
CREATE INDEX listed_code ON terminology.listed (value_set, clause, code);

-- Other names of systems and value sets: OIDs, short addresses.
CREATE TABLE terminology.alias (
    kind text NOT NULL CHECK (kind IN ('CodeSystem', 'ValueSet')),
    name text NOT NULL,
    url  text NOT NULL,
    PRIMARY KEY (kind, name)
);

-- Changes with each load: what is remembered in a process is of one number.
CREATE TABLE terminology.generation (
    one    boolean PRIMARY KEY DEFAULT true CHECK (one),
    number bigint NOT NULL
);
INSERT INTO terminology.generation (number) VALUES (0);

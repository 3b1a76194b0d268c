-- SPDX-License-Identifier: EUPL-1.2
-- Applications and software that act with a token: what each may ask, what was granted, to whom, until when.
-- No secret rests here: codes, refresh tokens and client secrets are SHA-256 of 256 random bits.
-- docs/decisions/0055.

CREATE TABLE access.client (
    id          text PRIMARY KEY,               -- client_id
    name        text NOT NULL,                  -- as people read it
    kind        text NOT NULL CHECK (kind IN ('app', 'software')), -- one that people allow; that of an organisation
    subject     text REFERENCES access.subject, -- of a software: whom it is with its own credentials
    method      text NOT NULL                   -- how it proves who it is: RFC 7591, token_endpoint_auth_method
        CHECK (method IN ('none', 'private_key_jwt', 'client_secret_basic', 'client_secret_post')),
    secret      bytea,                          -- SHA-256 of a secret of 256 random bits
    keys        jsonb,                          -- its public keys: {"keys": [...]}
    redirects   text[] NOT NULL DEFAULT '{}',   -- compared whole
    origins     text[] NOT NULL DEFAULT '{}',   -- of its pages, for CORS
    launch      text,                           -- where an EHR launch begins
    grants      text[] NOT NULL,                -- authorization_code, refresh_token, client_credentials, token exchange
    scopes      text NOT NULL,                  -- the widest it may ask
    homepage    text,
    privacy     text,                           -- its notice about personal data
    sandbox     boolean NOT NULL DEFAULT false, -- its tokens may last a day, in a demonstration or a test instance
    state       text NOT NULL DEFAULT 'proposed' CHECK (state IN ('proposed', 'live', 'suspended', 'ended')),
    rev         integer NOT NULL DEFAULT 1,     -- raised to end every token of its own
    made_at     timestamptz NOT NULL,
    made_by     text NOT NULL,                  -- subject
    decided_at  timestamptz,
    decided_by  text,
    CHECK ((kind = 'software') = (subject IS NOT NULL)),
    CHECK ((method = 'private_key_jwt') = (keys IS NOT NULL)),
    CHECK ((method LIKE 'client_secret%') = (secret IS NOT NULL))
);
CREATE INDEX client_of ON access.client (subject) WHERE subject IS NOT NULL;

CREATE TABLE access.allowed (                   -- a grant: what a person, or an organisation, let a client do
    id          uuid PRIMARY KEY,               -- claim `grant` of its tokens
    client      text NOT NULL REFERENCES access.client,
    sub         text NOT NULL REFERENCES access.subject, -- in whose name
    scope       text NOT NULL,                  -- what was allowed, of what was asked
    cid         bigint,                         -- the record in context: forgotten with it
    situation   text,                           -- of a professional
    kinds       smallint[],                     -- rows of the access matrix it reads; NULL: all of them
    writes      boolean NOT NULL,               -- whether it may deposit
    until       timestamptz,                    -- the day the person chose; NULL for a session
    offline     boolean NOT NULL,               -- it has a refresh token
    acr         text NOT NULL,
    amr         text[] NOT NULL DEFAULT '{}',
    authenticated timestamptz NOT NULL,         -- when they logged in
    sub_rev     integer NOT NULL,               -- revision of the subject then: ending connections ends it
    made_at     timestamptz NOT NULL,
    used_at     timestamptz,                    -- last time a token was given
    ended_at    timestamptz,
    ended_why   text CHECK (ended_why IN ('person', 'client', 'operator', 'reuse', 'code-reuse', 'replaced', 'over'))
);
CREATE INDEX allowed_of ON access.allowed (sub) WHERE ended_at IS NULL;
CREATE INDEX allowed_to ON access.allowed (client) WHERE ended_at IS NULL;

CREATE TABLE access.asked (                     -- a request of the authorization endpoint that waits for an answer
    id          bytea PRIMARY KEY,              -- SHA-256 of what the address of the page holds
    client      text NOT NULL REFERENCES access.client,
    parameters  jsonb NOT NULL,                 -- as they came, checked
    sub         text,                           -- who first looked at it: nobody else answers it
    made_at     timestamptz NOT NULL,
    until       timestamptz NOT NULL,
    answered_at timestamptz
);

CREATE TABLE access.code (                      -- an authorization code; used once
    hash        bytea PRIMARY KEY,
    allowed     uuid NOT NULL REFERENCES access.allowed ON DELETE CASCADE,
    redirect    text NOT NULL,
    challenge   text NOT NULL,                  -- S256
    nonce       text,
    context     jsonb NOT NULL DEFAULT '{}',    -- of a launch: what goes beside the token
    until       timestamptz NOT NULL,
    used_at     timestamptz
);

CREATE TABLE access.refresh (                   -- one of a family, `allowed`; used once, then the next
    hash        bytea PRIMARY KEY,
    allowed     uuid NOT NULL REFERENCES access.allowed ON DELETE CASCADE,
    made_at     timestamptz NOT NULL,
    until       timestamptz NOT NULL,
    used_at     timestamptz
);
CREATE INDEX refresh_of ON access.refresh (allowed);

CREATE TABLE access.launch (                    -- a professional opens an application on a patient
    hash        bytea PRIMARY KEY,
    client      text NOT NULL REFERENCES access.client,
    sub         text NOT NULL REFERENCES access.subject,
    situation   text,
    cid         bigint NOT NULL,                -- the record it is opened on
    context     jsonb NOT NULL DEFAULT '{}',    -- encounter, intent
    until       timestamptz NOT NULL,
    used_at     timestamptz
);

CREATE TABLE access.assertion (                 -- jti of assertions that were taken, until they expire
    client      text NOT NULL,
    jti         bytea NOT NULL,                 -- SHA-256
    until       timestamptz NOT NULL,
    PRIMARY KEY (client, jti)
);
CREATE INDEX assertion_until ON access.assertion (until);

GRANT SELECT, INSERT, UPDATE ON access.client, access.allowed, access.asked, access.code, access.refresh,
    access.launch TO carnet_app;
GRANT SELECT, INSERT ON access.assertion TO carnet_app;
GRANT SELECT, DELETE ON access.asked, access.code, access.refresh, access.launch, access.assertion TO carnet_worker;
GRANT SELECT, UPDATE ON access.client, access.allowed TO carnet_worker;

-- SPDX-License-Identifier: EUPL-1.2
-- Codes for every account, sent by letter and e-mail; addresses a lost password is found again by; the end of a
-- second factor that was lost. docs/decisions/0064.

ALTER TABLE access.activation
    ADD COLUMN kind text NOT NULL DEFAULT 'account'         -- factor: it ends the second factors of the account
        CHECK (kind IN ('account', 'factor')),
    ADD COLUMN second bytea,                                -- keyed hash of the number that goes with it
    ADD COLUMN email text,                                  -- where it was sent; NULL once it is over
    DROP CONSTRAINT activation_how_check,
    DROP CONSTRAINT activation_check,
    ADD CHECK (how IN ('counter', 'command', 'letter', 'email', 'recovery')),
    ADD CHECK (kind = 'account' OR how IN ('counter', 'command')),
    ADD CHECK (num_nonnulls(born, second) = CASE WHEN used_at IS NULL AND ended_at IS NULL THEN 1 ELSE 0 END),
    ADD CHECK (email IS NULL OR (used_at IS NULL AND ended_at IS NULL AND how IN ('email', 'recovery')));
GRANT UPDATE (second, email) ON access.activation TO carnet_app;
GRANT INSERT ON access.activation TO carnet_worker;
GRANT UPDATE (born, second, email, ended_at) ON access.activation TO carnet_worker;

CREATE TABLE access.recovery (                  -- the address of an account, proved by a code that was sent there
    sub         text PRIMARY KEY REFERENCES access.subject,
    cid         bigint,                         -- the record of a patient: forgotten with it
    email       text,                           -- in small letters; NULL while none is proved
    since       timestamptz,
    asked       text,                           -- the one that is being proved
    hash        bytea,                          -- keyed hash of the code that was sent there
    until       timestamptz,
    tries       smallint NOT NULL DEFAULT 0,
    CHECK ((email IS NULL) = (since IS NULL)),
    CHECK (num_nonnulls(asked, hash, until) IN (0, 3))
);
CREATE INDEX recovery_by ON access.recovery (email);
REVOKE ALL ON access.recovery FROM carnet_app, carnet_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON access.recovery TO carnet_app;
GRANT SELECT, DELETE ON access.recovery TO carnet_worker;

CREATE TABLE access.mail (                      -- e-mails about accounts that wait; each row goes when it has left
    id          bigint PRIMARY KEY,
    sub         text,                           -- the account it is about; NULL when nobody knows yet
    cid         bigint,
    template    text NOT NULL,                  -- a section of carnet/accounts/mails.toml
    email       text NOT NULL,
    language    text NOT NULL DEFAULT 'fr',
    seed        bytea,                          -- with the installation's key it makes the code again
    number      bytea,                          -- of who lost a password: keyed hash of what their page showed
    at          timestamptz NOT NULL,
    until       timestamptz NOT NULL,           -- of no use afterwards
    tries       smallint NOT NULL DEFAULT 0,
    next_try    timestamptz NOT NULL,
    failed      text                            -- the kind of error, without its words
);
CREATE INDEX mail_due ON access.mail (next_try);
CREATE INDEX mail_of ON access.mail (sub);
REVOKE ALL ON access.mail FROM carnet_app, carnet_worker;
GRANT SELECT, INSERT, DELETE ON access.mail TO carnet_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON access.mail TO carnet_worker;

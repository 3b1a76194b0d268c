-- SPDX-License-Identifier: EUPL-1.2
-- What was decided of clients, by whom and why; and which run on the device of who uses them.
-- docs/decisions/0061.

ALTER TABLE access.client
    ADD COLUMN native boolean NOT NULL DEFAULT false;   -- redirects to the device itself (RFC 8252, 7.3)

CREATE TABLE access.client_act (                -- the life of a client; never changed
    client      text NOT NULL REFERENCES access.client,
    number      integer NOT NULL,               -- 1, 2, 3…
    at          timestamptz NOT NULL,
    by          text NOT NULL,                  -- subject
    act         text NOT NULL CHECK (act IN ('propose', 'approve', 'suspend', 'resume', 'end', 'add-key',
        'remove-key', 'renew-secret', 'scopes', 'redirects', 'origins')),
    detail      text NOT NULL DEFAULT '',       -- of a key, its kid; of scopes, those from then on
    why         text NOT NULL DEFAULT '',
    PRIMARY KEY (client, number)
);
GRANT SELECT, INSERT ON access.client_act TO carnet_app;
GRANT SELECT ON access.client_act TO carnet_worker;

-- SPDX-License-Identifier: EUPL-1.2
-- Which appointment holds a slot (decision 66): one at most, whoever asks at the same instant.
CREATE SCHEMA care;
GRANT USAGE ON SCHEMA care TO carnet_app, carnet_worker;
CREATE TABLE care.taken (
    slot        bigint PRIMARY KEY,             -- number of the Slot, in compartment 0
    by          bigint NOT NULL,                -- keyed hash of the appointment: whose it is cannot be read
    at          timestamptz NOT NULL
);
GRANT SELECT, INSERT, DELETE ON care.taken TO carnet_app, carnet_worker;

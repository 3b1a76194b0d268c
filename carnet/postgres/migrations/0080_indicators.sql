-- SPDX-License-Identifier: EUPL-1.2
-- What the audit says of how the platform is used, by closed month: numbers of people, no person.
CREATE SCHEMA ecosystem;
GRANT USAGE ON SCHEMA ecosystem TO carnet_app, carnet_worker;
CREATE TABLE ecosystem.indicator (
    month       date NOT NULL CHECK (extract(day FROM month) = 1),
    key         text NOT NULL,                  -- a line of carnet/ecosystem/indicators.toml
    version     text NOT NULL,                  -- of that file, when it was counted
    people      bigint NOT NULL CHECK (people >= 0),
    PRIMARY KEY (month, key)
);
GRANT SELECT, INSERT, UPDATE ON ecosystem.indicator TO carnet_worker;
-- Those who serve pages read what may be told, and never a small number.
CREATE VIEW ecosystem.told AS
    SELECT month, key, CASE WHEN people >= 11 THEN people END AS people FROM ecosystem.indicator;
GRANT SELECT ON ecosystem.told TO carnet_app;

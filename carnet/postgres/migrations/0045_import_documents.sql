-- SPDX-License-Identifier: EUPL-1.2
-- An installation that leaves has several depositors: each is an import that keeps ids, and the second one
-- finds the people whom the first one brought. docs/decisions/0043.

ALTER TABLE bulk.chunk ADD COLUMN persons integer NOT NULL DEFAULT 0; -- Patients that these lines made

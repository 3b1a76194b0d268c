-- SPDX-License-Identifier: EUPL-1.2
-- An emergency opening made in a minor's secret connection: their representatives are not told of it.
-- Source: CSP L.1111-5, R.1111-50; docs/decisions/0020.

ALTER TABLE access.emergency ADD COLUMN secret boolean NOT NULL DEFAULT false;

-- SPDX-License-Identifier: EUPL-1.2
-- What people allowed ends with what let them: a mandate, an open record. docs/decisions/0060.

ALTER TABLE access.allowed DROP CONSTRAINT allowed_ended_why_check;
ALTER TABLE access.allowed ADD CONSTRAINT allowed_ended_why_check CHECK (ended_why IN (
    'person', 'client', 'operator', 'reuse', 'code-reuse', 'replaced', 'over', 'mandate', 'record'));
CREATE INDEX allowed_on ON access.allowed (cid) WHERE ended_at IS NULL;

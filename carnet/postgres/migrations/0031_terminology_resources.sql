-- SPDX-License-Identifier: EUPL-1.2
-- Code systems and value sets are read and searched as resources, by an id made of what they are; supplements
-- add labels and properties to a system. Source: FHIR R4, CodeSystem.supplements; docs/decisions/0037.

ALTER TABLE terminology.code_system
    ADD COLUMN head jsonb NOT NULL DEFAULT '{}',      -- what else its file says of it: publisher, date…
    ADD COLUMN supplements text,                      -- address of the system it adds to
    ADD COLUMN aliases jsonb NOT NULL DEFAULT '{}',   -- FHIR's own properties, by the name they have here
    ADD COLUMN rid text NOT NULL GENERATED ALWAYS AS (md5(url || '|' || version || '|' || content)) STORED,
    DROP CONSTRAINT code_system_content_check,
    ADD CONSTRAINT code_system_content_check CHECK (content IN ('complete', 'fragment', 'supplement'));
CREATE UNIQUE INDEX code_system_rid ON terminology.code_system (rid);
CREATE INDEX code_system_supplements ON terminology.code_system (supplements) WHERE supplements IS NOT NULL;

ALTER TABLE terminology.value_set
    ADD COLUMN head jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN supplements text[] NOT NULL DEFAULT '{}',  -- which it asks for
    ADD COLUMN rid text NOT NULL GENERATED ALWAYS AS (md5(url || '|' || version)) STORED;
CREATE UNIQUE INDEX value_set_rid ON terminology.value_set (rid);

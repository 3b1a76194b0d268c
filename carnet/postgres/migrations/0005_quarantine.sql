-- SPDX-License-Identifier: EUPL-1.2
-- Identities in quarantine: made from what a document claims, never the holder of the number it claims.
-- They have no INS, so that no search by number finds them; the number is kept beside, as a claim.
-- See docs/decisions/0013-quarantine-of-identity.md.
ALTER TABLE access.identity
    ADD COLUMN quarantined boolean NOT NULL DEFAULT false,
    ADD COLUMN claim text,               -- the number a document claims, as it came
    ADD COLUMN claim_system text,
    ADD CONSTRAINT identity_in_quarantine_has_no_ins CHECK (NOT quarantined OR ins IS NULL);
-- The same claim and the same traits are the same identity.
CREATE UNIQUE INDEX identity_quarantined
    ON access.identity (claim, claim_system, birth_name, first_given, birth_date, sex, birth_place)
    NULLS NOT DISTINCT WHERE quarantined;

-- SPDX-License-Identifier: EUPL-1.2
-- Codes by which a person, proven at a counter, makes their account or comes back in. docs/decisions/0059.

CREATE TABLE access.activation (
    hash        bytea PRIMARY KEY,              -- keyed hash of the code: the code itself rests nowhere
    sub         text NOT NULL REFERENCES access.subject,
    cid         bigint,                         -- the record of a patient: forgotten with it
    born        date,                           -- what goes with the code; NULL once it is over
    how         text NOT NULL CHECK (how IN ('counter', 'command')),
    proof       text NOT NULL,                  -- code of the document that was seen; never its number
    made_by     text NOT NULL,                  -- subject
    made_at     timestamptz NOT NULL,
    until       timestamptz NOT NULL,
    tries       smallint NOT NULL DEFAULT 0,    -- wrong birth dates
    used_at     timestamptz,
    ended_at    timestamptz,                    -- replaced by another code, or the account was ended
    CHECK ((born IS NULL) = (used_at IS NOT NULL OR ended_at IS NOT NULL))
);
CREATE INDEX activation_of ON access.activation (sub) WHERE used_at IS NULL AND ended_at IS NULL;
REVOKE ALL ON access.activation FROM carnet_app, carnet_worker;
GRANT SELECT, INSERT ON access.activation TO carnet_app;
GRANT UPDATE (born, tries, used_at, ended_at) ON access.activation TO carnet_app;
GRANT SELECT, DELETE ON access.activation TO carnet_worker;

-- The subject of a person whose identity an operator holds: no service adds any other.
CREATE FUNCTION access.subject_of(persons bigint[]) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    found text;
BEGIN
    -- Two counters at once wait for one another: a person has one subject.
    PERFORM pg_advisory_xact_lock(hashtextextended('subject:' || (SELECT min(x) FROM unnest(persons) x), 0));
    SELECT sub INTO found FROM access.subject
     WHERE patient = ANY (persons) AND kind = 'patient' ORDER BY sub LIMIT 1;
    IF found IS NULL THEN
        INSERT INTO access.subject (sub, kind, name, patient)
        SELECT 'patient:' || gen_random_uuid(), 'patient', i.shown_name, i.cid
          FROM access.identity i WHERE i.cid = ANY (persons) ORDER BY i.cid LIMIT 1
        RETURNING sub INTO found;
    END IF;
    RETURN found;
END $$;
REVOKE ALL ON FUNCTION access.subject_of(bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION access.subject_of(bigint[]) TO carnet_app;

-- SPDX-License-Identifier: EUPL-1.2
-- Numbers that search compares: sealed like the body they come from, and opened by the statement that
-- compares them, with a key it is given and that the database does not keep. docs/decisions/0029.

CREATE TABLE record.idx_number (
    cid  bigint NOT NULL,
    rid  bigint NOT NULL,
    salt bigint NOT NULL,               -- what the four numbers are sealed with, beside the key
    lo   bigint NOT NULL,               -- the value as it is written; its end, where it has another
    hi   bigint,
    lo2  bigint,                        -- in base units; of a composite, its second number
    hi2  bigint,
    tags bigint[] NOT NULL              -- keyed hashes: the parameters it is a value of, its units
);
CREATE INDEX idx_number_row ON record.idx_number (cid, rid);

-- It follows the row it belongs to.
ALTER TABLE record.idx_number ENABLE ROW LEVEL SECURITY;
ALTER TABLE record.idx_number FORCE ROW LEVEL SECURITY;
CREATE POLICY see ON record.idx_number FOR SELECT USING (EXISTS (
    SELECT 1 FROM record.resource r WHERE r.cid = idx_number.cid AND r.rid = idx_number.rid));
CREATE POLICY feed ON record.idx_number FOR INSERT WITH CHECK (
    cid = ANY ((SELECT access.context(16))::bigint[]));
CREATE POLICY sweep ON record.idx_number FOR DELETE USING (
    cid = ANY ((SELECT access.context(16))::bigint[]));
GRANT DELETE ON record.idx_number TO carnet_app, carnet_worker;
SELECT access.arm_erasure();

-- One of the four numbers, opened: carnet/fhir/search/ordered.py says the same.
CREATE FUNCTION record.opened(sealed bigint, salt bigint, key bytea, place integer) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT sealed # ('x' || encode(substr(sha256(key || int8send(salt)), place * 8 + 1, 8), 'hex'))::bit(64)::bigint
$$;
GRANT EXECUTE ON FUNCTION record.opened(bigint, bigint, bytea, integer) TO carnet_app, carnet_worker;

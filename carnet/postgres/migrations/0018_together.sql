-- SPDX-License-Identifier: EUPL-1.2
-- What is decided on a record that is a set of compartments holds in all of them, and goes back where it
-- belongs when the set is split; erasure of sets; where a notice goes. Source: docs/decisions/0021.

-- ---------------------------------------- decided in one, changed in the others

-- A decision names one compartment and changes rows of the others: what those were is kept until the
-- merge that made it so is undone. `carnet.named` says which was named (access/together.py).
CREATE TABLE access.meanwhile (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cid     bigint NOT NULL,                -- whose row was changed
    named   bigint NOT NULL,                -- by a decision made in this one
    tbl     text NOT NULL,
    key     jsonb NOT NULL,                 -- of the row
    before  jsonb NOT NULL,                 -- the columns that changed, as they were
    after   jsonb NOT NULL                  -- and as they became
);
CREATE INDEX meanwhile_of ON access.meanwhile (cid, id);
ALTER TABLE access.meanwhile ENABLE ROW LEVEL SECURITY;
ALTER TABLE access.meanwhile FORCE ROW LEVEL SECURITY;
CREATE POLICY act ON access.meanwhile USING (
    cid = ANY ((SELECT access.context(16))::bigint[]) OR (SELECT access.context(17)) = 'platform');
CREATE POLICY own ON access.meanwhile TO carnet_admin USING (true) WITH CHECK (true);
GRANT UPDATE (before, after), DELETE ON access.meanwhile TO carnet_app;

CREATE FUNCTION access.remember() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    named_ bigint := current_setting('carnet.named')::bigint;
    was    jsonb := to_jsonb(OLD);
    is_    jsonb := to_jsonb(NEW);
    whose  jsonb := (SELECT jsonb_object_agg(a, was -> a) FROM unnest(TG_ARGV) a);
    other  text[] := ARRAY(SELECT key FROM jsonb_each(was) WHERE is_ -> key IS DISTINCT FROM value);
BEGIN
    IF other = '{}' THEN
        RETURN NULL;
    ELSIF OLD.cid <> named_ THEN
        INSERT INTO access.meanwhile (cid, named, tbl, key, before, after)
        SELECT OLD.cid, named_, TG_TABLE_NAME, whose, jsonb_object_agg(c, was -> c), jsonb_object_agg(c, is_ -> c)
          FROM unnest(other) c;
    ELSE -- their own word: nothing is given back over it
        UPDATE access.meanwhile m SET before = m.before - other, after = m.after - other
         WHERE m.cid = OLD.cid AND m.tbl = TG_TABLE_NAME AND m.key = whose;
        DELETE FROM access.meanwhile m
         WHERE m.cid = OLD.cid AND m.tbl = TG_TABLE_NAME AND m.key = whose AND m.before = '{}';
    END IF;
    RETURN NULL;
END $$;

DO $$
DECLARE
    line text[];
BEGIN
    FOREACH line SLICE 1 IN ARRAY ARRAY[
        ['record', 'cid', '', ''], ['consent', 'id', '', ''], ['mandate', 'id', '', ''],
        ['emergency', 'id', '', ''], ['block', 'cid', 'rpps', 'since'],
        ['trusted', 'cid', 'rpps', 'since'], ['refusal', 'cid', 'mode', 'since']] LOOP
        EXECUTE format(
            'CREATE TRIGGER remember AFTER UPDATE ON access.%I FOR EACH ROW'
            ' WHEN (coalesce(current_setting(''carnet.named'', true), '''') <> '''')'
            ' EXECUTE FUNCTION access.remember(%s)', line[1],
            (SELECT string_agg(quote_literal(a), ', ') FROM unnest(line[2:]) a WHERE a <> ''));
    END LOOP;
END $$;

-- ---------------------------------------- where one is told

-- verified: the person said it themselves, logged in. What a software sends never replaces that.
ALTER TABLE notices.address ADD COLUMN verified timestamptz;
UPDATE notices.address SET verified = statement_timestamp();
GRANT UPDATE (verified) ON notices.address TO carnet_app, carnet_worker;

-- The address of a record: of its own compartment, or of another of the same person; what was verified
-- comes first, then what is said nearest. Under the context of who asks.
CREATE FUNCTION notices.address_of(which bigint) RETURNS SETOF notices.address
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT a.*
      FROM access.record r
      JOIN access.record x ON x.person = r.person
      JOIN notices.address a ON a.cid = x.cid
     WHERE r.cid = which
     ORDER BY a.verified IS NULL, a.cid <> which, a.cid <> r.person, a.cid LIMIT 1
$$;

GRANT EXECUTE ON FUNCTION notices.address_of(bigint) TO carnet_app, carnet_worker;

-- ---------------------------------------- erasure of one of a set, and of what names it elsewhere

ALTER FUNCTION access.erase(bigint, timestamptz) RENAME TO erase_rows;
REVOKE ALL ON FUNCTION access.erase_rows(bigint, timestamptz) FROM PUBLIC, carnet_worker;

CREATE FUNCTION access.erase(erased bigint, moment timestamptz) RETURNS SETOF bytea
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    t regclass;
    rest bigint[];
BEGIN
    IF to_regclass('portal.account_emailconfirmation') IS NOT NULL THEN
        EXECUTE 'DELETE FROM portal.account_emailconfirmation c USING portal.account_emailaddress e,'
                ' portal.accounts_account a, access.subject s WHERE c.email_address_id = e.id'
                ' AND e.user_id = a.user_id AND s.sub = a.subject AND s.patient = $1 AND access.erases($1)'
            USING erased;
    END IF;
    RETURN QUERY SELECT * FROM access.erase_rows(erased, moment);
    -- Again: what was being written while the rows above were waited for.
    FOR t IN SELECT access.erasable() LOOP
        EXECUTE format('DELETE FROM %s WHERE cid = $1', t) USING erased;
    END LOOP;
    -- Whoever compared or merged it keeps numbers: neither what they wrote nor why. The rest of its
    -- person's record is a set without it.
    DELETE FROM vigilance.candidate WHERE one = erased OR other = erased;
    UPDATE vigilance.merge SET reason = 'erased', undone_why = CASE WHEN undone_why IS NOT NULL THEN 'erased' END
     WHERE source = erased OR target = erased;
    UPDATE vigilance.merge SET undone = moment, undone_by = 'platform:erasure', undone_why = 'erased'
     WHERE (source = erased OR target = erased) AND confirmed AND undone IS NULL;
    rest := ARRAY(SELECT x.cid FROM access.record r JOIN access.record x ON x.person = r.person WHERE r.cid = erased);
    WITH RECURSIVE up AS (
        SELECT c AS cid, c AS top FROM unnest(rest) c
        UNION ALL
        SELECT u.cid, m.target FROM up u JOIN vigilance.merge m ON m.source = u.top AND m.confirmed AND m.undone IS NULL
    )
    UPDATE access.record r SET root = nullif(u.top, u.cid)
      FROM up u
     WHERE r.cid = u.cid AND NOT EXISTS (
           SELECT FROM vigilance.merge m WHERE m.source = u.top AND m.confirmed AND m.undone IS NULL);
END $$;
REVOKE ALL ON FUNCTION access.erase(bigint, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION access.erase(bigint, timestamptz) TO carnet_worker;

SELECT access.arm_erasure();

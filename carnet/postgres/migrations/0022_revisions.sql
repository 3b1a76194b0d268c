-- SPDX-License-Identifier: EUPL-1.2
-- A decision may be remembered: each record has a revision, which changes in the transaction that changes
-- anything a decision on it reads. What is read under a remembered decision is read in one snapshot with
-- the revisions it was made at, or not at all. docs/decisions/0025.

-- One line a record; its person's other records have their own. A revision is drawn, never counted: the
-- same one is the same state, after a rollback, an erasure or a restoration too.
CREATE TABLE access.revision (
    about       bigint PRIMARY KEY,     -- compartment; the assistants of a professional: their RPPS, negative
    rev         uuid NOT NULL
) WITH (fillfactor = 70);               -- room to change a line where it is
REVOKE INSERT ON access.revision FROM carnet_app, carnet_worker;

CREATE FUNCTION access.revise(VARIADIC changed bigint[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    INSERT INTO access.revision AS r (about, rev)
        SELECT c, gen_random_uuid() FROM unnest(changed) c WHERE c IS NOT NULL GROUP BY c ORDER BY c
        ON CONFLICT (about) DO UPDATE SET rev = excluded.rev
$$;

-- What is said in a record: consent, team, block, mandate, trusted, emergency.
CREATE FUNCTION access.revise_said() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    PERFORM access.revise(OLD.cid, NEW.cid);
    RETURN NULL;
END $$;

-- Its state, and whose it is: a record that joins a person's, or leaves, revises what that person is.
CREATE FUNCTION access.revise_record() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    PERFORM access.revise(OLD.cid, OLD.person, NEW.cid, NEW.person);
    RETURN NULL;
END $$;

-- A team that goes takes its members along, and is said to have gone by its own line.
CREATE FUNCTION access.revise_member() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    PERFORM access.revise(VARIADIC ARRAY(
        SELECT t.cid FROM access.team t WHERE t.id IN (OLD.team, NEW.team)));
    RETURN NULL;
END $$;

CREATE FUNCTION access.revise_assistant() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    PERFORM access.revise(-OLD.rpps, -NEW.rpps);
    RETURN NULL;
END $$;

CREATE FUNCTION access.revise_all() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    UPDATE access.revision SET rev = gen_random_uuid();
    RETURN NULL;
END $$;

DO $$
DECLARE
    name text;
    revise text;
BEGIN
    FOR name, revise IN VALUES
        ('record', 'revise_record'), ('team_member', 'revise_member'), ('assistant', 'revise_assistant'),
        ('consent', 'revise_said'), ('team', 'revise_said'), ('block', 'revise_said'),
        ('mandate', 'revise_said'), ('trusted', 'revise_said'), ('emergency', 'revise_said')
    LOOP
        EXECUTE format('CREATE TRIGGER revise AFTER INSERT OR UPDATE OR DELETE ON access.%I'
                       ' FOR EACH ROW EXECUTE FUNCTION access.%I()', name, revise);
        EXECUTE format('CREATE TRIGGER revise_all AFTER TRUNCATE ON access.%I'
                       ' FOR EACH STATEMENT EXECUTE FUNCTION access.revise_all()', name);
        -- Whatever the session says of triggers: a replica's too.
        EXECUTE format('ALTER TABLE access.%I ENABLE ALWAYS TRIGGER revise', name);
        EXECUTE format('ALTER TABLE access.%I ENABLE ALWAYS TRIGGER revise_all', name);
    END LOOP;
END $$;
INSERT INTO access.revision (about, rev) SELECT cid, gen_random_uuid() FROM access.record;

-- What a decision on these records is made at: the revisions of the records asked for, of those of the
-- same persons, of the persons; beside them, of the assistants of a professional; as part 22 of the sealed
-- context, below. And the next instant at which time alone may change the decision. The plan is made once:
-- there is much to plan and little to read.
CREATE FUNCTION access.proven(cids bigint[], beside bigint[], moment timestamptz,
                              OUT proof text, OUT next timestamptz)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    WITH every AS MATERIALIZED (
        SELECT unnest(cids || beside) AS about
        UNION
        SELECT unnest(ARRAY[x.cid, x.person])
          FROM access.record a JOIN access.record x ON x.person = a.person
         WHERE a.cid = ANY (cids)
    )
    SELECT array_agg(e.about ORDER BY e.about)::text || ';' || array_agg(v.rev ORDER BY e.about)::text, min((
        SELECT min(f.t)
          FROM (SELECT unnest(ARRAY[since, until]) FROM access.consent WHERE cid = e.about
                UNION ALL
                SELECT unnest(ARRAY[m.since, m.until])
                  FROM access.team t JOIN access.team_member m ON m.team = t.id
                 WHERE t.cid = e.about
                UNION ALL
                SELECT unnest(ARRAY[since, until]) FROM access.block WHERE cid = e.about
                UNION ALL
                SELECT unnest(ARRAY[since, until]) FROM access.mandate WHERE cid = e.about
                UNION ALL
                SELECT unnest(ARRAY[since, until]) FROM access.trusted WHERE cid = e.about
                UNION ALL
                SELECT unnest(ARRAY[since, until]) FROM access.emergency WHERE cid = e.about
                UNION ALL
                SELECT unnest(ARRAY[since, until]) FROM access.assistant WHERE rpps = -e.about) f (t)
         WHERE f.t > moment AND isfinite(f.t)))
      INTO proof, next
      FROM every e LEFT JOIN access.revision v ON v.about = e.about;
END $$;
GRANT EXECUTE ON FUNCTION access.proven(bigint[], bigint[], timestamptz) TO carnet_app, carnet_worker;

-- Whether what the statement's decision was made on is still so, in the snapshot of that statement. Part
-- 22 of the sealed context: two arrays, "{about,…};{revision,…}", with a NULL where there is no revision;
-- an empty part is a decision nobody remembers. The MAC is not looked at here: a context that was altered
-- opens nothing by its other parts.
CREATE FUNCTION access.unchanged() RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED SET search_path = pg_catalog AS $$
DECLARE
    proof text := split_part(current_setting('carnet.scope', true), '|', 25);
    made  bigint[];
    was   uuid[];
    is_   uuid;
BEGIN
    IF proof IS NULL OR proof = '' THEN RETURN true; END IF;
    made := split_part(proof, ';', 1);
    was := split_part(proof, ';', 2);
    FOR i IN 1 .. cardinality(made) LOOP -- three times faster than to join two arrays
        SELECT rev INTO is_ FROM access.revision WHERE about = made[i];
        IF is_ IS DISTINCT FROM was[i] THEN
            RAISE serialization_failure USING MESSAGE = 'what was decided on has changed';
        END IF;
    END LOOP;
    RETURN true;
END $$;
GRANT EXECUTE ON FUNCTION access.unchanged() TO carnet_app, carnet_worker;

-- Every reading of record.resource, and by it of the tables that follow it.
CREATE POLICY unchanged ON record.resource AS RESTRICTIVE FOR SELECT USING ((SELECT access.unchanged()));

-- ---------------------------------------- what a context says, read once a statement and not once a row

-- The parts were text in the subquery and arrays outside of it: the arrays were read again for each row.
ALTER POLICY see_matrix_1 ON record.resource USING (
    cid = ANY ((SELECT access.context(1)::bigint[])::bigint[])
    AND kind = ANY ((SELECT access.context(2)::smallint[])::smallint[])
    AND (labels & (SELECT access.context(3)::smallint)) = 0
    AND (owners IS NULL OR owners <@ (SELECT access.context(1)::bigint[])));
ALTER POLICY see_matrix_2 ON record.resource USING (
    cid = ANY ((SELECT access.context(4)::bigint[])::bigint[])
    AND kind = ANY ((SELECT access.context(5)::smallint[])::smallint[])
    AND (labels & (SELECT access.context(6)::smallint)) = 0
    AND (owners IS NULL OR owners <@ (SELECT access.context(4)::bigint[])));
ALTER POLICY see_matrix_3 ON record.resource USING (
    cid = ANY ((SELECT access.context(7)::bigint[])::bigint[])
    AND kind = ANY ((SELECT access.context(8)::smallint[])::smallint[])
    AND (labels & (SELECT access.context(9)::smallint)) = 0
    AND (owners IS NULL OR owners <@ (SELECT access.context(7)::bigint[])));
ALTER POLICY see_matrix_4 ON record.resource USING (
    cid = ANY ((SELECT access.context(10)::bigint[])::bigint[])
    AND kind = ANY ((SELECT access.context(11)::smallint[])::smallint[])
    AND (labels & (SELECT access.context(12)::smallint)) = 0
    AND (owners IS NULL OR owners <@ (SELECT access.context(10)::bigint[])));
ALTER POLICY see_deposits_of_software ON record.resource USING (
    dep_org = (SELECT access.context(13)::bigint)
    AND (kind <> 3 OR upd > (SELECT access.context(21)::timestamptz))
    AND NOT EXISTS (SELECT 1 FROM access.record m JOIN access.record s ON s.person = m.person
                     WHERE m.cid = resource.cid AND s.state IN ('closed', 'deleted')));
ALTER POLICY see_deposits_of_organisation ON record.resource USING (
    dep_org = (SELECT access.context(18)::bigint)
    AND cid = ANY ((SELECT access.context(19)::bigint[])::bigint[])
    AND kind = ANY ((SELECT access.context(20)::smallint[])::smallint[])
    AND (owners IS NULL OR owners <@ (SELECT access.context(19)::bigint[])));
ALTER POLICY see_own_deposit ON record.resource USING (
    dep_pro = (SELECT access.context(14)::bigint)
    AND cid = ANY ((SELECT access.context(15)::bigint[])::bigint[])
    AND (kind <> 3 OR upd > (SELECT access.context(21)::timestamptz))
    AND (owners IS NULL OR owners <@ (SELECT access.context(15)::bigint[])));

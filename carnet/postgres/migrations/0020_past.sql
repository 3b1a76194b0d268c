-- SPDX-License-Identifier: EUPL-1.2
-- What the tables of the rights said before they were changed, so that any past moment can be decided
-- again (`carnet audit replay`). Most of their rows are dated and only end; the rest was overwritten: the
-- state of a record, what an undone merge gives back, the labels of a resource, who a subject is.
-- docs/decisions/0023.

CREATE TABLE access.past (
    n           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tbl         text NOT NULL,
    cid         bigint,                 -- the record it is erased with
    was         jsonb NOT NULL,         -- the row as it was, by column
    until       timestamptz NOT NULL,   -- when it ceased to be so, by the instance's clock
    written     timestamptz NOT NULL DEFAULT statement_timestamp() -- by the database's
);
CREATE INDEX past_of ON access.past (cid, tbl, until);
CREATE INDEX past_root ON access.past (((was ->> 'root')::bigint)) WHERE tbl = 'record';
CREATE INDEX past_subject ON access.past ((was ->> 'sub')) WHERE tbl IN ('subject', 'assistant');
REVOKE ALL ON access.past FROM carnet_app, carnet_worker;
ALTER TABLE access.past ENABLE ROW LEVEL SECURITY;
ALTER TABLE access.past FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON access.past TO carnet_admin USING (true) WITH CHECK (true);

-- When something changes: the moment of the act (carnet.now, told with its sealed context), else the
-- date it writes, else the database's clock, moved as the instance's was.
CREATE FUNCTION access.moment(was jsonb, becomes jsonb) RETURNS timestamptz
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT coalesce(
        nullif(current_setting('carnet.now', true), '')::timestamptz,
        (SELECT max(value::timestamptz) FROM jsonb_each_text(becomes) b
          WHERE key IN ('withdrawn', 'revoked', 'ended', 'since', 'until', 'upd')
            AND value IS NOT NULL AND value <> 'infinity' AND value IS DISTINCT FROM was ->> key
            AND value::timestamptz <= statement_timestamp() + interval '1 day'),
        statement_timestamp() + coalesce((SELECT shift FROM access.clock LIMIT 1), interval '0'))
$$;

-- Nothing of what is being erased is kept.
CREATE FUNCTION access.keep_past() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    old_ jsonb := to_jsonb(OLD);
    new_ jsonb := CASE WHEN TG_OP = 'UPDATE' THEN to_jsonb(NEW) END;
    kept jsonb := old_;
BEGIN
    IF new_ = old_ OR access.context(17) = 'erase' THEN
        RETURN NULL;
    END IF;
    IF TG_NARGS > 0 THEN -- these columns alone
        SELECT jsonb_object_agg(c, old_ -> c) INTO kept FROM unnest(TG_ARGV) c;
        IF new_ @> kept THEN RETURN NULL; END IF;
    END IF;
    INSERT INTO access.past (tbl, cid, was, until)
    VALUES (TG_TABLE_NAME,
            CASE TG_TABLE_NAME
                 WHEN 'team_member' THEN (SELECT t.cid FROM access.team t WHERE t.id = (old_ ->> 'team')::bigint)
                 WHEN 'subject' THEN (old_ ->> 'patient')::bigint
                 ELSE (old_ ->> 'cid')::bigint END,
            kept, access.moment(old_, coalesce(new_, '{}')));
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION access.keep_past() FROM PUBLIC;

DO $$
DECLARE
    line text[];
BEGIN
    FOREACH line SLICE 1 IN ARRAY ARRAY[
        ['record', 'cid, state, since, root, emergency_refused, regulation_refused'],
        ['team_member', ''], ['consent', ''], ['block', ''], ['trusted', ''], ['mandate', ''],
        ['emergency', ''], ['refusal', ''], ['assistant', ''],
        ['subject', 'sub, kind, rpps, profession, patient']] LOOP
        EXECUTE format('CREATE TRIGGER keep_past AFTER UPDATE OR DELETE ON access.%I FOR EACH ROW'
                       ' EXECUTE FUNCTION access.keep_past(%s)', line[1],
                       (SELECT string_agg(quote_literal(trim(c)), ', ')
                          FROM unnest(string_to_array(nullif(line[2], ''), ',')) c));
        EXECUTE format('ALTER TABLE access.%I ENABLE ALWAYS TRIGGER keep_past', line[1]);
    END LOOP;
END $$;
-- Of a resource, what decides who sees it; its body is no part of this.
CREATE FUNCTION access.keep_seen() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    INSERT INTO access.past (tbl, cid, was, until)
    VALUES ('resource', OLD.cid,
            jsonb_build_object('cid', OLD.cid, 'rid', OLD.rid, 'labels', OLD.labels, 'kind', OLD.kind,
                               'gone', OLD.gone, 'owners', OLD.owners),
            coalesce(nullif(current_setting('carnet.now', true), '')::timestamptz,
                     CASE WHEN NEW.upd > OLD.upd THEN NEW.upd END, access.moment('{}', '{}')));
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION access.keep_seen() FROM PUBLIC;
CREATE TRIGGER keep_past AFTER UPDATE ON record.resource FOR EACH ROW
    WHEN (OLD.labels <> NEW.labels OR OLD.kind <> NEW.kind OR OLD.gone <> NEW.gone
          OR OLD.owners IS DISTINCT FROM NEW.owners)
    EXECUTE FUNCTION access.keep_seen();

-- Each access matrix that an installation decided by, as it was read.
CREATE TABLE access.matrix_kept (
    version     text NOT NULL,
    digest      bytea NOT NULL,         -- SHA-256 of body
    since       timestamptz NOT NULL,   -- first used here
    body        jsonb NOT NULL,
    PRIMARY KEY (version, digest)
);
REVOKE ALL ON access.matrix_kept FROM carnet_app, carnet_worker;
ALTER TABLE access.matrix_kept ENABLE ROW LEVEL SECURITY;
ALTER TABLE access.matrix_kept FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON access.matrix_kept TO carnet_admin USING (true) WITH CHECK (true);

SELECT access.arm_erasure();

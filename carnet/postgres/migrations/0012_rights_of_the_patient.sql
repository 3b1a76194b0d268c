-- SPDX-License-Identifier: EUPL-1.2
-- Rights of the patient over what is read: refusals of the emergency modes keep their past, and what is
-- not visible before an announcement has its clock. Nothing is deleted here: a decision can be made again.

-- Since when each emergency mode is refused, and until when; access.record says what holds now.
CREATE TABLE access.refusal (
    cid         bigint NOT NULL,
    mode        text NOT NULL CHECK (mode IN ('bris-de-glace', 'centre-15')),
    since       timestamptz NOT NULL,
    until       timestamptz,
    PRIMARY KEY (cid, mode, since)
);

-- What the patient does not see before it is announced to them (CSP R.1111-53).
CREATE TABLE access.announcement (
    cid         bigint NOT NULL,
    rid         bigint NOT NULL,
    since       timestamptz NOT NULL,
    told        timestamptz,            -- after two weeks: the record was updated, see a professional
    ended       timestamptz,
    how         text CHECK (how IN ('consultation', 'month')),
    PRIMARY KEY (cid, rid)
);
CREATE INDEX announcement_to_tell ON access.announcement (since) WHERE told IS NULL AND ended IS NULL;
CREATE INDEX announcement_to_end ON access.announcement (since) WHERE ended IS NULL;

-- Label 2 is INVISIBLE_PATIENT (access/labels.py). However a row comes to bear it (sent so, replaced by
-- one that is so, put off by its author), its month runs; what was extracted follows its document.
CREATE FUNCTION access.begin_announcement() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    INSERT INTO access.announcement (cid, rid, since)
    VALUES (NEW.cid, NEW.rid, coalesce(NEW.upd, statement_timestamp())) ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER put_off AFTER INSERT ON record.resource FOR EACH ROW
    WHEN ((NEW.labels & 2) <> 0 AND NEW.origin IS NULL)
    EXECUTE FUNCTION access.begin_announcement();
CREATE TRIGGER put_off_later AFTER UPDATE OF labels ON record.resource FOR EACH ROW
    WHEN ((NEW.labels & 2) <> 0 AND NEW.origin IS NULL AND (OLD.labels & 2) = 0)
    EXECUTE FUNCTION access.begin_announcement();
INSERT INTO access.announcement (cid, rid, since)
    SELECT cid, rid, upd FROM record.resource WHERE (labels & 2) <> 0 AND origin IS NULL;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['refusal', 'announcement'] LOOP
        EXECUTE format('ALTER TABLE access.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE access.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY change ON access.%I FOR UPDATE USING ('
                       'cid = ANY ((SELECT access.context(16))::bigint[])'
                       ' OR (SELECT access.context(17)) = ''platform'')', name);
        EXECUTE format('CREATE POLICY add ON access.%I FOR INSERT WITH CHECK ('
                       'cid = ANY ((SELECT access.context(16))::bigint[])'
                       ' OR (SELECT access.context(17)) = ''platform'')', name);
        -- Whose record awaits an announcement is told to nobody but its own acts and the platform's.
        EXECUTE format('CREATE POLICY see ON access.%I FOR SELECT USING ('
                       'cid = ANY ((SELECT access.context(16))::bigint[])'
                       ' OR (SELECT access.context(17)) = ''platform'')', name);
        EXECUTE format('CREATE POLICY own ON access.%I TO carnet_admin USING (true) WITH CHECK (true)', name);
    END LOOP;
END $$;
GRANT UPDATE (until) ON access.refusal TO carnet_app;
GRANT UPDATE (told, ended, how) ON access.announcement TO carnet_app, carnet_worker;
-- A professional of a team is looked up by name among those of its record, or by the directory.
CREATE INDEX subject_by_rpps ON access.subject (rpps) WHERE rpps IS NOT NULL;

-- SPDX-License-Identifier: EUPL-1.2
-- Documents that are one: what each may be recognised by, as keyed hashes. docs/decisions/0053.

CREATE TABLE documents.same (
    cid       bigint NOT NULL,
    rid       bigint NOT NULL,         -- its DocumentReference
    key       bigint NOT NULL,         -- of its bytes, its uniqueId, or its act and number
    exact     boolean NOT NULL,        -- the key is of its bytes
    shared    boolean NOT NULL DEFAULT false,  -- another row has this key, in whatever record
    results   bigint,                  -- of the results read in it, NULL when none was
    narrative bigint,                  -- of its text, NULL when it was not read
    PRIMARY KEY (cid, rid, key)
);
CREATE INDEX same_key ON documents.same (key);
CREATE INDEX same_shared ON documents.same (cid, rid) WHERE shared;

ALTER TABLE documents.same ENABLE ROW LEVEL SECURITY;
ALTER TABLE documents.same FORCE ROW LEVEL SECURITY;
DO $$
DECLARE
    who text := '(cid = ANY ((SELECT access.context(16))::bigint[])'
        ' OR (SELECT access.context(17)) = ''platform'')';
BEGIN
    EXECUTE 'CREATE POLICY feed ON documents.same FOR INSERT WITH CHECK ' || who;
    EXECUTE 'CREATE POLICY sweep ON documents.same FOR DELETE USING ' || who;
    EXECUTE 'CREATE POLICY follow ON documents.same FOR SELECT USING ' || who;
END $$;
-- Seen with the document they are of.
CREATE POLICY see ON documents.same FOR SELECT USING (EXISTS (
    SELECT 1 FROM record.resource r WHERE r.cid = same.cid AND r.rid = same.rid));
CREATE POLICY own ON documents.same TO carnet_admin USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, DELETE ON documents.same TO carnet_app, carnet_worker;

-- Marks the rows worth comparing. A mark says only that there may be something to compare, across records
-- too, since two of them may be merged: what is compared is what the viewer sees.
CREATE FUNCTION documents.share() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    NEW.shared := EXISTS (SELECT 1 FROM documents.same o
        WHERE o.key = NEW.key AND (o.cid, o.rid) <> (NEW.cid, NEW.rid));
    IF NEW.shared THEN
        UPDATE documents.same SET shared = true
         WHERE key = NEW.key AND NOT shared AND (cid, rid) <> (NEW.cid, NEW.rid);
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER share BEFORE INSERT ON documents.same FOR EACH ROW EXECUTE FUNCTION documents.share();
SELECT access.arm_erasure();

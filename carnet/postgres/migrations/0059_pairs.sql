-- SPDX-License-Identifier: EUPL-1.2
-- Words that follow one another, and who wrote a document, so that a phrase and a choice of author are
-- answered without opening texts. docs/decisions/0048.

CREATE TABLE documents.pairs (
    cid   bigint NOT NULL,
    rid   bigint NOT NULL,             -- its DocumentReference
    pairs integer[] NOT NULL,          -- of each two words that follow one another, in no order
    PRIMARY KEY (cid, rid)
) WITH (toast_tuple_target = 8160);
ALTER TABLE documents.pairs ALTER pairs SET STORAGE EXTERNAL;
ALTER TABLE documents.words
    ADD COLUMN authors bigint[] NOT NULL DEFAULT '{}',  -- of the names of who wrote it
    ADD COLUMN paired boolean;  -- its pairs are kept; false: it is too long; NULL: kept by an older version

DO $$
DECLARE
    who text := '(cid = ANY ((SELECT access.context(16))::bigint[])'
        ' OR (SELECT access.context(17)) = ''platform'')';
BEGIN
    ALTER TABLE documents.pairs ENABLE ROW LEVEL SECURITY;
    ALTER TABLE documents.pairs FORCE ROW LEVEL SECURITY;
    EXECUTE 'CREATE POLICY feed ON documents.pairs FOR INSERT WITH CHECK ' || who;
    EXECUTE 'CREATE POLICY again ON documents.pairs FOR UPDATE USING ' || who;
    EXECUTE 'CREATE POLICY sweep ON documents.pairs FOR DELETE USING ' || who;
    EXECUTE 'CREATE POLICY follow ON documents.pairs FOR SELECT USING ' || who;
END $$;
-- Seen with the document they are of.
CREATE POLICY see ON documents.pairs FOR SELECT USING (EXISTS (
    SELECT 1 FROM record.resource r WHERE r.cid = pairs.cid AND r.rid = pairs.rid));
GRANT SELECT, INSERT, UPDATE, DELETE ON documents.pairs TO carnet_app, carnet_worker;

-- What an older version kept is made again by the worker, after everything that comes in.
ALTER TABLE documents.words NO FORCE ROW LEVEL SECURITY;
ALTER TABLE documents.to_read NO FORCE ROW LEVEL SECURITY;
INSERT INTO documents.to_read (cid, rid, since)
SELECT cid, rid, 'infinity' FROM documents.words ON CONFLICT DO NOTHING;
ALTER TABLE documents.words FORCE ROW LEVEL SECURITY;
ALTER TABLE documents.to_read FORCE ROW LEVEL SECURITY;
SELECT access.arm_erasure();

-- SPDX-License-Identifier: EUPL-1.2
-- Full text of documents: hashes of stems, keyed by the installation and by the record, and the text
-- itself, sealed under the patient's key. docs/decisions/0048.

CREATE TABLE documents.words (
    cid    bigint NOT NULL,
    rid    bigint NOT NULL,           -- its DocumentReference
    title  bigint[] NOT NULL,         -- of the title and of what kind of document it is
    heads  bigint[] NOT NULL,         -- of the titles of its sections, and those of the title
    body   bigint[] NOT NULL,         -- of all of it
    starts bigint[] NOT NULL,         -- beginnings of its words
    PRIMARY KEY (cid, rid)
) WITH (toast_tuple_target = 8160);
CREATE TABLE documents.said (
    cid  bigint NOT NULL,
    rid  bigint NOT NULL,
    body bytea NOT NULL,              -- its text, packed and sealed
    PRIMARY KEY (cid, rid)
);
ALTER TABLE documents.said ALTER body SET STORAGE EXTERNAL;
CREATE TABLE documents.to_read (      -- files whose text a worker reads after the commit
    cid   bigint NOT NULL,
    rid   bigint NOT NULL,
    since timestamptz NOT NULL,
    tried smallint NOT NULL DEFAULT 0,
    PRIMARY KEY (cid, rid)
);
CREATE INDEX to_read_since ON documents.to_read (since, cid, rid) WHERE tried < 3;

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['words', 'said', 'to_read'] LOOP
        EXECUTE format('ALTER TABLE documents.%I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE documents.%I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY feed ON documents.%I FOR INSERT WITH CHECK ('
            'cid = ANY ((SELECT access.context(16))::bigint[]) OR (SELECT access.context(17)) = ''platform'')', t);
        EXECUTE format('CREATE POLICY again ON documents.%I FOR UPDATE USING ('
            'cid = ANY ((SELECT access.context(16))::bigint[]) OR (SELECT access.context(17)) = ''platform'')', t);
        EXECUTE format('CREATE POLICY sweep ON documents.%I FOR DELETE USING ('
            'cid = ANY ((SELECT access.context(16))::bigint[]) OR (SELECT access.context(17)) = ''platform'')', t);
        EXECUTE format('CREATE POLICY follow ON documents.%I FOR SELECT USING ('
            'cid = ANY ((SELECT access.context(16))::bigint[]) OR (SELECT access.context(17)) = ''platform'')', t);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON documents.%I TO carnet_app, carnet_worker', t);
    END LOOP;
    -- Seen with the document they are of.
    FOREACH t IN ARRAY ARRAY['words', 'said'] LOOP
        EXECUTE format('CREATE POLICY see ON documents.%I FOR SELECT USING (EXISTS (SELECT 1 FROM record.resource r'
            ' WHERE r.cid = %I.cid AND r.rid = %I.rid))', t, t, t);
    END LOOP;
END $$;
SELECT access.arm_erasure();

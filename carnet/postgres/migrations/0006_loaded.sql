-- SPDX-License-Identifier: EUPL-1.2
-- Files loaded by a software: what each resource became, so that the same set loaded again makes nothing
-- new. The hash is keyed, of the resource as given and of what it refers to.
CREATE TABLE documents.loaded (
    org     bigint NOT NULL,            -- compartment of the organisation whose software loaded it
    h       bytea NOT NULL,             -- 16 bytes
    cid     bigint NOT NULL,            -- where it is
    rid     bigint NOT NULL,
    rtype   smallint NOT NULL,
    PRIMARY KEY (org, h)
);
CREATE INDEX loaded_of ON documents.loaded (cid); -- for the erasure of a record
ALTER TABLE documents.loaded ENABLE ROW LEVEL SECURITY;
ALTER TABLE documents.loaded FORCE ROW LEVEL SECURITY;
CREATE POLICY see ON documents.loaded FOR SELECT USING (
    org = ANY ((SELECT access.context(16))::bigint[]));
CREATE POLICY feed ON documents.loaded FOR INSERT WITH CHECK (
    org = ANY ((SELECT access.context(16))::bigint[]));
CREATE POLICY again ON documents.loaded FOR UPDATE USING (
    org = ANY ((SELECT access.context(16))::bigint[]))
    WITH CHECK (org = ANY ((SELECT access.context(16))::bigint[]));
-- What was deleted since is loaded again, as a new resource.
GRANT UPDATE (cid, rid, rtype) ON documents.loaded TO carnet_app;

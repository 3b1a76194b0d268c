-- SPDX-License-Identifier: EUPL-1.2
-- Documents: a uniqueId is unique per record and depositor (IHE MHD, DESIGN §3).
CREATE TABLE documents.unique_id (
    cid     bigint NOT NULL,
    dep_org bigint NOT NULL,            -- compartment of the depositing organisation, 0 for the patient
    h       bytea NOT NULL,             -- keyed hash of the uniqueId, 16 bytes
    digest  bytea NOT NULL,             -- SHA-256 of the document's bytes
    rid     bigint NOT NULL,            -- its DocumentReference
    PRIMARY KEY (cid, dep_org, h)
);
ALTER TABLE documents.unique_id ENABLE ROW LEVEL SECURITY;
ALTER TABLE documents.unique_id FORCE ROW LEVEL SECURITY;
CREATE POLICY see ON documents.unique_id FOR SELECT USING (
    cid = ANY ((SELECT access.context(16))::bigint[]));
CREATE POLICY feed ON documents.unique_id FOR INSERT WITH CHECK (
    cid = ANY ((SELECT access.context(16))::bigint[]));

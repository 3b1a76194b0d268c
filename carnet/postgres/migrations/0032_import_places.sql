-- SPDX-License-Identifier: EUPL-1.2
-- An import gives what it will write its place before it writes, so that lines refer to each other in any
-- order and across files. docs/decisions/0038.

ALTER TABLE documents.imported
    ADD COLUMN mark bigint NOT NULL DEFAULT 0,           -- keyed, of the input and line that it is of
    ADD COLUMN there boolean NOT NULL DEFAULT false;     -- it was there before the import
ALTER TABLE bulk.import
    ADD COLUMN keep boolean NOT NULL DEFAULT false;      -- ids are kept: begun in an empty store

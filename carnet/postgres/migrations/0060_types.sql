-- SPDX-License-Identifier: EUPL-1.2
-- What kind of document its words are of, beside them: the number that record.resource.toks holds for its type,
-- 0 where it has none that is listed. NULL is kept by an older version: it is looked for in the row.
-- docs/decisions/0048.

ALTER TABLE documents.words ADD COLUMN type bigint;

-- SPDX-License-Identifier: EUPL-1.2
-- A family link declared by mistake ends, and its past stays: declared again, it is another line.

ALTER TABLE access.family DROP CONSTRAINT family_pkey;
ALTER TABLE access.family ADD PRIMARY KEY (cid, parent, since, nature);
GRANT UPDATE (until) ON access.family TO carnet_app;

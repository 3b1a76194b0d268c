-- SPDX-License-Identifier: EUPL-1.2
-- What was written last comes first: histories of a type and of the server. A page walks from where the last
-- one ended, in the order (upd, rid), which no later write changes. The two columns at the end spare the
-- rows of other types and, for a software, of other depositors. docs/decisions/0035.

CREATE INDEX resource_by_change ON record.resource (upd DESC, rid DESC, rtype, dep_org);
CREATE INDEX history_by_change ON record.history (upd DESC, rid DESC);

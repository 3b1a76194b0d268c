-- SPDX-License-Identifier: EUPL-1.2
-- A family link declared by mistake ends; declared again, it begins again.

GRANT UPDATE (nature, since, until, declared_by) ON access.family TO carnet_app;

-- SPDX-License-Identifier: EUPL-1.2
-- The index of hashes keeps what was lately written in a list that each look reads whole, up to 4 MB: a
-- search that looks thousands of times has it put in its place first. docs/decisions/0039.

CREATE FUNCTION record.gather() RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT gin_clean_pending_list('record.resource_toks'::regclass) WHERE NOT pg_is_in_recovery()
$$;
REVOKE ALL ON FUNCTION record.gather() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION record.gather() TO carnet_app, carnet_worker;

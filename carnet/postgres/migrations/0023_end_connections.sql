-- SPDX-License-Identifier: EUPL-1.2
-- Whoever has an account ends all that is connected in its name: the revision that tokens and sessions
-- bear is raised, and only ever raised. docs/decisions/0028.

CREATE FUNCTION access.end_connections(who text) RETURNS integer
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    UPDATE access.subject SET rev = rev + 1 WHERE sub = who RETURNING rev
$$;
REVOKE ALL ON FUNCTION access.end_connections(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION access.end_connections(text) TO carnet_app;

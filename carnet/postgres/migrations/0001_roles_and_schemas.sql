-- SPDX-License-Identifier: EUPL-1.2
-- Roles, schemas, and who may do what by default.
--
-- The role that migrates owns everything and serves no request. Three roles serve; none of them owns a
-- table, creates one, or escapes row level security:
--   carnet_app      the FHIR API: reads and writes health data under the sealed context of a request
--   carnet_worker   jobs: the queue, the outbox, timers, each under a purpose of its own
--   carnet_portal   Django: accounts and sessions in schema `portal`, no health data
-- They log in without a password on the embedded server's private socket. On another server its
-- administrator gives each its own way in (a password, a certificate).

DO $$
DECLARE
    service text;
BEGIN
    FOREACH service IN ARRAY ARRAY['carnet_app', 'carnet_worker', 'carnet_portal'] LOOP
        CONTINUE WHEN EXISTS (SELECT FROM pg_roles WHERE rolname = service);
        BEGIN
            EXECUTE format(
                'CREATE ROLE %I LOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS',
                service);
        EXCEPTION
            WHEN insufficient_privilege THEN
                RAISE insufficient_privilege USING MESSAGE = format(
                    'The role %s does not exist and %s may not create roles: have an administrator run '
                    '"CREATE ROLE %s LOGIN NOINHERIT" (and the same for carnet_app, carnet_worker, '
                    'carnet_portal), or give %s the attribute CREATEROLE.',
                    service, current_user, service, current_user);
            WHEN duplicate_object OR unique_violation THEN
                NULL;  -- another database of this server is migrated at the same time
        END;
    END LOOP;
END
$$;

-- Nothing for everybody: neither the database, nor `public`, nor functions made from now on.
DO $$
BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO carnet_app, carnet_worker, carnet_portal', current_database());
END
$$;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

CREATE SCHEMA record;     -- FHIR resources, versions, search rows
CREATE SCHEMA access;     -- subjects, links, consents, labels, audit: the only truth on who may
CREATE SCHEMA documents;  -- the shared record's own tables: uniqueness, timers
CREATE SCHEMA portal;     -- Django's tables
CREATE SCHEMA jobs;       -- the job queue's tables
COMMENT ON SCHEMA carnet IS 'what has been done to this database: migrations';
COMMENT ON SCHEMA record IS 'FHIR resources, versions, search rows';
COMMENT ON SCHEMA access IS 'subjects, links, consents, labels, audit';
COMMENT ON SCHEMA documents IS 'tables of the shared record';
COMMENT ON SCHEMA portal IS 'accounts and sessions (Django)';
COMMENT ON SCHEMA jobs IS 'job queue (procrastinate)';

GRANT USAGE ON SCHEMA carnet TO carnet_app, carnet_worker, carnet_portal;
ALTER DEFAULT PRIVILEGES IN SCHEMA carnet GRANT SELECT ON TABLES TO carnet_app, carnet_worker, carnet_portal;
GRANT SELECT ON ALL TABLES IN SCHEMA carnet TO carnet_app, carnet_worker, carnet_portal;

-- Health data: adding and reading, under row level security. Changing and deleting are granted table by
-- table, by the migration that makes the table: most of them only grow. So is EXECUTE on each function.
GRANT USAGE ON SCHEMA record, access, documents TO carnet_app, carnet_worker;
ALTER DEFAULT PRIVILEGES IN SCHEMA record GRANT SELECT, INSERT ON TABLES TO carnet_app, carnet_worker;
ALTER DEFAULT PRIVILEGES IN SCHEMA access GRANT SELECT, INSERT ON TABLES TO carnet_app, carnet_worker;
ALTER DEFAULT PRIVILEGES IN SCHEMA documents GRANT SELECT, INSERT ON TABLES TO carnet_app, carnet_worker;
ALTER DEFAULT PRIVILEGES IN SCHEMA record GRANT USAGE ON SEQUENCES TO carnet_app, carnet_worker;
ALTER DEFAULT PRIVILEGES IN SCHEMA access GRANT USAGE ON SEQUENCES TO carnet_app, carnet_worker;
ALTER DEFAULT PRIVILEGES IN SCHEMA documents GRANT USAGE ON SEQUENCES TO carnet_app, carnet_worker;

-- Django's tables are made by the migrating role, with `search_path = portal`, and used by carnet_portal.
GRANT USAGE ON SCHEMA portal TO carnet_portal;
ALTER DEFAULT PRIVILEGES IN SCHEMA portal GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO carnet_portal;
ALTER DEFAULT PRIVILEGES IN SCHEMA portal GRANT USAGE ON SEQUENCES TO carnet_portal;

-- The queue belongs to the worker alone: a request writes to the outbox, the relay defers the job.
GRANT USAGE ON SCHEMA jobs TO carnet_worker;
ALTER DEFAULT PRIVILEGES IN SCHEMA jobs GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO carnet_worker;
ALTER DEFAULT PRIVILEGES IN SCHEMA jobs GRANT USAGE ON SEQUENCES TO carnet_worker;
ALTER DEFAULT PRIVILEGES IN SCHEMA jobs GRANT EXECUTE ON FUNCTIONS TO carnet_worker;

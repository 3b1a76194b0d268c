-- SPDX-License-Identifier: EUPL-1.2
-- Accounts that ended: by an operator, with the life of who had them, with their record. docs/decisions/0059.

-- Ended for good: no operator opens it again; who is proven anew begins it from nothing.
ALTER TABLE access.stopped ADD COLUMN for_good boolean NOT NULL DEFAULT false;
GRANT UPDATE (why, at, for_good) ON access.stopped TO carnet_app;

-- Rows of the pages' tables that refer to others, and those that refer to them, and they themselves.
CREATE FUNCTION access.forget_rows(what regclass, ids bigint[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    line record;
    those bigint[];
BEGIN
    IF ids IS NULL OR ids = '{}' THEN
        RETURN;
    END IF;
    FOR line IN SELECT f.conrelid::regclass AS child, a.attname AS col
                  FROM pg_constraint f JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = f.conkey[1]
                 WHERE f.contype = 'f' AND f.confrelid = what AND cardinality(f.conkey) = 1 LOOP
        EXECUTE format('SELECT array_agg(id) FROM %s WHERE %I = ANY ($1)', line.child, line.col)
            INTO those USING ids;
        PERFORM access.forget_rows(line.child, those);
    END LOOP;
    EXECUTE format('DELETE FROM %s WHERE id = ANY ($1)', what) USING ids;
END $$;
REVOKE ALL ON FUNCTION access.forget_rows(regclass, bigint[]) FROM PUBLIC;

-- The log-in of subjects whose account ended: identifier, password, second factors, addresses.
CREATE FUNCTION access.forget_log_in(subs text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    users bigint[];
BEGIN
    IF EXISTS (SELECT FROM unnest(subs) s WHERE NOT EXISTS (
               SELECT FROM access.stopped p WHERE p.sub = s AND p.for_good)) THEN
        RAISE insufficient_privilege USING MESSAGE = 'an account that did not end keeps its log-in';
    END IF;
    IF to_regclass('portal.accounts_account') IS NOT NULL THEN
        EXECUTE 'SELECT array_agg(user_id) FROM portal.accounts_account WHERE subject = ANY ($1)'
            INTO users USING subs;
        IF to_regclass('portal.accounts_upstreamsession') IS NOT NULL THEN
            EXECUTE 'DELETE FROM portal.accounts_upstreamsession u'
                ' USING portal.accounts_linked l, portal.accounts_account a'
                ' WHERE l.account_id = a.id AND a.subject = ANY ($1)'
                '   AND u.provider = l.provider AND u.sub = l.sub' USING subs;
        END IF;
        PERFORM access.forget_rows('portal.auth_user', users);
    END IF;
END $$;
REVOKE ALL ON FUNCTION access.forget_log_in(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION access.forget_log_in(text[]) TO carnet_app;

-- With a record goes the account of its person: log-in, grants, codes, alarms. The subject stays, without a
-- name, for the lines of the audit that say it.
ALTER FUNCTION access.erase(bigint, timestamptz) RENAME TO erase_set;
REVOKE ALL ON FUNCTION access.erase_set(bigint, timestamptz) FROM PUBLIC, carnet_worker;

CREATE FUNCTION access.erase(erased bigint, moment timestamptz) RETURNS SETOF bytea
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    subs text[];
BEGIN
    IF erased <= 0 OR access.erases(erased) IS NOT TRUE THEN
        RAISE insufficient_privilege USING MESSAGE = 'not the context of an erasure';
    END IF;
    subs := ARRAY(SELECT sub FROM access.subject WHERE patient = erased);
    RETURN QUERY SELECT * FROM access.erase_set(erased, moment);
    INSERT INTO access.stopped AS p (sub, why, at, for_good) SELECT s, 'erased', moment, true FROM unnest(subs) s
        ON CONFLICT (sub) DO UPDATE SET why = excluded.why, at = excluded.at, for_good = true;
    PERFORM access.forget_log_in(subs);
    DELETE FROM access.allowed WHERE sub = ANY (subs);
    DELETE FROM access.asked WHERE sub = ANY (subs);
    DELETE FROM access.activation WHERE sub = ANY (subs);
    DELETE FROM access.mail WHERE sub = ANY (subs);
    DELETE FROM access.recovery WHERE sub = ANY (subs);
    DELETE FROM access.alarm WHERE sub = ANY (subs);
END $$;
REVOKE ALL ON FUNCTION access.erase(bigint, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION access.erase(bigint, timestamptz) TO carnet_worker;

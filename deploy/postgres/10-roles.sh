#!/bin/sh
# Once, on an empty volume: who may do what.
#
#   bos_owner     owns the schema and cannot log in
#   bos_migrator  becomes the owner to upgrade it          bos migrate
#   bos_app       gets what the migration grants it        every other role
#   bos_reader    reads, for reports
set -eu
export SECRETS="${SECRETS:-/run/secrets}"
psql --no-psqlrc --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" \
    --dbname "$POSTGRES_DB" <<'SQL'
\set migrator `cat "$SECRETS/migrator_password"`
\set app `cat "$SECRETS/app_password"`
\set reader `cat "$SECRETS/reader_password"`
CREATE ROLE bos_owner NOLOGIN;
CREATE ROLE bos_migrator LOGIN PASSWORD :'migrator' IN ROLE bos_owner;
CREATE ROLE bos_app LOGIN PASSWORD :'app';
CREATE ROLE bos_reader LOGIN PASSWORD :'reader';
SELECT current_database() AS database \gset
ALTER DATABASE :"database" OWNER TO bos_owner;
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database" TO bos_migrator, bos_app, bos_reader;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO bos_app, bos_reader;
SQL

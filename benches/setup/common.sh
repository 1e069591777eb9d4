# What the scripts of the benchmark share: folders, the cluster's address, and its programs. Sourced, not run.
set -euo pipefail
die() { echo "$*" >&2; exit 1; }

# PostgreSQL refuses to run as root.
as_postgres() {
    if [ "$(id -u)" = 0 ]; then (cd / && setpriv --reuid postgres --regid postgres --init-groups "$@"); else "$@"; fi
}

benches=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
if [ -z "${BENCH_DIR:-}" ]; then
    BENCH_DIR=$(dirname "$benches")/target/bench
    mkdir -p "$BENCH_DIR"
    # As Plaza does with its embedded cluster: below /root, say, nothing is reached by the user postgres.
    as_postgres test -x "$BENCH_DIR" || BENCH_DIR=/var/lib/plaza-bench
fi
export BENCH_DIR PGHOST=$BENCH_DIR/run PGPORT=${BENCH_PG_PORT:-55442} PGUSER=postgres
unset PGDATABASE PGPASSWORD PGOPTIONS PGSERVICE
if [ -z "${PGBIN:-}" ]; then
    PGBIN=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)
    [ -n "$PGBIN" ] || PGBIN=$(dirname "$(command -v initdb)")
fi
export PGBIN PATH=$PGBIN:$PATH

sql() { psql -qAtX -v ON_ERROR_STOP=1 "$@"; }
has_database() { [ "$(sql -d postgres -c "select 1 from pg_database where datname = '$1'")" = 1 ]; }
# An empty database in place of one that a broken set-up left.
new_database() {
    sql -d postgres -c 'set client_min_messages = warning' -c "drop database if exists $1 with (force)"
    sql -d postgres -c "create database $1 template template0 encoding 'UTF8' locale 'C.UTF-8'"
}

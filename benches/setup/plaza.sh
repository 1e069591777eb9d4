#!/usr/bin/env bash
# The same data in Plaza's own tables, and more of its own, in the database plaza_seeded: made once. `plaza.sh BINARY`
. "$(dirname "$0")/common.sh"
plaza=$1
has_database plaza_seeded && exit

export DATABASE_URL="postgres://postgres@127.0.0.1:$PGPORT/plaza" PLAZA_DATA_DIR=$BENCH_DIR/plaza PLAZA_LOG=text,warn
export PLAZA_JWT_SECRET=${PLAZA_JWT_SECRET:-$(printf 'bench-%.0s' 1 2 3 4 5 6 7 8)} PLAZA_BIND=127.0.0.1:${BENCH_PORT:-4300}
# Pictures of large data are painted and stored here.
mkdir -p "$PLAZA_DATA_DIR"
new_database plaza
"$plaza" migrate

# From the peers' tables to Plaza's, row by row: `copy_to TABLE COLUMNS SELECT`.
copy_to() {
    local columns=${2//$'\n'/ } rows=${3//$'\n'/ }
    sql -d peers_seeded -c "\\copy ($rows) to stdout" |
        sql -d plaza -c 'set session_replication_role = replica' -c "\\copy $1 ($columns) from stdin"
}
echo "The peers' data in Plaza's tables (a minute or two)"
. "$benches/setup/tables.sh"
for table in users blobs media items favorites conversations messages; do
    sql -d plaza -c "select setval(pg_get_serial_sequence('$table', 'id'), (select max(id) from $table))" >/dev/null
done
sql -d plaza -c 'vacuum analyze'

echo "Plaza's own: tasks, orders, wallets, conversations"
"$plaza" seed --users 4000 --items 20000 --favorites 20000 --conversations 20000 --messages 400000 \
    --tasks 100000 --orders 50000
sql -d plaza -f "$benches/sql/plaza/own.sql"

echo "Its search index: words are cut by the server, about 3,000 rows a second"
"$plaza" serve >/dev/null & server=$!
trap 'kill $server 2>/dev/null || true' EXIT
while [ "$(sql -d plaza -c "select exists (select from search_entries where version = 0)")" = t ]; do
    kill -0 $server || die "plaza serve stopped"
    sleep 1
done
kill $server && wait $server || true
trap - EXIT
sql -d plaza -c 'vacuum analyze' -c checkpoint
"$plaza" audit || die "The data is not consistent"
sql -d postgres -c 'alter database plaza rename to plaza_seeded'

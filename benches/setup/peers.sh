#!/usr/bin/env bash
# The peers' data, in the database peers_seeded: made once, with a fixed seed. And the packages of their servers.
. "$(dirname "$0")/common.sh"
if ! has_database peers_seeded; then
    echo "The peers' data (a minute or two)"
    new_database peers
    for file in schema seed indexes; do sql -d peers -f "$benches/sql/peers/$file.sql" >/dev/null; done
    sql -d postgres -c 'alter database peers rename to peers_seeded'
fi
mkdir -p "$BENCH_DIR/servers"
cp -p "$benches"/servers/* "$BENCH_DIR/servers/"
cd "$BENCH_DIR/servers"
[ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --no-audit --no-fund --no-update-notifier --loglevel=error

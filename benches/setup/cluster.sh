#!/usr/bin/env bash
# The benchmark's own PostgreSQL cluster: `cluster.sh start` makes and starts it, `cluster.sh stop` stops it.
. "$(dirname "$0")/common.sh"

make_cluster() {
    mkdir -p "$BENCH_DIR"/{pg,run,results}
    [ ${#PGHOST} -le 87 ] || die "The path of the socket's folder is too long: set BENCH_DIR to a shorter one than $BENCH_DIR."
    if [ "$(id -u)" = 0 ]; then
        chown postgres: "$BENCH_DIR"/{pg,run}
        as_postgres test -w "$BENCH_DIR/pg" ||
            die "The user postgres can't reach $BENCH_DIR: set BENCH_DIR to another folder, such as /var/lib/plaza-bench."
    fi
    [ -f "$BENCH_DIR/pg/PG_VERSION" ] ||
        as_postgres "$PGBIN/initdb" -D "$BENCH_DIR/pg" -U postgres -A trust -E UTF8 --locale=C.UTF-8 >/dev/null
    # The data fits in memory, and no checkpoint falls into a run. Statements are recorded only where they are counted.
    cat > "$BENCH_DIR/run/postgresql.conf" <<CONF
port = $PGPORT
listen_addresses = '127.0.0.1'
unix_socket_directories = '$PGHOST'
shared_buffers = 1GB
max_wal_size = 4GB
checkpoint_timeout = 30min
max_connections = 200
shared_preload_libraries = 'pg_stat_statements'
pg_stat_statements.track = none
CONF
    grep -q plaza-bench "$BENCH_DIR/pg/postgresql.conf" ||
        echo "include '$BENCH_DIR/run/postgresql.conf'  # plaza-bench" >> "$BENCH_DIR/pg/postgresql.conf"
}

case ${1:-start} in
    start)
        pg_isready -q && exit
        make_cluster
        as_postgres "$PGBIN/pg_ctl" -D "$BENCH_DIR/pg" -l "$BENCH_DIR/run/postgres.log" -w start >/dev/null ||
            die "PostgreSQL does not start: $(tail -5 "$BENCH_DIR/run/postgres.log")"
        ;;
    stop) as_postgres "$PGBIN/pg_ctl" -D "$BENCH_DIR/pg" -m fast -w stop >/dev/null ;;
    *) die "cluster.sh start or stop" ;;
esac

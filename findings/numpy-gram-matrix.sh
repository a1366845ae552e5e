#!/usr/bin/env bash
# A copy of an array changes the bits of a product, and takes its symmetry away.
#
# NumPy's matmul looks at whether both factors are the same memory. `A.T @ A` then goes to BLAS's
# syrk, which computes one triangle and mirrors it; `A.T @ A.copy()`, the same numbers, goes to
# gemm. The last bits differ, and gemm's result need not be symmetric. So a refactoring that copies,
# slices or casts one factor moves the results of a seeded program, and a Gram or covariance
# matrix is exactly symmetric only by this courtesy: Cholesky of one triangle, eigh, and comparisons with
# the transpose see another matrix.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q 'numpy==2.4.6' 'threadpoolctl==3.6.0'
# One kernel and one thread, so that every machine with AVX2 shows the same.
OPENBLAS_CORETYPE=Haswell OPENBLAS_NUM_THREADS=1 "$folder/venv/bin/python" - <<'PY'
import sys

import numpy as np
from threadpoolctl import threadpool_info

blas = [f"{i['internal_api']} {i['version']} {i['architecture']}" for i in threadpool_info()]
print("numpy", np.__version__, *blas)
if not any("Haswell" in name for name in blas):
    print("these kernels do not run here: nothing was shown")
    sys.exit(0)
a = np.random.default_rng(0).normal(size=(300, 40)).astype(np.float32)
same, copied = a.T @ a, a.T @ a.copy()
print("entries that differ:", int((same != copied).sum()), "of", same.size)
print("symmetric: A.T @ A", np.array_equal(same, same.T),
      "- with a copy", np.array_equal(copied, copied.T))
shown = not np.array_equal(same, copied) and np.array_equal(same, same.T)
sys.exit(not (shown and not np.array_equal(copied, copied.T)))
PY

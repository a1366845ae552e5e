#!/usr/bin/env bash
# A limit of one thread does not hold for the linear algebra that is loaded a line later.
#
# The wheels of NumPy and SciPy each bring an OpenBLAS of their own, and SciPy loads its one not with
# `import scipy` but with the first submodule that needs it. threadpool_limits sets the libraries that are
# loaded when it is called: one at the top of a program leaves SciPy's to all cores. The order of
# additions then depends on the number of cores, so the last bits of a Cholesky factor differ from machine
# to machine, in a program that asked for one thread. Set OPENBLAS_NUM_THREADS before
# Python starts, or import scipy.linalg before the limit.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q 'numpy==2.4.6' 'scipy==1.17.1' 'threadpoolctl==3.6.0'
env -u OPENBLAS_NUM_THREADS -u OMP_NUM_THREADS -u GOTO_NUM_THREADS "$folder/venv/bin/python" - <<'PY'
import os
import sys

import numpy as np
import scipy
import threadpoolctl

print("numpy", np.__version__, "scipy", scipy.__version__, "threadpoolctl", threadpoolctl.__version__)


def threads():
    return sorted(i["num_threads"] for i in threadpoolctl.threadpool_info() if i["user_api"] == "blas")


with threadpoolctl.threadpool_limits(1):
    before = threads()
    import scipy.linalg

    after = threads()
print("threads of each BLAS under the limit:", before, "- once scipy.linalg is imported:", after)
if len(os.sched_getaffinity(0)) < 2:
    print("one core has one thread: nothing was shown")
    sys.exit(0)
sys.exit(not (before == [1] and len(after) == 2 and max(after) > 1))
PY

#!/usr/bin/env bash
# The sign of an element's result depends on where in the array it stands.
#
# np.fmax and np.fmin of 0.0 and -0.0 may return either, by the standard. NumPy returns the one in its
# vector loop and the other in the loop over the rest, so that equal pairs in one array get
# different signs, and the same pair changes its sign when the array is cut elsewhere. It matters to
# whoever reads the bits: hashes and byte comparisons of "equal" arrays, 1 / x and copysign behind it,
# masks made of sign bits. np.maximum and np.minimum are the same all along.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q 'numpy==2.4.6'
"$folder/venv/bin/python" - <<'PY'
import platform
import sys

import numpy as np

print("numpy", np.__version__, platform.machine())
negative, positive = np.full(100, -0.0, np.float32), np.zeros(100, np.float32)
mixed = {}
for function in (np.fmax, np.fmin, np.maximum, np.minimum):
    signs = {n: set(np.signbit(function(negative[:n], positive[:n])).tolist())
             for n in (1, 2, 3, 5, 8, 16, 33, 100)}
    mixed[function.__name__] = [n for n, found in signs.items() if len(found) > 1]
    print(f"{function.__name__}: both signs in arrays of length {mixed[function.__name__] or 'none'}")
if platform.machine() != "x86_64":
    print("seen on x86-64 alone: this machine may differ")
    sys.exit(0)
sys.exit(not (mixed["fmax"] and mixed["fmin"] and not mixed["maximum"] and not mixed["minimum"]))
PY

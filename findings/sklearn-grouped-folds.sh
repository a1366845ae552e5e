#!/usr/bin/env bash
# Fifty seeds, one partition: shuffled folds by group that repeat nothing.
#
# StratifiedGroupKFold(shuffle=True, random_state=seed) deals groups out greedily, the ones with the
# most uneven classes first; the seed decides ties alone. Where groups differ in size there are no ties,
# so every seed gives the same folds, and a "repeated" cross-validation by groups is one that is
# averaged with itself: its spread says nothing. With groups of one size seeds differ, which is how a
# small test misses it. What we do: groups are dealt in a seeded order, and a balance score decides.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q 'scikit-learn==1.9.1' 'numpy==2.4.6'
"$folder/venv/bin/python" - <<'PY'
import sys

import numpy as np
import sklearn
from sklearn.model_selection import StratifiedGroupKFold

print("scikit-learn", sklearn.__version__)


def partitions(sizes, seeds=50):
    groups = np.repeat(np.arange(len(sizes)), sizes)
    y = np.random.default_rng(0).random(len(groups)) < 0.3
    found = set()
    for seed in range(seeds):
        folds = StratifiedGroupKFold(5, shuffle=True, random_state=seed).split(groups, y, groups)
        found.add(frozenset(frozenset(groups[test]) for _, test in folds))
    return len(found)


uneven = partitions([int(20 * 1.25**k) for k in range(20)])
even = partitions([1] * 60)
print(f"50 seeds, 20 groups of different sizes: {uneven} partition(s)")
print(f"50 seeds, 60 groups of one row: {even} partitions")
sys.exit(not (uneven == 1 and even > 10))
PY

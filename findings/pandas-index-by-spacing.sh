#!/usr/bin/env bash
# Whether a filtered frame has one column more in its Parquet file depends on which rows were kept.
#
# DataFrame.to_parquet writes the index as a column where it is not a RangeIndex. A filter gives an
# index of the kept labels; pandas keeps it as numbers 0, 1, 3, but sees 0, 2, 4 as a range again when
# the file is written. So two exports of one script have the columns x and y, or x, y and
# __index_level_0__, by the values of the day; a reader without pandas trains on the row number. What we
# do: leave out what the file's pandas metadata call an index without a name, and say so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q 'pandas==3.1.1' 'pyarrow==26.0.1'
"$folder/venv/bin/python" - <<'PY'
import io
import sys

import pandas as pd
from pyarrow import parquet

print("pandas", pd.__version__)


def columns(kept):
    frame = pd.DataFrame({"x": range(6), "y": [row in kept for row in range(6)]})
    file = io.BytesIO()
    frame[frame.y].to_parquet(file)
    return parquet.read_schema(file).names


seen = {kept: columns(kept) for kept in [(0, 2, 4), (1, 2), (0, 1, 3)]}
for kept, names in seen.items():
    print("rows", kept, "->", names)
extra = [kept for kept, names in seen.items() if "__index_level_0__" in names]
sys.exit(extra != [(0, 1, 3)])
PY

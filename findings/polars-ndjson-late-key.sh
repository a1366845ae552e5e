#!/usr/bin/env bash
# A key of JSON lines that first comes late is dropped, without a word.
#
# polars.read_ndjson takes its columns from the first lines (1,000 by default) and skips whatever key
# comes for the first time after them: no error, no warning, no column. Logs of trainings do that (a
# metric that is reported from some epoch on). pyarrow's reader finds the key. With infer_schema_length=None
# polars finds it too. What we do: read JSON lines with our own reader of whole records.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q 'polars==2.1.0' 'pyarrow==26.0.1'
"$folder/venv/bin/python" - <<'PY'
import io
import sys
import warnings

import polars as pl
from pyarrow import json as arrow_json

warnings.simplefilter("error")
print("polars", pl.__version__)
lines = b'{"loss": 1}\n' * 1_500 + b'{"loss": 1, "score": 0.5}\n'
sampled = pl.read_ndjson(io.BytesIO(lines)).columns
whole = pl.read_ndjson(io.BytesIO(lines), infer_schema_length=None).columns
arrow = arrow_json.read_json(io.BytesIO(lines)).column_names
print(f"polars {sampled}, with every line looked at {whole}, pyarrow {arrow}")
sys.exit(not (sampled == ["loss"] and whole == arrow == ["loss", "score"]))
PY

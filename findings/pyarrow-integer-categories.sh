#!/usr/bin/env bash
# A category of whole numbers comes back from Parquet as plain numbers; one of words stays a category.
#
# pandas writes both as Arrow dictionaries, with the type and "ordered" in the file's metadata. Read
# again with pyarrow, the dictionary of strings is restored, with its order and with levels that no
# row has; that of integers is int64, and its unused levels are gone. A model that is trained on the
# table takes the codes for quantities, although its author said "category". What we do: compare with
# the schema that the file keeps under ARROW:schema, and take such a column for a category.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q 'pyarrow==26.0.1' 'pandas==3.1.1'
"$folder/venv/bin/python" - <<'PY'
import base64
import io
import sys

import pandas as pd
import pyarrow as pa
from pyarrow import parquet

print("pyarrow", pa.__version__, "pandas", pd.__version__)
frame = pd.DataFrame(
    {
        "word": pd.Categorical(["b", "a", None], categories=["a", "b", "c"], ordered=True),
        "code": pd.Categorical([20, 10, None], categories=[10, 20, 30], ordered=True),
    }
)
file = io.BytesIO()
frame.to_parquet(file)
found = parquet.ParquetFile(file)
kept = base64.b64decode(found.metadata.metadata[b"ARROW:schema"])
types = {}
for name, schema in (("written", pa.ipc.read_schema(pa.py_buffer(kept))), ("read", found.schema_arrow)):
    types[name] = {field.name: pa.types.is_dictionary(field.type) for field in schema}
    print(f"{name}:", {field.name: str(field.type) for field in schema})
sys.exit(not (all(types["written"].values()) and types["read"] == {"word": True, "code": False}))
PY

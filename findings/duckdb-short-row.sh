#!/usr/bin/env bash
# One short row among the first 2,000, and a CSV file of three columns is read as one column of text.
#
# DuckDB's read_csv tries separators on a sample and keeps the one by which the rows agree. A single
# row that lacks its last field makes the comma disagree, so "no separator" wins: the whole table is
# one column, named after the header line, and nothing is raised. The same short row after the sample is
# refused with its line. What we do: take the separator that most lines agree on, and refuse the short
# row by its line.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q 'duckdb==2.0.1'
"$folder/venv/bin/python" - "$folder" <<'PY'
import sys
from pathlib import Path

import duckdb

print("duckdb", duckdb.__version__)
path = Path(sys.argv[1]) / "t.csv"


def columns(short):
    rows = [f"{n},{n / 4},red\n" for n in range(30_000)]
    rows[short] = "7,1.75\n"
    path.write_text("id,len,col\n" + "".join(rows))
    try:
        table = duckdb.read_csv(str(path))
        return table.columns, len(table.fetchall())
    except duckdb.InvalidInputException as error:
        return "refused: " + str(error).splitlines()[0]


early, late = columns(1_000), columns(29_000)
print(f"short row 1,000: {early}; short row 29,000: {late}")
sys.exit(not (early == (["id,len,col"], 30_000) and late.startswith("refused")))
PY

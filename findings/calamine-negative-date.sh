#!/usr/bin/env bash
# A cell of -5 that a workbook shows as a date is read as midnight, and its number is gone.
#
# python-calamine gives a cell in a date format a Python type by its value: a day without a fraction is a
# date, one with a fraction a datetime, and everything below 1 a time of day, negative numbers included.
# Of these only the fraction is kept: -5 and 0 are both 00:00, -0.5 is 12:00. openpyxl gives days before 1900
# for the same file, and with a duration's format (`[h]:mm`) calamine keeps the sign, too. Differences of two
# dates, which spreadsheets put into a date's format by themselves, therefore lose what they say. What it
# means here: a column of such differences belongs into a number's format before it is uploaded.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q 'python-calamine==0.9.1' 'openpyxl==3.1.5'
"$folder/venv/bin/python" - "$folder" <<'PY'
import datetime as dt
import sys
from importlib.metadata import version
from pathlib import Path

import openpyxl
import python_calamine

print("python-calamine", version("python-calamine"), "openpyxl", openpyxl.__version__)
path = Path(sys.argv[1]) / "t.xlsx"
book = openpyxl.Workbook()
for value in (45000, 45000.5, 0, -5, -0.5):
    book.active.append([value, value])
for shown, duration in book.active.iter_rows():
    shown.number_format, duration.number_format = "yyyy-mm-dd hh:mm", "[h]:mm"
book.save(path)
rows = python_calamine.CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()
dates, durations = zip(*rows, strict=True)
other = [row[0] for row in openpyxl.load_workbook(path).active.iter_rows(values_only=True)]
print("calamine, date's format:    ", *dates, sep="\n  ")
print("calamine, duration's format:", *durations, sep="\n  ")
print("openpyxl, date's format:    ", *other, sep="\n  ")
midnight, noon = dt.time(0, 0), dt.time(12, 0)
as_found = dates[2:] == (midnight, midnight, noon) and durations[3] == dt.timedelta(days=-5)
sys.exit(not (as_found and other[3] == dt.datetime(1899, 12, 25)))
PY

#!/usr/bin/env bash
# Eight megabytes of text in 1,000 columns take four gigabytes of address space, and Arrow counts 30 MiB.
#
# pyarrow's CSV reader works block by block, and asks for memory of about the block's size for every column of
# strings at once. Pages that are not written cost nothing, so the resident size and the pool's own count stay
# small, and nobody notices; but under a limit of address space (`ulimit -v`, RLIMIT_AS), as a service sets it
# for files of strangers, a table of a few hundred columns ends the process with "malloc failed". What we do:
# the block's size times the number of columns stays below 256 MiB.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q 'pyarrow==26.0.1'
cat > "$folder/read.py" <<'PY'
import io
import re
import sys
from pathlib import Path

import pyarrow
from pyarrow import csv

width, block = int(sys.argv[1]), int(sys.argv[2])
pyarrow.set_memory_pool(pyarrow.system_memory_pool())
text = (",".join(["1"] * width) + "\n").encode() * (8_000_000 // (2 * width))
names = [str(n) for n in range(width)]


def peak():
    """Peak of the address space, in MiB."""
    return int(re.search(r"VmPeak:\s+(\d+)", Path("/proc/self/status").read_text())[1]) >> 10


before = peak()
reader = csv.open_csv(
    io.BytesIO(text),
    read_options=csv.ReadOptions(use_threads=False, column_names=names, block_size=block),
    convert_options=csv.ConvertOptions(column_types=dict.fromkeys(names, pyarrow.string())),
)
for _ in reader:
    pass
counted = pyarrow.default_memory_pool().max_memory() >> 20
print(peak() - before, counted)
PY
[ -e /proc/self/status ] || { echo "no /proc here: nothing can be shown"; exit 0; }
echo "pyarrow 26.0.1; 8 MB of text: MiB of address space, MiB that the pool counts"
for width in 10 1000; do
  for block in 262144 4194304; do
    seen[$((width + block))]=$("$folder/venv/bin/python" "$folder/read.py" $width $block)
    echo "$width columns, blocks of $((block >> 10)) KiB: ${seen[$((width + block))]}"
  done
done
read -r wide counted <<< "${seen[$((1000 + 4194304))]}"
read -r narrow _ <<< "${seen[$((10 + 4194304))]}"
[ "$wide" -gt 3000 ] && [ "$narrow" -lt 500 ] && [ "$counted" -lt 100 ]

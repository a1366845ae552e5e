#!/bin/sh
# Pins every dependency with its hashes, for all platforms and Python >= 3.11.
# The files name no package index: whichever one is configured is asked.
set -eu
cd "$(dirname "$0")/.."
compile() {
    uv pip compile pyproject.toml "$@" --universal --python-version 3.11 \
        --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet
}
compile --extra build --output-file requirements/run.txt
compile --extra build --extra test --extra dev --output-file requirements/dev.txt
compile --extra build --extra docs --output-file requirements/docs.txt

#!/usr/bin/env bash
# The suite with the lowest versions that pyproject.toml allows, each of which must be one that can be
# had: a bound below what another dependency needs is an error. Needs: uv; arguments go to pytest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

uv venv --quiet --python 3.11 "$work/venv"
export VIRTUAL_ENV=$work/venv PATH=$work/venv/bin:$PATH
uv pip compile --quiet --resolution lowest-direct --extra test pyproject.toml > "$work/oldest.txt"
uv pip install --quiet --requirement "$work/oldest.txt"
uv pip install --quiet --no-deps .
uv pip list
python ci/bounds.py
pytest -n auto --doctest-modules "$@"

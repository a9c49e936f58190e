#!/usr/bin/env bash
# Lint, docstrings, types, workflows, tests, and the built wheel tried from outside the repository.
# Needs: pip install ".[test,dev]"          Option: --without-tests
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

echo "== lint"
ruff check .
ruff format --check .

echo "== docstrings"
PYTHONPATH=$PWD python ci/docstrings.py

echo "== types"
mypy

echo "== workflows and repository"
zizmor --offline --quiet .github
sp-repo-review .

if [ "${1:-}" != --without-tests ]; then
    echo "== tests"
    pytest -n auto --doctest-modules
fi

echo "== wheel, built twice"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ci/same-wheel.sh "$work"
ci/tried-from-outside.sh "$work"/*.whl
echo "== all checks passed"

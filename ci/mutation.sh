#!/usr/bin/env bash
# Changes the core a little, many times, and asks whether the tests notice.
# Needs: pip install ".[test,mutation]"
# Usage: ci/mutation.sh [--per-module N] [--seed S] [MODULE ...]
#   MODULE is a file such as xsoftmax/solvers/newton.py; without any, all of the core.
# The score and the changes that no test noticed go to ci/mutation.json.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec python ci/mutation.py "$@"

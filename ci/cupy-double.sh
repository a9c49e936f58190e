#!/usr/bin/env bash
# The suite on a double of CuPy (tests/doubles), for machines without a GPU: alone and with a second
# device and other rounding; then what factors matrices, with each way in which that may fail.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PYTHONPATH=$PWD/tests/doubles

pytest tests/arrays/test_cupy_double.py
pytest -n auto --dist loadfile --backend cupy
CUPY_DOUBLE_DEVICES=2 CUPY_DOUBLE_NOISE=1 pytest -n auto --dist loadfile --backend cupy
for failure in partial kept; do
    CUPY_DOUBLE_FAILURE=$failure pytest -n auto --backend cupy \
        tests/arrays tests/curvature tests/objective tests/solvers
done

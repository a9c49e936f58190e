#!/usr/bin/env bash
# The whole suite on CuPy, on a machine with a CUDA GPU; fails if CuPy cannot be used.
#
#   ci/gpu.sh [WHEELS] [PYTEST ARGUMENTS]
#
# WHEELS is a folder of wheels for a machine without a network: they are installed into a temporary
# folder, without their dependencies, over what the machine has. MNIST is read from
# $XSOFTMAX_DATA_DIR.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [ -d "${1:-}" ]; then
    site=$(mktemp -d)
    trap 'rm -rf "$site"' EXIT
    python3 -m pip install --quiet --no-index --no-deps --no-compile --target "$site" "$1"/*.whl
    export PYTHONPATH="$site${PYTHONPATH:+:$PYTHONPATH}"
    shift
fi

python3 - <<'PYTHON'
import cupy

properties = cupy.cuda.runtime.getDeviceProperties(0)
print("device:", properties["name"].decode())
print("memory:", properties["totalGlobalMem"] >> 20, "MiB")
print("CuPy:", cupy.__version__)
print("CUDA runtime:", cupy.cuda.runtime.runtimeGetVersion())
print("CUDA driver:", cupy.cuda.runtime.driverGetVersion())
PYTHON

python3 -m pytest --backend cupy "$@"

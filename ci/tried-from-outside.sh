#!/usr/bin/env bash
# A wheel or an sdist in an environment of its own, tried from outside the repository.
set -euo pipefail
package=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet "$package"
cd "$work"
venv/bin/xsoftmax train --quiet
venv/bin/xsoftmax evaluate --model xsoftmax-out/model.safetensors --json
test "$(find xsoftmax-out -name '*.png' | wc -l)" -eq 5
venv/bin/python -c "import xsoftmax; assert 'site-packages' in xsoftmax.__file__, xsoftmax.__file__"
test -f "$work"/venv/lib/python3*/site-packages/xsoftmax/py.typed

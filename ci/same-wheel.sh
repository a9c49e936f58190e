#!/usr/bin/env bash
# Two builds of the same files are equal, byte for byte, the wheel and the sdist: in two folders, at
# two times, with two umasks, time zones, languages and hash seeds. What git ignores is left out.
# Needs: pip install ".[dev]"      Usage: ci/same-wheel.sh FOLDER, which gets the wheel and the sdist
set -euo pipefail
mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

build() ( # FOLDER UMASK
    umask "$2"
    mkdir -p "$work/$1/tree"
    git ls-files -z --cached --others --exclude-standard | tar -c -f - --null -T - \
        | tar -x -m -f - --no-same-permissions -C "$work/$1/tree"
    python -m build --outdir "$work/$1/dist" "$work/$1/tree" > "$work/build.log" 2>&1 \
        || { cat "$work/build.log"; exit 1; }
)

TZ=UTC LC_ALL=C PYTHONHASHSEED=1 build one 022
sleep 2 # a zip file counts seconds in twos
TZ=Asia/Tokyo LC_ALL=C.UTF-8 PYTHONHASHSEED=2 build another/deeper 077
diff -r "$work/one/dist" "$work/another/deeper/dist"
cp "$work"/one/dist/* "$out"
echo "two builds are equal: $(cd "$out" && echo ./*.whl ./*.tar.gz)"

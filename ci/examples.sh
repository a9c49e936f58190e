#!/usr/bin/env bash
# Every example in a folder of its own: it must end well, print something and draw a picture.
# Needs: pip install ".[test]"; torch is used where it is installed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
examples=$PWD/examples
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export MPLBACKEND=agg

for script in "$examples"/*.py; do
    name=$(basename "$script" .py)
    mkdir "$work/$name"
    start=$(date +%s)
    # plt.show() says that agg shows nothing; every other warning is an error.
    (cd "$work/$name" && python -W error -W "ignore:FigureCanvasAgg:UserWarning" "$script" > printed) \
        || { cat "$work/$name/printed"; echo "$name failed"; exit 1; }
    test -s "$work/$name/printed" || { echo "$name printed nothing"; exit 1; }
    test -n "$(find "$work/$name" -name '*.png' -size +1k)" || { echo "$name drew nothing"; exit 1; }
    echo "$name: $(($(date +%s) - start)) s"
done

#!/bin/sh
# Writes the lock files; options are handed on to `uv pip compile` (--upgrade). Hashes are in,
# registry addresses are not: where packages come from is the installing machine's business.
set -eu
cd "$(dirname "$0")/.."
uv=.venv/bin/uv
[ -x "$uv" ] || ./tools/pip.sh install --quiet uv

compile() {
    # --universal: one file for every supported Python and platform, by markers.
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --custom-compile-command "make lock" "$@"
}

compile "$@" pyproject.toml --output-file requirements.lock
# What the tests run with is what the daemon is installed with.
compile "$@" pyproject.toml --group dev --constraints requirements.lock \
    --output-file requirements-dev.lock
compile "$@" --group node --output-file requirements-node.lock

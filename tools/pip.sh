#!/bin/sh
# Runs pip for .venv, which on Debian may hold no pip of its own.
set -eu
cd "$(dirname "$0")/.."
# Said once by people's own shells if at all; noise in a Makefile.
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
if .venv/bin/python -c 'import pip' 2>/dev/null; then
    exec .venv/bin/python -m pip "$@"
fi
exec "${PYTHON:-python3}" -m pip --python .venv/bin/python "$@"

#!/bin/sh
# Makes .venv with everything locked in requirements-dev.lock and agentd itself (editable).
# Needs Python 3.11 or newer and either its venv module with ensurepip or pip; says what is
# missing in one line.
set -eu
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-python3}
export PYTHON

missing() {
    echo "setup: $1" >&2
    exit 1
}

command -v "$PYTHON" >/dev/null 2>&1 ||
    missing "$PYTHON is not installed; on Debian and Ubuntu: apt-get install python3 python3-venv"
"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    missing "Python 3.11 or newer is needed, $PYTHON is $("$PYTHON" -V 2>&1); set PYTHON=/path/to/a/newer/python3"

if ! .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    "$PYTHON" -c 'import venv' 2>/dev/null ||
        missing "Python's venv module is not installed; on Debian and Ubuntu: apt-get install python3-venv"
    if "$PYTHON" -c 'import ensurepip' 2>/dev/null; then
        "$PYTHON" -m venv --clear .venv
    elif "$PYTHON" -c 'import pip' 2>/dev/null; then
        # Debian's python3 without python3-venv: the environment is made empty, and the system's
        # pip fills it.
        "$PYTHON" -m venv --clear --without-pip .venv
    else
        missing "neither pip nor ensurepip is installed; on Debian and Ubuntu: apt-get install python3-venv"
    fi
fi

./tools/pip.sh install --quiet --require-hashes --requirement requirements-dev.lock ||
    missing "pip could not install what requirements-dev.lock names (see its message above)"
# No isolation: the build backend is in the lock as well.
./tools/pip.sh install --quiet --no-deps --no-build-isolation --editable . ||
    missing "pip could not install agentd itself (see its message above)"
touch .venv/.installed
echo "setup: .venv is ready ($(.venv/bin/python -V))"

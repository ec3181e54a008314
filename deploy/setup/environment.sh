#!/bin/sh
# Prepares .venv with the locked dependencies and this project: `environment.sh run` or `environment.sh dev`.
# It must never need root, and never install anything whose hash is not in deploy/locks.
set -eu
cd "$(dirname "$0")/../.."
need="${1:-run}"

stop() {
    printf '%s\n' "$1" >&2
    exit 1
}

usable() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1
}

find_python() {
    for candidate in "${PYTHON:-python3}" python3.13 python3.12 python3.11; do
        if command -v "$candidate" >/dev/null 2>&1 && usable "$candidate"; then
            printf '%s\n' "$candidate"
            return
        fi
    done
}

make_environment() {
    python="$(find_python)"
    [ -n "$python" ] || stop "Store Hub needs Python 3.11, 3.12 or 3.13, and none was found; install one, or name it: make PYTHON=/path/to/python3.11."
    if ! "$python" -c 'import venv, ensurepip' >/dev/null 2>&1; then
        sh deploy/setup/system.sh venv
        "$python" -c 'import venv, ensurepip' >/dev/null 2>&1 ||
            stop "Python's venv module is missing; install it with: sudo apt-get install python3-venv."
    fi
    "$python" -m venv --clear .venv
}

[ -x .venv/bin/python ] && usable .venv/bin/python || make_environment
version="$(.venv/bin/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
lock="deploy/locks/$need-$version.txt"
[ -f "$lock" ] || stop "There is no lock file $lock; the locks are made by: make lock."

printf 'Installing what %s names …\n' "$lock"
if command -v uv >/dev/null 2>&1 &&
    uv pip install --quiet --python .venv/bin/python --link-mode copy --require-hashes --no-build -r "$lock"; then
    :
else
    .venv/bin/python -m pip install -qq --disable-pip-version-check --require-hashes --only-binary :all: -r "$lock" ||
        stop "The locked packages could not be installed; is the package index within reach?"
fi
said="$(.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-index --no-deps \
    --no-build-isolation --editable . 2>&1)" || stop "$said"

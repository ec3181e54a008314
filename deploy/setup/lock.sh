#!/bin/sh
# Writes deploy/locks: one run-time and one development lock a Python version, every file hashed, wheels only.
# It must never write where packages come from: no index, no address.  UPGRADE=1 moves to the newest versions.
set -eu
cd "$(dirname "$0")/../.."
uv="$(command -v uv || printf '%s' .venv/bin/uv)"
upgrade="${UPGRADE:+--upgrade}"
work="$(mktemp -d)"
trap 'rm -r "$work"' EXIT

compile() { # version, machine, kind, output
    groups=""
    [ "$3" = run ] || groups="--group pyproject.toml:dev"
    # shellcheck disable=SC2086
    "$uv" pip compile --quiet --generate-hashes --only-binary :all: --no-emit-index-url --no-emit-find-links \
        --custom-compile-command "make lock" --python-version "$1" --python-platform "$2-manylinux_2_28" \
        $upgrade $groups --group pyproject.toml:build --output-file "$4" pyproject.toml >/dev/null
}

for version in 3.11 3.12 3.13; do
    for kind in run dev; do
        lock="deploy/locks/$kind-$version.txt"
        compile "$version" x86_64 "$kind" "$lock"
        cp "$lock" "$work/aarch64.txt"
        compile "$version" aarch64 "$kind" "$work/aarch64.txt"
        diff -q "$lock" "$work/aarch64.txt" >/dev/null ||
            { printf '%s differs between x86_64 and aarch64; give the package a marker.\n' "$lock" >&2; exit 1; }
        printf '%s: %s packages\n' "$lock" "$(grep -c '^[a-z0-9]' "$lock")"
    done
done

#!/bin/sh
# Installs the Debian packages that are missing, where root or passwordless sudo allows: `system.sh run|test|venv`.
# It must never fail a start for want of a package: it says in one sentence what is missing and how to get it.
set -u
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

has() {
    case "$1" in
    mosquitto) command -v mosquitto ;;
    mosquitto-clients) command -v mosquitto_pub ;;
    libzbar0) ldconfig -p | grep libzbar.so.0 ;;
    chromium) command -v chromium ;;
    fonts-dejavu-core) ls /usr/share/fonts/truetype/dejavu ;;
    fonts-noto-core) ls /usr/share/fonts/truetype/noto ;;
    ffmpeg) command -v ffmpeg ;;
    postgresql) ls /usr/lib/postgresql/*/bin/postgres || command -v postgres ;;
    python3-venv) python3 -c 'import venv, ensurepip' ;;
    esac >/dev/null 2>&1
}

case "${1:-run}" in
run) wanted="mosquitto mosquitto-clients libzbar0" ;;
test) wanted="mosquitto mosquitto-clients libzbar0 chromium fonts-dejavu-core fonts-noto-core ffmpeg postgresql" ;;
venv) wanted="python3-venv" ;;
esac

missing() {
    for package in $wanted; do
        has "$package" || printf '%s ' "$package"
    done
}

lacking="$(missing)"
[ -n "$lacking" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    as_root="env"
elif sudo -n true >/dev/null 2>&1; then
    as_root="sudo -n env"
else
    as_root=""
fi
if [ -n "$as_root" ] && command -v apt-get >/dev/null 2>&1; then
    printf 'Installing %sthrough apt …\n' "$lacking"
    # shellcheck disable=SC2086
    { $as_root DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $lacking ||
        { $as_root apt-get update -qq &&
            $as_root DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $lacking; }; } >/dev/null
    lacking="$(missing)"
    [ -n "$lacking" ] || exit 0
fi
printf 'Not installed, and no root or sudo to install it: %s— what needs it is left out; install it with: sudo apt-get install %s\n' \
    "$lacking" "$lacking" >&2

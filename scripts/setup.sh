#!/usr/bin/env bash
# Set up a virtual environment with memlyze built and installed in it, and with the tools that were asked for.
#
#   scripts/setup.sh [EXTRA…]        EXTRA: test, lint, docs, webui
#
# PYTHON   interpreter to use (python3)
# VENV     folder of the virtual environment (.venv)
# WEBUI    enabled, or disabled to build without Node.js
#
# Missing system packages are installed with apt-get where that is possible; otherwise the command to type is
# printed. What is already there and up to date is left alone, so a second run takes a moment. Of several at once
# in one tree, one works and the others wait.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
venv=${VENV:-.venv}
webui=${WEBUI:-enabled}
requested=("$@")
oldest_node="20.19"

say() { printf '\033[1m==> %s\033[0m\n' "$*" >&2; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

wants() { [[ " ${requested[*]-} " == *" $1 "* ]]; }

# Two that install into one environment, or build in one folder, break it.
take_turn() {
    command -v flock >/dev/null || return 0 # as on macOS
    mkdir -p build
    exec {turn}>build/.setup.lock
    flock --nonblock "$turn" && return 0
    say "waiting for another set-up in this tree"
    flock "$turn"
}

# Node.js builds the web UI and runs its tests; an unpacked sdist carries the pages already.
needs_node() { [ "$webui" = enabled ] && { wants webui || [ ! -f memlyze/web/static/index.html ]; }; }

# --- what the system must provide ---------------------------------------------------------------------------

compiles() { printf '#include <%s>\n' "$1" | "${CC:-cc}" -E -x c - >/dev/null 2>&1; }

node_is_usable() {
    command -v npm >/dev/null && command -v node >/dev/null || return 1
    local have
    have=$(node --version) && have=${have#v}
    [ "$(printf '%s\n' "$oldest_node" "$have" | sort -V | head -n 1)" = "$oldest_node" ]
}

uses_system_python() { [[ "$("$python" -c 'import sys; print(sys.base_prefix)')" == /usr ]]; }

# Prints the Debian packages whose content is missing.
missing_packages() {
    command -v "$python" >/dev/null || echo python3
    command -v "${CC:-cc}" >/dev/null || echo gcc
    compiles stdlib.h || echo libc6-dev
    compiles zstd.h || echo libzstd-dev
    if command -v "$python" >/dev/null && uses_system_python; then
        "$python" -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
        [ -f "$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" ] || echo python3-dev
    fi
    if needs_node && ! node_is_usable; then
        echo nodejs
        command -v npm >/dev/null || echo npm
    fi
}

provide_system_packages() {
    local packages
    packages=$(missing_packages | tr '\n' ' ')
    [ -n "$packages" ] || return 0
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "installing with apt-get: $packages"
        apt-get -qq update
        # shellcheck disable=SC2086  # a list of words
        DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends $packages >/dev/null
        packages=$(missing_packages | tr '\n' ' ')
        [ -n "$packages" ] || return 0
    fi
    if [[ "$packages" == *nodejs* ]] && command -v node >/dev/null; then
        fail "Node.js $(node --version) is too old for the web UI, which needs $oldest_node or newer." \
            "Install a newer one, or build without the web UI: WEBUI=disabled make …"
    fi
    fail "the system lacks: $packages
Install it and try again. On Debian and Ubuntu: sudo apt-get install $packages
On Fedora: sudo dnf install gcc python3-devel libzstd-devel nodejs npm.  On macOS: brew install zstd node"
}

# What some tests alone need: where it cannot be had, they are skipped, and say so.
provide_for_tests() {
    if [ "$webui" = enabled ] && wants webui && ! browser_is_there; then
        provide_optionally chromium "the tests in a browser"
    fi
    if wants test && [ "$(uname -s)" = Linux ] && ! command -v musl-gcc >/dev/null; then
        provide_optionally musl-tools "the tests of programs that use musl"
    fi
}

browser_is_there() { command -v chromium || command -v chromium-browser || command -v google-chrome; } >/dev/null

provide_optionally() { # PACKAGE TESTS
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 0
    say "installing with apt-get: $1"
    { apt-get -qq update &&
        DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends "$1" >/dev/null; } ||
        say "$1 could not be installed: $2 will be skipped"
}

# --- the virtual environment --------------------------------------------------------------------------------

pip() { "$venv/bin/python" -m pip --quiet --quiet --disable-pip-version-check "$@"; }

create_venv() {
    local identity
    identity=$("$python" -c 'import sys; print(sys.version, sys.base_prefix)') || fail "$python does not start"
    "$python" -c 'import sys; sys.exit(not (3, 8) <= sys.version_info[:2])' ||
        fail "memlyze needs CPython 3.8 or newer, and $python is $("$python" --version)"
    [ -x "$venv/bin/python" ] && [ "$(cat "$venv/.identity" 2>/dev/null)" = "$identity" ] && return 0
    say "creating $venv with $("$python" --version)"
    rm -rf "$venv"
    if "$python" -c 'import ensurepip' 2>/dev/null; then
        "$python" -m venv "$venv"
        pip install --upgrade pip
    else
        # A CPython without its bundled pip: borrow that of the project's own environment.
        "$python" -m venv --without-pip "$venv"
        .venv/bin/python -m pip --quiet --quiet --python "$venv/bin/python" install pip
    fi
    echo "$identity" >"$venv/.identity"
}

# A digest of everything that goes into the installed package and its tools.
installed_state() {
    echo "$* $webui"
    find pyproject.toml meson.build meson.options memlyze integrations webui \
        \( -name node_modules -o -name __pycache__ -o -path memlyze/web/static \) -prune -o -type f -print0 |
        sort -z | xargs -0 sha256sum
}

has_pages() { [ "$webui" != enabled ] || [ -f memlyze/web/static/index.html ]; }

install_package() {
    # Tools stay once they are in: one task must not undo the set-up of another.
    local extras spec=.
    extras=$(printf '%s\n' $(cat "$venv/.extras" 2>/dev/null) "${requested[@]}" | grep -xE 'test|lint|docs' | sort -u |
        paste -sd, -) || true
    if [ -n "$extras" ]; then spec=".[$extras]"; fi
    local state # before the build: what is changed meanwhile may not be part of it
    state=$(installed_state "$spec" | sha256sum)
    if [ "$(cat "$venv/.installed" 2>/dev/null)" = "$state" ] && has_pages; then return 0; fi

    # The headers of an interpreter that was unpacked elsewhere include each other from the folder above.
    local include
    include=$(dirname "$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("include"))')")
    [ "$include" = /usr/include ] || export CFLAGS="-I$include ${CFLAGS-}"

    say "building memlyze for $("$venv/bin/python" --version) and installing it into $venv"
    # Without build isolation, and with a build folder that stays: only what has changed is compiled again.
    local requirements
    mapfile -t requirements < <(sed -n '/^requires = \[/,/^\]/s/^ *"\(.*\)",$/\1/p' pyproject.toml)
    pip install "${requirements[@]}" ninja
    PATH="$PWD/$venv/bin:$PATH" pip install --no-build-isolation \
        --config-settings=build-dir="build/$(basename "$venv")" \
        --config-settings=setup-args="-Dwebui=$webui" "$spec"
    echo "${extras//,/ }" >"$venv/.extras"
    echo "$state" >"$venv/.installed"
}

take_turn
provide_system_packages
provide_for_tests
create_venv
install_package
if wants webui && [ "$webui" = enabled ]; then
    # The tools of the web UI's tests; the pages themselves were built with the package.
    "$venv/bin/python" scripts/build_webui.py --tools
fi

#!/usr/bin/env bash
# Writes requirements.txt (run time) and requirements-dev.txt (run time and development) from pyproject.toml.
#
# Every file of every release is hashed, so the same two files install on Linux and macOS, x86_64 and arm64, Python 3.11
# to 3.13. They are resolved on the oldest Python that we support, whose backports the newer ones tolerate.
# Pass --upgrade to move to the newest releases; without it, versions that still fit stay as they are.
set -euo pipefail
cd "$(dirname "$0")/.."

compile=.venv/bin/pip-compile
minimum=$(sed -n 's/^requires-python = ">=\(.*\)"$/\1/p' pyproject.toml)
actual=$(.venv/bin/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
if [[ $actual != "$minimum" ]]; then
    echo "make lock: resolve on Python $minimum, not $actual: make clean && make PYTHON=python$minimum lock" >&2
    exit 1
fi

# Local settings (a mirror, a folder of wheels) would leak hashes that nobody else can match.
export PIP_CONFIG_FILE=/dev/null
unset PIP_FIND_LINKS PIP_EXTRA_INDEX_URL
export CUSTOM_COMPILE_COMMAND="make lock"

options=(
    --quiet --generate-hashes --no-strip-extras --allow-unsafe --resolver=backtracking --newline=lf
    --no-emit-index-url --no-emit-find-links --no-emit-trusted-host
)

# The build backend is locked too, because the project itself is installed without build isolation.
"$compile" "${options[@]}" "$@" --build-deps-for=editable --output-file=requirements.txt pyproject.toml
"$compile" "${options[@]}" "$@" --build-deps-for=editable --extra=dev --constraint=requirements.txt \
    --output-file=requirements-dev.txt pyproject.toml

rm -rf controlwatch.egg-info # pip-compile builds metadata in place

if grep -nE '://|^-|file:/|/opt|^[^#].* @ ' requirements.txt requirements-dev.txt; then
    echo "make lock: an address or a local path is in the files (lines above)" >&2
    exit 1
fi

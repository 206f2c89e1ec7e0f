#!/bin/sh
# Prints the first Python on the PATH that can build the environment: 3.11 or newer, with venv and pip.
# Says what was found and what to do when there is none. PYTHON=/path/to/python overrides the search.
set -eu

minimum="3.11"
found=""

# True if $1 runs and is new enough. (A version manager's shim may be on the PATH and yet run nothing.)
new_enough() {
    "$1" -c "import sys; sys.exit(sys.version_info < tuple(map(int, '$minimum'.split('.'))))" 2>/dev/null
}

for candidate in ${PYTHON:-python3.11 python3 python3.14 python3.13 python3.12}; do
    version=$("$candidate" -c 'import platform; print(platform.python_version())' 2>/dev/null) || continue
    if ! new_enough "$candidate"; then
        found="$found $candidate is $version;"
    elif ! "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
        found="$found $candidate is $version but lacks venv (on Debian: apt-get install python3-venv);"
    else
        command -v "$candidate"
        exit 0
    fi
done

{
    echo "controlwatch needs Python $minimum or newer with the venv module."
    echo "found:${found:- no Python on the PATH}"
    echo "next:  install Python $minimum or newer, or name one: make PYTHON=/path/to/python3.11"
} >&2
exit 1

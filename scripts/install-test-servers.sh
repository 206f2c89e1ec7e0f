#!/usr/bin/env bash
# Installs the real programs that tests run against, as Debian packages. What is present already is left alone.
#
# usage: scripts/install-test-servers.sh [--bench]
#   --bench  also installs what only benches compare with
#
# No service is left running: tests start their own, on loopback and on ports of their own.
set -euo pipefail

# program:package
wanted=(
    restic:restic openssl:openssl tmux:tmux
    prometheus:prometheus promtool:prometheus
    prometheus-alertmanager:prometheus-alertmanager amtool:prometheus-alertmanager
    faketime:faketime jq:jq jsonnet:jsonnet systemd-analyze:systemd
)

case "${1:-}" in
    "") ;;
    --bench) wanted+=(prometheus-blackbox-exporter:prometheus-blackbox-exporter nginx:nginx-light) ;;
    *) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac

missing=()
for entry in "${wanted[@]}"; do
    package=${entry#*:}
    command -v "${entry%%:*}" >/dev/null 2>&1 || [[ " ${missing[*]-} " == *" $package "* ]] || missing+=("$package")
done
if ((${#missing[@]} == 0)); then
    echo "test servers: all present"
    exit 0
fi
if ! command -v apt-get >/dev/null 2>&1; then
    echo "test servers: this is no Debian system; install what these Debian packages hold: ${missing[*]}" >&2
    exit 1
fi

as_root=()
if ((EUID != 0)); then
    command -v sudo >/dev/null 2>&1 || { echo "test servers: run as root, or install sudo" >&2; exit 1; }
    as_root=(sudo)
fi

# Packages with a service start it unless a policy forbids it; a container has no service manager to start it with.
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 755 "$policy"
    trap '"${as_root[@]}" rm -f "$policy"' EXIT
fi

echo "test servers: installing ${missing[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"

# Nor may one start at the next boot of a machine that has a service manager.
for package in "${missing[@]}"; do
    if [[ $package == prometheus* ]] && command -v systemctl >/dev/null 2>&1; then
        "${as_root[@]}" systemctl disable "$package.service" >/dev/null 2>&1 ||
            echo "test servers: note: could not disable $package.service (no service manager here?)"
    fi
done

for entry in "${wanted[@]}"; do
    command -v "${entry%%:*}" >/dev/null 2>&1 || {
        echo "test servers: ${entry#*:} is installed, yet ${entry%%:*} is not on the PATH" >&2
        exit 1
    }
done
echo "test servers: ready"

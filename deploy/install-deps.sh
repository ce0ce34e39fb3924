#!/usr/bin/env bash
# Installs from Debian 12 what tocsin needs to build, with --tests what its tests need too, and with
# --sanitizers the compiler of preset `asan`.
# As root or with sudo. When all is there, it asks dpkg and does nothing else.
set -euo pipefail

usage() {
  cat <<'EOF'
Usage: deploy/install-deps.sh [--tests] [--sanitizers]
  --tests       also Prometheus, Alertmanager, kcat, libfaketime, tidy, jq, curl, Python, and Java with Maven for the Kafka broker
  --sanitizers  also clang 19 with its sanitizers and libFuzzer (preset `asan`)
EOF
}

packages=(
  g++ cmake ninja-build ccache mold pkg-config clang-format-14
  libboost1.81-dev libboost-url1.81-dev libboost-json1.81-dev libssl-dev
  librdkafka-dev librocksdb-dev prometheus-cpp-dev
  libgtest-dev libgmock-dev librapidcheck-dev libbenchmark-dev
  libsimdjson-dev libyaml-cpp-dev libre2-dev libcli11-dev libspdlog-dev libfmt-dev libabsl-dev
  liblz4-dev libzstd-dev zlib1g-dev libcsv-dev libhowardhinnant-date-dev
  iso-codes tzdata
  curl jq python3
)
test_packages=(prometheus prometheus-alertmanager kcat libfaketime tidy)
sanitizer_packages=(clang-19 libclang-rt-19-dev)

with_tests=false
with_sanitizers=false
for argument in "$@"; do
  case $argument in
    --tests) with_tests=true ;;
    --sanitizers) with_sanitizers=true ;;
    -h|--help) usage; exit 0 ;;
    *) echo "install-deps.sh: unknown argument $argument" >&2; usage >&2; exit 2 ;;
  esac
done

if $with_tests; then
  packages+=("${test_packages[@]}")
  # A Java or Maven from elsewhere is as good.
  command -v java >/dev/null || packages+=(default-jre-headless)
  command -v mvn >/dev/null || packages+=(maven)
fi

if $with_sanitizers; then packages+=("${sanitizer_packages[@]}"); fi

missing=()
for package in "${packages[@]}"; do
  state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [[ $state == installed ]] || missing+=("$package")
done
if [[ ${#missing[@]} -eq 0 ]]; then
  echo "install-deps.sh: all ${#packages[@]} packages are installed" >&2
  exit 0
fi

as_root=()
if [[ $(id -u) -ne 0 ]]; then
  command -v sudo >/dev/null || { echo "install-deps.sh: run as root, or install sudo" >&2; exit 3; }
  as_root=(sudo)
fi

# Prometheus and Alertmanager come with services that would start at once and take ports 9090 and
# 9093; the tests start their own. Debian asks policy-rc.d before it starts a service: while we
# install, it says no. One that is there already is left as it is.
services=(prometheus prometheus-node-exporter prometheus-alertmanager)
has_unit() { command -v systemctl >/dev/null && systemctl cat "$1.service" >/dev/null 2>&1; }
there_before=()
for service in "${services[@]}"; do
  if has_unit "$service"; then there_before+=("$service"); fi
done
policy=/usr/sbin/policy-rc.d
made_policy=false
remove_policy() { if $made_policy; then "${as_root[@]}" rm -f "$policy"; fi; }
if $with_tests && [[ ! -e $policy ]]; then
  trap remove_policy EXIT
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  made_policy=true
  "${as_root[@]}" chmod 755 "$policy"
fi

echo "install-deps.sh: installing ${missing[*]}" >&2
"${as_root[@]}" apt-get update -q
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"

# Neither shall they start with the next boot of a developer's machine. One that ran here before is
# somebody's, and stays as it is.
if $with_tests; then
  for service in "${services[@]}"; do
    [[ " ${there_before[*]} " == *" $service "* ]] && continue
    has_unit "$service" || continue
    "${as_root[@]}" systemctl disable --now "$service.service" >/dev/null 2>&1 || true
  done
fi

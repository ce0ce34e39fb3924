#!/usr/bin/env bash
# Installs, builds and passes every test: ./tests/run.sh [arguments for ctest, such as -R kill_loop]
# As root or with sudo, again and again. Set TOCSIN_DATA=DIR for the tests on real history.
set -euo pipefail

cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

./deploy/install-deps.sh --tests

# Same object files from any clone's path: a second clone builds from the cache.
export CCACHE_NOHASHDIR=1 CCACHE_BASEDIR=$PWD

echo "run.sh: building preset release …" >&2
cmake --preset release >build-configure.log 2>&1 || { cat build-configure.log >&2; rm -f build-configure.log; exit 1; }
rm -f build-configure.log
cmake --build --preset release -j "$(nproc)"

# Tests name what they need by label: `broker` a real Kafka, `data` real history. What is not at hand
# is left out here, by name, and nowhere else: no test skips itself.
unavailable=()
notes=()
if ! ./deploy/kafka/kafka.sh fetch; then
  unavailable+=(broker)
  notes+=("no Apache Kafka (Maven Central cannot be reached, or there is no Java)")
fi
if [[ -n ${TOCSIN_DATA:-} ]]; then
  [[ -d $TOCSIN_DATA ]] || { echo "run.sh: TOCSIN_DATA=$TOCSIN_DATA is not a folder" >&2; exit 2; }
  TOCSIN_DATA=$(cd -- "$TOCSIN_DATA" && pwd)
  export TOCSIN_DATA
else
  unavailable+=(data)
  notes+=("no real history (set TOCSIN_DATA)")
fi

exclude=()
if [[ ${#unavailable[@]} -gt 0 ]]; then
  labels=$(IFS='|'; echo "${unavailable[*]}")
  exclude=(-LE "^($labels)\$")
  left_out=$(ctest --preset release -N -L "^($labels)\$" | sed -n 's/^ *Test *#[0-9]*: //p' | paste -sd, | sed 's/,/, /g')
  message=$(printf '%s; ' "${notes[@]}")
  echo "run.sh: NOT RUN: ${left_out:-none} (${message%; })" >&2
fi

ctest --preset release --no-tests=error --no-label-summary --output-on-failure -j "$(nproc)" "${exclude[@]}" "$@"

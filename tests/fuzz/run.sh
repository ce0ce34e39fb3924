#!/usr/bin/env bash
# Builds the fuzz targets and lets each look for SECONDS of CPU, beginning at its corpus. Ends with 1 when
# one found something; the input then lies in build/asan/findings.
set -euo pipefail

usage() {
  cat <<'EOF'
Usage: tests/fuzz/run.sh [--keep FOLDER] [-j JOBS] SECONDS [TARGET…]
  --keep FOLDER  new inputs of each target stay in FOLDER/TARGET, and a later run goes on from them
  -j JOBS        so many targets at a time; as many as there are processors when not given
  TARGET         cel_fuzzer, …; all when none is named
EOF
}

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
keep=
jobs=$(nproc)
while [[ ${1:-} == -* ]]; do
  case $1 in
    --keep) keep=${2:?}; shift 2 ;;
    -j) jobs=${2:?}; shift 2 ;;
    -h|--help) usage; exit 0 ;;
    *) echo "run.sh: unknown argument $1" >&2; usage >&2; exit 2 ;;
  esac
done
[[ ${1:-} =~ ^[1-9][0-9]*$ ]] || { usage >&2; exit 2; }
seconds=$1
shift
targets=("$@")
if [[ ${#targets[@]} -eq 0 ]]; then
  for source in "$root"/tests/fuzz/*_fuzzer.cc; do targets+=("$(basename "$source" .cc)"); done
fi

"$root/deploy/install-deps.sh" --sanitizers
cd -- "$root"
started=$SECONDS
export CCACHE_NOHASHDIR=1 CCACHE_BASEDIR=$root
cmake --preset asan >/dev/null
cmake --build --preset asan -j "$(nproc)" --target "${targets[@]}"
echo "fuzz: the build took $((SECONDS - started)) s"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export work seconds keep=${keep:-$work/inputs} findings=$root/build/asan/findings
mkdir -p "$findings"

# One line about what the target did; with a finding also the end of its log, and 1.
look() {
  local target=$1 log=$work/$1.log code=0 cpu=0 execs=0 slowest=0 coverage left TIMEFORMAT='%U %S'
  mkdir -p "$keep/$target"
  # A busy machine gives it less than the clock says.
  while left=$((seconds - cpu)); [[ $code -eq 0 && $left -gt 0 ]]; do
    { time nice -n 10 "build/asan/tests/fuzz/$target" -max_total_time="$left" -timeout=10 \
      -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$findings/$target-" \
      "$keep/$target" "tests/fuzz/corpus/$target" >"$log" 2>&1 || code=$?; } 2>"$work/$target.time"
    cpu=$((cpu + $(awk '{printf "%.0f", $1 + $2 + 0.5}' "$work/$target.time")))
    execs=$((execs + $(awk '/stat::number_of_executed_units/ {print $2; n = 1} END {if (!n) print 0}' "$log")))
    slowest=$(awk -v most="$slowest" '/stat::slowest_unit_time_sec/ && $2 > most {most = $2} END {print most}' "$log")
  done
  coverage=$(grep -o ' cov: [0-9]*' "$log" | tail -1 | tr -dc 0-9 || true)
  printf 'fuzz: %-18s %5s CPU-s %10s execs  cov %6s  slowest %2s s  %s\n' "$target" "$cpu" \
    "$execs" "${coverage:-?}" "$slowest" "$([[ $code -eq 0 ]] && echo ok || echo FOUND)"
  [[ $code -eq 0 ]] && return 0
  tail -n 40 "$log"
  echo "fuzz: $target: the input is $(sed -n 's/.*Test unit written to //p' "$log" | tail -1)"
  return 1
}
export -f look

printf '%s\n' "${targets[@]}" | xargs -P "$jobs" -n 1 bash -c 'look "$1"' look

#!/usr/bin/env bash
# From a bare Debian 12 to alerts on the screen: installs packages, builds, starts the daemon on its
# embedded store with the shipped rules, feeds it, and shows the alerts as they come.
set -euo pipefail

usage() {
  cat <<'EOF'
Usage: deploy/quickstart.sh [--data DIR] [--once] [--port N] [--seconds N]
  --data DIR    real history of 2010-2011 from published data sets in DIR (also: TOCSIN_DATA=DIR):
                UCDP events, protests, and the governance panels published then.
                Without it: a year in two FICTIONAL countries (deploy/scenario).
  --once        end when everything has been fed (exit code 0), instead of staying up until Ctrl-C
  --port N      for API and metrics (default 8788, or any free one when that is taken)
  --seconds N   how long the time-lapse takes (default 24)
As root or with sudo; can be run again and again.
EOF
}

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
tree=$(dirname -- "$here")
data=${TOCSIN_DATA:-} once=false port='' seconds=24

while [[ $# -gt 0 ]]; do
  case $1 in
    --data) data=${2:?--data needs a folder}; shift 2 ;;
    --once) once=true; shift ;;
    --port) port=${2:?--port needs a number}; shift 2 ;;
    --seconds) seconds=${2:?--seconds needs a number}; shift 2 ;;
    -h|--help) usage; exit 0 ;;
    *) echo "quickstart.sh: unknown argument $1" >&2; usage >&2; exit 2 ;;
  esac
done

say() { printf 'quickstart: %s\n' "$*" >&2; }

if [[ -n $data ]]; then
  [[ -d $data ]] || { say "$data is not a folder"; exit 2; }
  data=$(cd -- "$data" && pwd)
  for file in ged191_africa_mideast mass_mobilization_1990_2020 vdem12_governance_1985_2021 wgi_1996_2019; do
    [[ -r $data/$file.csv ]] || { say "$data has no $file.csv"; exit 2; }
  done
fi

"$here/install-deps.sh"

say "building (a few minutes the first time, seconds after that) …"
export CCACHE_NOHASHDIR=1 CCACHE_BASEDIR=$tree
build_log=$(mktemp "${TMPDIR:-/tmp}/tocsin-build.XXXXXX")
if ! (cd -- "$tree" && cmake --preset release && cmake --build --preset release --target tocsin -j "$(nproc)") \
    >"$build_log" 2>&1; then
  tail -40 "$build_log" >&2
  say "the build failed; all of its output is in $build_log"
  exit 1
fi
rm -f "$build_log"
tocsin=$tree/build/release/daemon/tocsin

work=$(mktemp -d "${TMPDIR:-/tmp}/tocsin-quickstart.XXXXXX")
daemon=''
cleanup() {
  if [[ -n $daemon ]] && kill -0 "$daemon" 2>/dev/null; then
    kill "$daemon" 2>/dev/null || true
    wait "$daemon" 2>/dev/null || true
  fi
  rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 0' INT TERM

is_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
if [[ -z $port ]]; then
  port=8788
  is_taken "$port" && port=0
fi

# Published data: the daemon follows a file for each, through the mapping of the same name.
feeds=(ucdp-ged-text mass-mobilization vdem wgi)
mkdir -p "$work/feed"
{
  cat <<EOF
tocsin: config/1
data_dir: "$work/data"
catalogue: "$tree/rules/catalogue"
rules: ["$tree/rules/sets"]
http: {listen: "127.0.0.1:$port"}
sinks:
  - {name: log, type: log, path: "$work/alerts.ndjson"}
EOF
  if [[ -n $data ]]; then
    echo "inputs:"
    for name in "${feeds[@]}"; do
      echo "  - {name: $name, type: file, path: \"$work/feed/$name.csv\", mapping: \"$tree/ingest/mappings/$name.yaml\", follow: true}"
    done
  fi
} >"$work/tocsin.yaml"

# The files that the daemon follows are there before it looks.
if [[ -n $data ]]; then
  for name in "${feeds[@]}"; do : >"$work/feed/$name.csv"; done
fi

"$tocsin" run --config "$work/tocsin.yaml" >"$work/daemon.log" 2>&1 &
daemon=$!
for ((tries = 0; ; tries++)); do
  if ! kill -0 "$daemon" 2>/dev/null; then
    tail -20 "$work/daemon.log" >&2
    say "the daemon ended while starting"
    exit 1
  fi
  if [[ -s $work/data/port ]]; then
    port=$(<"$work/data/port")
    curl -fsS -o /dev/null "http://127.0.0.1:$port/-/ready" 2>/dev/null && break
  fi
  if ((tries > 300)); then
    tail -20 "$work/daemon.log" >&2
    say "the daemon was not ready within 30 s"
    exit 1
  fi
  sleep 0.1
done
url=http://127.0.0.1:$port

show_addresses() {
  cat <<EOF

  alerts    $url/v1/alerts
  metrics   $url/metrics
  send      curl -H 'Content-Type: application/x-ndjson' --data-binary @events.ndjson $url/v1/events
  log       $work/alerts.ndjson

EOF
}
show_addresses

if [[ -n $data ]]; then
  printf 'REAL HISTORY, 2010-2011, in time-lapse: published data sets from %s\n\n' "$data"
  feed=(--history "$data" --into "$work/feed")
else
  cat <<'EOF'
############################################################################################
#  FICTIONAL SCENARIO: Qamaria and Zarqana do not exist; every event below is invented.    #
#  For real history: TOCSIN_DATA=DIR deploy/quickstart.sh (see deploy/scenario/README.md). #
############################################################################################

EOF
  python3 "$here/scenario/generate.py" >"$work/scenario.ndjson"
  feed=(--scenario "$work/scenario.ndjson")
fi
python3 "$here/quickstart/timelapse.py" --url "$url" --log "$work/alerts.ndjson" --seconds "$seconds" "${feed[@]}"

if $once; then
  kill "$daemon"
  wait "$daemon" || { say "the daemon did not end cleanly"; tail -20 "$work/daemon.log" >&2; exit 1; }
  exit 0
fi
show_addresses
say "the daemon stays up; Ctrl-C ends it and removes its data"
wait "$daemon" || { tail -20 "$work/daemon.log" >&2; exit 1; }

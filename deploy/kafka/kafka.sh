#!/usr/bin/env bash
# Runs a real single-node Apache Kafka (KRaft: broker and controller in one process) for tests and
# trial runs. Not for production: one copy of everything, no TLS, loopback only.
set -euo pipefail

usage() {
  cat <<'EOF'
Usage: kafka.sh COMMAND [options]

Commands
  fetch                 get the broker's jars through Maven (kept in the cache, done once)
  start                 format the storage when it is new, start, wait until the broker is ready
  stop                  clean stop; waits until the process has ended
  kill                  kill -9, as a power cut would
  restart               stop, then start on the same data
  status                prints "running" or "stopped"; exit code 0 or 1
  create-topic NAME     with --partitions N (default 1)
  delete-topic NAME
  topics                names of all topics

Options
  --dir DIR             settings, log and data of this broker (default: $XDG_STATE_HOME/tocsin/kafka)
  --port N              where clients connect (default 9092)
  --controller-port N   the broker's own quorum listener (default: --port + 1)
  --login-port N        one more listener, where clients log in (SASL/PLAIN) as user "tocsin" …
  --login-password-file FILE   … with the first line of this file
  --heap SIZE           Java heap (default 320m)
  --partitions N        for create-topic
Exit codes: 0 done, 1 the answer is no, 2 usage, 3 environment (no Java, no Maven, port taken …).
EOF
}

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
cache_root=${TOCSIN_KAFKA_CACHE:-$here/.cache}
version=$(sed -n 's:.*<kafka.version>\(.*\)</kafka.version>.*:\1:p' "$here/pom.xml")
jars=$cache_root/$version

command=${1:-}
[[ $# -gt 0 ]] && shift
dir=${XDG_STATE_HOME:-${HOME:-/root}/.local/state}/tocsin/kafka
port=9092 controller_port='' login_port='' login_password_file='' heap=320m partitions=1 topic=''

while [[ $# -gt 0 ]]; do
  case $1 in
    --dir) dir=$2; shift 2 ;;
    --port) port=$2; shift 2 ;;
    --controller-port) controller_port=$2; shift 2 ;;
    --login-port) login_port=$2; shift 2 ;;
    --login-password-file) login_password_file=$2; shift 2 ;;
    --heap) heap=$2; shift 2 ;;
    --partitions) partitions=$2; shift 2 ;;
    -h|--help) usage; exit 0 ;;
    -*) echo "kafka.sh: unknown option $1" >&2; usage >&2; exit 2 ;;
    *) topic=$1; shift ;;
  esac
done
controller_port=${controller_port:-$((port + 1))}
pid_file=$dir/kafka.pid
log_file=$dir/kafka.log

fail() { echo "kafka.sh: $*" >&2; exit 3; }

fetch() {
  [[ -e $jars/.complete ]] && return 0
  command -v mvn >/dev/null || fail "Maven (mvn) is needed once, to get Kafka's jars: run deploy/install-deps.sh --tests"
  mkdir -p "$cache_root"
  # Two runs at once must not fill the same folder.
  exec 9>"$cache_root/.lock"
  flock 9
  [[ -e $jars/.complete ]] && return 0
  local fresh
  fresh=$(mktemp -d "$cache_root/fetch.XXXXXX")
  echo "kafka.sh: getting Apache Kafka $version from Maven Central …" >&2
  if ! mvn -B -q -f "$here/pom.xml" dependency:copy-dependencies -DincludeScope=runtime \
      -DoutputDirectory="$fresh" >"$fresh.log" 2>&1; then
    tail -5 "$fresh.log" >&2
    rm -rf "$fresh" "$fresh.log"
    fail "Maven Central could not be reached, or does not serve Kafka $version"
  fi
  rm -f "$fresh.log"
  touch "$fresh/.complete"
  rm -rf "$jars"
  mv "$fresh" "$jars"
  flock -u 9
}

# The pid, when that process is a Kafka of this folder (a pid file can outlive a reboot).
running_pid() {
  local pid
  [[ -r $pid_file ]] || return 1
  pid=$(<"$pid_file")
  [[ -n $pid && -r /proc/$pid/cmdline ]] || return 1
  tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF "$dir/server.properties" || return 1
  echo "$pid"
}

run_java() {
  command -v java >/dev/null || fail "Java 17 or newer is needed: run deploy/install-deps.sh --tests"
  java "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn" "$@"
}

write_settings() {
  mkdir -p "$dir"
  cat >"$dir/server.properties" <<EOF
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller_port
listeners=CLIENT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller_port
advertised.listeners=CLIENT://127.0.0.1:$port
listener.security.protocol.map=CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=CLIENT
controller.listener.names=CONTROLLER
log.dirs=$dir/data
auto.create.topics.enable=false
num.partitions=1
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
num.network.threads=2
num.io.threads=2
controlled.shutdown.enable=false
# After a kill the quorum waits for the old session to end before it takes the broker back.
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
EOF
  [[ -z $login_port ]] || add_login
}

# A listener with a login beside the open one, which tools go on using.
add_login() {
  local password=''
  [[ -r $login_password_file ]] && password=$(head -n 1 "$login_password_file")
  [[ $password =~ ^[[:alnum:]._-]+$ ]] \
    || { echo "kafka.sh: --login-port needs --login-password-file: letters, digits and . _ - in its first line" >&2; exit 2; }
  chmod 600 "$dir/server.properties"
  sed -i "s|^\(advertised\.\)\?listeners=.*|&,LOGIN://127.0.0.1:$login_port|
    s|^listener.security.protocol.map=.*|&,LOGIN:SASL_PLAINTEXT|" "$dir/server.properties"
  cat >>"$dir/server.properties" <<EOF
listener.name.login.sasl.enabled.mechanisms=PLAIN
listener.name.login.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_tocsin="$password";
EOF
}

start() {
  local pid
  if pid=$(running_pid); then
    echo "kafka.sh: already running (pid $pid)" >&2
    return 0
  fi
  fetch
  write_settings
  if [[ ! -e $dir/data/meta.properties ]]; then
    run_java -cp "$jars/*" kafka.tools.StorageTool random-uuid >"$dir/cluster-id"
    run_java -cp "$jars/*" kafka.tools.StorageTool format --config "$dir/server.properties" \
      --cluster-id "$(<"$dir/cluster-id")" >>"$log_file" 2>&1 \
      || { tail -5 "$log_file" >&2; fail "could not format $dir/data"; }
  fi
  local seen=0
  [[ -e $log_file ]] && seen=$(stat -c %s "$log_file")
  command -v java >/dev/null || fail "Java 17 or newer is needed: run deploy/install-deps.sh --tests"
  # C1 only and serial GC: a test broker lives for seconds and shares two cores with what it tests.
  nohup setsid java -Xms64m -Xmx"$heap" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto \
    -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \
    -Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info \
    -cp "$jars/*" kafka.Kafka "$dir/server.properties" </dev/null >>"$log_file" 2>&1 9>&- &
  pid=$!
  echo "$pid" >"$pid_file"
  local waited=0
  until tail -c "+$((seen + 1))" "$log_file" | grep -q 'Kafka Server started'; do
    if ! kill -0 "$pid" 2>/dev/null; then
      rm -f "$pid_file"
      tail -15 "$log_file" >&2
      fail "the broker ended while starting; its log is $log_file"
    fi
    if ((waited++ >= 600)); then
      kill -9 "$pid" 2>/dev/null || true
      fail "the broker was not ready within 120 s; its log is $log_file"
    fi
    sleep 0.2
  done
  echo "kafka.sh: Apache Kafka $version is ready on 127.0.0.1:$port (pid $pid, data in $dir)" >&2
}

# end SIGNAL: sends it and waits until the process is gone.
end() {
  local pid waited=0
  pid=$(running_pid) || { rm -f "$pid_file"; return 0; }
  kill "-$1" "$pid" 2>/dev/null || true
  while kill -0 "$pid" 2>/dev/null; do
    if ((waited++ >= 300)); then
      kill -9 "$pid" 2>/dev/null || true
      waited=0
    fi
    sleep 0.1
  done
  rm -f "$pid_file"
}

topics() { run_java -Xmx128m -XX:TieredStopAtLevel=1 -cp "$jars/*" org.apache.kafka.tools.TopicCommand \
  --bootstrap-server "127.0.0.1:$port" "$@"; }

need_topic() { [[ -n $topic ]] || { echo "kafka.sh: $command needs a topic name" >&2; exit 2; }; }

case $command in
  fetch) fetch ;;
  start) start ;;
  stop) end TERM ;;
  kill) end KILL ;;
  restart) end TERM; start ;;
  status) if pid=$(running_pid); then echo "running (pid $pid)"; else echo stopped; exit 1; fi ;;
  create-topic) need_topic; topics --create --if-not-exists --topic "$topic" --partitions "$partitions" --replication-factor 1 ;;
  delete-topic) need_topic; topics --delete --if-exists --topic "$topic" ;;
  topics) topics --list ;;
  -h|--help|help) usage ;;
  '') usage >&2; exit 2 ;;
  *) echo "kafka.sh: unknown command $command" >&2; usage >&2; exit 2 ;;
esac

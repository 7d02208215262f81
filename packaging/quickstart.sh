#!/usr/bin/env bash
# From nothing to numbers: installs what is needed, builds, measures this machine, plays a fleet of
# simulated laptops beside it, and shows both.
#
#   packaging/quickstart.sh          run it; the collectors and the agent go on in the background
#   packaging/quickstart.sh --once   the same, and what it started is stopped again at the end
#   packaging/quickstart.sh stop     stop what an earlier run started
#
# Needs Debian 12 or later, and root only where packages are missing. Everything it writes is in
# build/release and in the folder CANDOR_QUICKSTART (build/quickstart unless set). It may be killed
# and run again at any point. Other settings from the environment, with their defaults:
#   CANDOR_DEVICES=200  CANDOR_DAYS=28  CANDOR_SEED=1   the simulated fleet
#   CANDOR_BUILD=build/release                          a build folder with the programs
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")
data=${CANDOR_QUICKSTART:-$root/build/quickstart}
build=${CANDOR_BUILD:-$root/build/release}
devices=${CANDOR_DEVICES:-200}
days=${CANDOR_DAYS:-28}
seed=${CANDOR_SEED:-1}
once=no

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
note() { printf '  %s\n' "$*"; }
die() { printf 'quickstart: %s\n' "$*" >&2; exit 1; }
[[ -t 1 ]] || say() { printf '\n%s\n' "$*"; }

candor="$build/collector/cli/candor"
collector="$build/collector/candor-collector"
agent="$build/agent/candor-agent"
loadgen="$build/tools/loadgen/candor-loadgen"

# --- processes: each has a file with its id and its start time, so that no other process that was
# --- given the same id later is ever taken for it.

started_at() { # PID: clock ticks since boot at which it started; nothing when it is gone
  [[ -r /proc/$1/stat ]] || return 0
  local stat
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
  stat=${stat##*) }
  set -- $stat
  echo "${20}"
}

pid_of() { # NAME: its id while it runs
  local file=$data/$1.pid pid start
  [[ -r $file ]] || return 1
  read -r pid start <"$file" || return 1
  [[ -n ${pid:-} && $(started_at "$pid") == "${start:-none}" ]] || return 1
  # A zombie has started, and is gone.
  grep -q '^State:[[:space:]]*Z' "/proc/$pid/status" 2>/dev/null && return 1
  echo "$pid"
}

outdated() { # NAME: it runs, but the program was built anew since
  local pid
  pid=$(pid_of "$1") || return 1
  [[ $(readlink "/proc/$pid/exe" 2>/dev/null) == *' (deleted)' ]]
}

stop_one() { # NAME
  local pid
  if pid=$(pid_of "$1"); then
    kill -TERM "$pid" 2>/dev/null || true
    for _ in $(seq 200); do
      pid_of "$1" >/dev/null || break
      sleep 0.1
    done
    if pid_of "$1" >/dev/null; then
      note "$1 ($pid) does not end within 20 s: killed"
      kill -KILL "$pid" 2>/dev/null || true
    fi
  fi
  rm -f "$data/$1.pid"
}

stop_all() { for name in agent machine fleet; do stop_one "$name"; done; }

started=()
stop_started() { for name in "${started[@]}"; do stop_one "$name"; done; }

launch() { # NAME COMMAND…: in the background, its log in NAME.log
  local name=$1
  shift
  setsid "$@" >"$data/$name.log" 2>&1 </dev/null 8>&- &
  local pid=$!
  echo "$pid $(started_at "$pid")" >"$data/$name.pid"
  disown "$pid"
  started=("$name" "${started[@]}")
}

# --- steps

install_packages() {
  local missing=() package
  while read -r package; do
    [[ -z $package || $package == \#* || $package == *:* ]] && continue
    dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed ||
      missing+=("$package")
  done <"$here/dependencies.txt"
  [[ ${#missing[@]} -eq 0 ]] && return
  say "Installing ${#missing[@]} packages"
  local as_root=()
  if [[ $(id -u) -ne 0 ]]; then
    command -v sudo >/dev/null ||
      die "these packages are missing and only root can install them: ${missing[*]}"
    as_root=(sudo)
  fi
  export DEBIAN_FRONTEND=noninteractive
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" \
    >"$data/packages.log" 2>&1 || die "apt-get failed: $(tail -n 3 "$data/packages.log")"
}

build_programs() {
  local programs=(candor candor-agent candor-uplink candor-collector candor-loadgen)
  say "Building (the first time takes some minutes)"
  if [[ ! -f $build/build.ninja ]]; then
    (cd "$root" && cmake --preset release -B "$build") >"$data/build.log" 2>&1 ||
      die "cmake failed: $(tail -n 5 "$data/build.log")"
  fi
  if [[ -t 1 ]]; then
    ninja -C "$build" "${programs[@]}" || die "the build failed"
  else
    ninja -C "$build" "${programs[@]}" >>"$data/build.log" 2>&1 ||
      die "the build failed: $(tail -n 20 "$data/build.log")"
  fi
}

field_of_ready() { # NAME KEY: the port in the line that says ready
  sed -n "s/.*candor-collector ready.*[[:space:]]$2=[^[:space:]]*:\([0-9]*\).*/\1/p" \
    "$data/$1.log" | tail -n 1
}

port() { # NAME WHICH: as it was at the first start; 0 before
  cat "$data/$1.$2.port" 2>/dev/null || echo 0
}

start_collector() { # NAME
  local name=$1
  if [[ ! -f $data/$name/ca.sha256 ]]; then
    rm -rf "${data:?}/$name" "$data/$name".*.port
    "$collector" init --data "$data/$name" >"$data/$name.init" 2>&1 ||
      die "candor-collector init failed: $(cat "$data/$name.init")"
  fi
  outdated "$name" && stop_one "$name"
  pid_of "$name" >/dev/null && return
  launch "$name" "$collector" --config "$data/$name.toml" --data "$data/$name" \
    --listen "127.0.0.1:$(port "$name" fleet)" --enroll "127.0.0.1:$(port "$name" enroll)" \
    --http "127.0.0.1:$(port "$name" http)"
  for _ in $(seq 300); do
    grep -q 'candor-collector ready' "$data/$name.log" && break
    pid_of "$name" >/dev/null || die "the collector does not start: $(tail -n 3 "$data/$name.log")"
    sleep 0.1
  done
  local which
  for which in fleet enroll http; do field_of_ready "$name" "$which" >"$data/$name.$which.port"; done
}

ask() { # NAME WORDS…: candor, as that collector's first administrator
  local name=$1
  shift
  "$candor" "$@" --collector "127.0.0.1:$(port "$name" fleet)" \
    --credential "$data/$name/admin.toml"
}

make_token() { # NAME USES: the path of a file with a new token
  local file=$data/$1.token
  (umask 077 && ask "$1" token create --uses "$2" --expires 1h --format json |
    sed -n 's/.*"token"[[:space:]]*:[[:space:]]*"\([^"]*\)".*/\1/p' >"$file")
  [[ -s $file ]] || die "candor token create gave no token"
  echo "$file"
}

metric() { # NAME METRIC: a number of its local listener, nothing when it is not there
  local line
  exec 9<>"/dev/tcp/127.0.0.1/$(port "$1" http)" || return 0
  printf 'GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&9
  while read -r line; do
    [[ $line == "candor_$2 "* ]] && echo "${line#* }" | tr -d '\r'
  done <&9
  exec 9>&-
}

wait_folded() { # NAME SECONDS
  for _ in $(seq $(($2 * 5))); do
    [[ $(metric "$1" fold_lag_rows) == 0 ]] && return
    sleep 0.2
  done
  note "the figures are not complete yet"
}

# The machine's collector asks the agent to probe a service that this machine uses anyway: where its
# packages come from.
write_settings() {
  : >"$data/fleet.toml"
  local url host port=80 tls=false
  # Of several archives the distribution's own.
  url=$( (cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | grep -v '^ *#' |
    grep -oE 'https?://[^ ]+' |
    awk '/\/debian\/?$/ { print; exit } { other = $0 } END { print other }' | head -n 1) || true)
  host=${url#*://}
  host=${host%%/*}
  [[ $url == https* ]] && port=443 && tls=true
  [[ $host == *:* ]] && port=${host##*:} && host=${host%:*}
  {
    echo '[push]'
    echo 'active_s = 60'
    echo 'idle_s = 60'
    if [[ -n $host ]]; then
      printf '[[service]]\nname = "packages"\nhost = "%s"\nport = %s\ntls = %s\n' \
        "$host" "$port" "$tls"
      printf 'http_path = "/"\nicmp = true\n'
    fi
  } >"$data/machine.toml"
}

start_agent() {
  if [[ ! -f $data/agent/identity/identity.toml ]]; then
    "$agent" enroll --collector "127.0.0.1:$(port machine enroll)" \
      --token-file "$(make_token machine 1)" --ca-fingerprint "$(cat "$data/machine/ca.sha256")" \
      --state "$data/agent" >"$data/agent.enroll" 2>&1 ||
      die "enrolment failed: $(tail -n 1 "$data/agent.enroll")"
  fi
  outdated agent && stop_one agent
  pid_of agent >/dev/null || launch agent "$agent" --state "$data/agent"
}

play_fleet() {
  [[ -f $data/fleet.played ]] && return
  # The same days and laptops after an interruption: what is there already is not sent again.
  [[ -f $data/fleet.end_day ]] || date -u -d yesterday +%F >"$data/fleet.end_day"
  say "Playing $devices simulated laptops over $days days"
  "$loadgen" --collector "127.0.0.1:$(port fleet enroll)" --devices "$devices" --days "$days" \
    --seed "$seed" --token-file "$(make_token fleet "$devices")" \
    --ca-fingerprint "$(cat "$data/fleet/ca.sha256")" --end-day "$(cat "$data/fleet.end_day")" \
    --identities "$data/fleet.identities" --truth "$data/fleet.truth.json"
  touch "$data/fleet.played"
}

wait_for_agent() { # until its first minute arrived and was folded
  [[ -f $data/agent.pushed ]] && return
  note "waiting for this machine's first minute and its push"
  for _ in $(seq 40); do
    ask machine device "$(hostname)" --reason quickstart --format json 2>/dev/null |
      grep -qE '"coverage": *[0-9.]*[1-9]' && break
    pid_of agent >/dev/null || die "the agent ended: $(tail -n 3 "$data/agent.log")"
    sleep 5
  done
  touch "$data/agent.pushed"
}

show() {
  wait_folded fleet 300
  say 'The simulated fleet: candor fleet'
  ask fleet fleet
  say 'Its laptops, worst first: candor devices --sort score --limit 12'
  ask fleet devices --sort score --limit 12
  wait_folded machine 30
  say "This machine: candor device $(hostname)"
  ask machine device "$(hostname)" --reason quickstart
}

tell_where() {
  say 'Where everything is'
  note "programs        $build (candor is $candor)"
  note "this machine    collector 127.0.0.1:$(port machine fleet), data in $data/machine"
  note "its agent       $data/agent; what it sent: $agent ledger --state $data/agent"
  note "the fleet       collector 127.0.0.1:$(port fleet fleet), data in $data/fleet"
  note "ask the fleet   export CANDOR_COLLECTOR=127.0.0.1:$(port fleet fleet)" \
    "CANDOR_CREDENTIAL=$data/fleet/admin.toml"
  note "                candor network --by location; candor crashes; candor boots --by model"
  note "logs            $data/*.log"
  if [[ $once == yes ]]; then
    note "what this run started is being stopped now; run $0 to start it again"
  else
    note "stop it         $0 stop"
  fi
  note "remove it       $0 stop; rm -r $data"
}

case ${1:-} in
  '') ;;
  --once) once=yes ;;
  stop) stop_all; exit 0 ;;
  -h | --help) sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; exit 0 ;;
  *) printf 'quickstart: unknown argument %s (see --help)\n' "$1" >&2; exit 2 ;;
esac

mkdir -p "$data"
chmod 700 "$data"
exec 8>"$data/lock"
flock -n 8 || die "another quickstart is at work in $data"
if [[ $once == yes ]]; then
  trap stop_started EXIT
  trap 'exit 130' INT TERM
fi

install_packages
build_programs
write_settings
start_collector machine
start_collector fleet
start_agent
play_fleet
wait_for_agent
show
tell_where

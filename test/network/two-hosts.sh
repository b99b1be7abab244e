#!/usr/bin/env bash
# Two machines, as two network namespaces with a cable between them: the commands that the README gives for two
# machines, and the promise that the weights are those of one machine alone.
#
#   two-hosts.sh          run it: 0 and the two hashes, or what went wrong
#   two-hosts.sh --able   ask whether this machine can: 0, or 1 and the reason
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
checkout=$(cd "$here/../.." && pwd)
first_address=10.77.0.1
second_address=10.77.0.2
# What decides the result; small, and nothing to download.
settings=(--dataset digits --max-steps 30 --log-format json)
# Nets below a hang, not measures of anything.
net=(timeout 120)
polls_max=600

fail() {
  printf 'two-hosts: %s\n' "$*" >&2
  exit 1
}

able() {
  local command
  for command in unshare nsenter ip; do
    command -v "$command" >/dev/null || { printf 'the command %s is missing\n' "$command"; return 1; }
  done
  unshare --user --map-root-user --net --uts ip link add name probe-a type veth peer name probe-b 2>/dev/null ||
    { printf 'this system allows no user namespaces with networks of their own\n'; return 1; }
}

# Runs a command on the second machine.
on_second() { nsenter --target "$second" --net --uts -- "$@"; }

# An unshared shell is the first machine; a process that only sleeps holds the namespaces of the second one open.
lay_cable() {
  hostname first
  unshare --net --uts sleep 600 &
  second=$!
  poll second_is_apart
  on_second hostname second
  ip link add name cable type veth peer name cable netns "$second"
  plug_in "$first_address"
  on_second bash -c "$(declare -f plug_in); plug_in $second_address"
}

second_is_apart() { [ "$(readlink "/proc/$second/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }

plug_in() {
  ip link set lo up
  ip address add "$1/24" dev cable
  ip link set cable up
}

# Waits until a command succeeds.
poll() {
  local i
  for ((i = 0; i < polls_max; i++)); do
    if "$@"; then return; fi
    sleep 0.1
  done
  fail "gave up waiting for: $*"
}

coordinator_waits() {
  kill -0 "$coordinator" 2>/dev/null || fail "the coordinator ended early: $(cat "$scratch/coordinator.log")"
  [ -s "$scratch/fleet/join-command" ]
}

weights() { node -p 'JSON.parse(fs.readFileSync(process.argv[1], "utf8")).weightsSha256' "$1/summary.json"; }

clean_up() {
  local process
  for process in $(jobs -p); do kill "$process" 2>/dev/null || true; done
  wait || true
  rm -rf "$scratch"
}

train_on_two() {
  "${net[@]}" npx lockstep coordinator --host 0.0.0.0 "${settings[@]}" --out "$scratch/fleet" \
    >"$scratch/coordinator.log" 2>&1 &
  coordinator=$!
  poll coordinator_waits
  check_join_command
  refuse_without_token
  on_second "${net[@]}" bash -c "$join_command" >"$scratch/worker.log" 2>&1 ||
    fail "the worker failed: $(cat "$scratch/worker.log" "$scratch/coordinator.log")"
  wait "$coordinator" || fail "the coordinator failed: $(cat "$scratch/coordinator.log")"
}

check_join_command() {
  local mode
  mode=$(stat -c %a "$scratch/fleet/join-command")
  [ "$mode" = 600 ] || fail "others can read the command to join: its mode is $mode"
  join_command=$(cat "$scratch/fleet/join-command")
  [[ $join_command =~ ^npx\ lockstep\ worker\ \'ws://$first_address:8080/#([0-9a-f]{32})\'$ ]] ||
    fail "no command that joins from the second machine: $join_command"
  if grep -q "${BASH_REMATCH[1]}" "$scratch/coordinator.log"; then fail 'the log tells the token'; fi
}

refuse_without_token() {
  local code=0
  on_second "${net[@]}" npx lockstep worker "ws://$first_address:8080" >"$scratch/stranger.log" 2>&1 || code=$?
  [ "$code" -eq 1 ] || fail "a worker without the token ended with $code: $(cat "$scratch/stranger.log")"
}

train_alone() {
  "${net[@]}" npx lockstep train --workers 1 "${settings[@]}" --out "$scratch/alone" >"$scratch/alone.log" 2>&1 ||
    fail "training alone failed: $(cat "$scratch/alone.log")"
}

run() {
  cd "$checkout"
  scratch=$(mktemp -d)
  trap clean_up EXIT
  lay_cable
  train_on_two
  train_alone
  local fleet alone
  fleet=$(weights "$scratch/fleet")
  alone=$(weights "$scratch/alone")
  printf 'two machines: %s\none machine:  %s\n' "$fleet" "$alone"
  [[ $fleet =~ ^[0-9a-f]{64}$ ]] || fail 'that is no SHA-256'
  [ "$fleet" = "$alone" ] || fail 'the weights differ'
}

case ${1:-} in
  --able) able ;;
  --unshared) run ;;
  *) able >&2 && exec unshare --user --map-root-user --net --uts -- "$here/two-hosts.sh" --unshared ;;
esac

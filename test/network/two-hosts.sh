#!/usr/bin/env bash
# Runs the README's commands for two machines. The machines are two network namespaces with a cable between them. The
# script checks that the weights are those of one machine alone.
#
#   two-hosts.sh          run it: 0 and the weights hash, or what went wrong
#   two-hosts.sh --able   ask whether this machine can run the script: 0, or 1 and the reason
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=hosts.sh
. "$here/hosts.sh"
checkout=$(cd "$here/../.." && pwd)
first_address=10.77.1.1
# The options that determine the result. The run is small and needs no download.
settings=(--dataset digits --max-steps 30 --log-format json)
# A command that takes longer than this hangs. It is not a measure of speed.
net=(timeout 120)

coordinator_waits() {
  kill -0 "$coordinator" 2>/dev/null || fail "the coordinator ended early: $(cat "$scratch/coordinator.log")"
  [ -s "$scratch/fleet/join-command" ]
}

clean_up() {
  end_jobs
  rm -rf "$scratch"
}

train_on_two() {
  "${net[@]}" npx lockstep coordinator --threads 0 --host 0.0.0.0 "${settings[@]}" --out "$scratch/fleet" \
    >"$scratch/coordinator.log" 2>&1 &
  coordinator=$!
  poll coordinator_waits
  check_join_command
  refuse_without_token
  on_host 1 "${net[@]}" bash -c "$join_command" >"$scratch/worker.log" 2>&1 ||
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
  on_host 1 "${net[@]}" npx lockstep worker "ws://$first_address:8080" >"$scratch/stranger.log" 2>&1 || code=$?
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
  lay_cable 1
  train_on_two
  train_alone
  printf 'the weights of two machines and of one: '
  same_weights "$scratch/fleet" "$scratch/alone"
}

case ${1:-} in
  --able) able ;;
  --unshared) run ;;
  *) able >&2 && exec unshare --user --map-root-user --net --uts -- "$here/two-hosts.sh" --unshared ;;
esac

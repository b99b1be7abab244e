#!/usr/bin/env bash
# Faults of networks and disks on a coordinator and three workers, each a host of its own: what becomes of the run, how
# long it takes to recover, and the promise that the weights are those of one machine alone.
#
#   faults.sh [FAULT...]   make them (default: all): the milliseconds of each, or what went wrong
#   faults.sh --able       ask whether this machine can: 0, or 1 and the reason
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=hosts.sh
. "$here/hosts.sh"
checkout=$(cd "$here/../.." && pwd)
program=(node "$checkout/dist/coordinator/cli/main.js")
faults=(link-down link-slow link-reset disk-full fsync-fails)
# What decides the result: short epochs, so that there is always a checkpoint being written.
settings=(--batch 256 --micro-batch 16 --epochs 1000000 --log-format json)
# Lines of the log.
alarm='"level":"error".*"alarm":"run-directory"'
written_again='Checkpoints are written again'
# A net below a hang, not a measure of anything.
net=(timeout 120)
scratch=''

# ---- a fleet ----

# The words, if any, run the coordinator: strace, for example.
start_fleet() {
  log=$scratch/coordinator.log
  : >"$log"
  "$@" "${program[@]}" coordinator --host 0.0.0.0 --open --min-workers 3 --data "$scratch/data" "${settings[@]}" \
    --out "$out" >"$log" 2>&1 &
  coordinator=$!
  said_from=1
  said 'waiting for 3 workers'
  workers=()
  for host in 1 2 3; do
    # Not by on_host: the job must be the worker itself, which is killed by its number.
    nsenter --target "${holder[$host]}" --net --uts -- "${program[@]}" worker "ws://10.77.$host.1:8080" \
      --name "w$host" --threads 1 --log-format json >"$scratch/w$host.log" 2>&1 &
    workers+=($!)
  done
  said '"step":'
}

# Ctrl-C; then one machine alone makes as many steps.
end_fleet() {
  kill -INT "$(pgrep --parent "$coordinator" || echo "$coordinator")"
  wait "$coordinator" || [ $? -eq 130 ] || fail "the coordinator failed: $(tail -n 5 "$log")"
  kill -KILL "${workers[@]}" 2>/dev/null || true
  wait "${workers[@]}" 2>/dev/null || true
  local steps
  steps=$(node -p 'JSON.parse(fs.readFileSync(process.argv[1], "utf8")).steps' "$out/summary.json")
  "${net[@]}" "${program[@]}" train --workers 1 --data "$scratch/data" "${settings[@]}" --max-steps "$steps" \
    --out "$scratch/alone" >"$scratch/alone.log" 2>&1 || fail "training alone failed: $(cat "$scratch/alone.log")"
  printf '%s: the weights after %s steps are those of one machine: %s\n' "$fault" "$steps" \
    "$(same_weights "$out" "$scratch/alone")"
}

now_ms() { date +%s%3N; }

# Waits for a line of the log that was not there at the strike; said_ms is its time in milliseconds, said_at its place.
said() {
  poll has_said "$1"
  local found time
  found=$(tail -n +"$said_from" "$log" | grep -n -m 1 -e "$1")
  said_at=$((said_from + ${found%%:*} - 1))
  time=${found#*'"time":"'}
  said_ms=$(date --date "${time%%'"'*}" +%s%3N)
}

has_said() {
  kill -0 "$coordinator" 2>/dev/null || fail "the coordinator ended early: $(tail -n 5 "$log")"
  tail -n +"$said_from" "$log" | grep -q -e "$1"
}

# From here on, only what the log says from now on counts.
strike() {
  said_from=$(($(wc -l <"$log") + 1))
  struck=$(now_ms)
}

# Reports the time from the strike to a line of the log.
took() {
  said "$2"
  printf '%s: %s: %s ms\n' "$fault" "$1" $((said_ms - struck))
}

# ---- the faults ----

# Nothing passes, and nobody is told: a connection that is half open.
link-down() {
  start_fleet
  strike
  ip link set cable1 down
  took 'the next evaluation' '"step":'
  took 'the worker is evicted' '"msg":"w1 is out'
  strike
  ip link set cable1 up
  took 'link up again: the worker has rejoined' '"msg":"w1 joined'
  end_fleet
}

# Far too slow for the weights of every step: the others do its work.
link-slow() {
  start_fleet
  strike
  tc qdisc add dev cable1 root tbf rate 2mbit burst 32kbit latency 400ms
  took 'the next evaluation' '"step":'
  sleep 5
  strike
  took 'an evaluation after five seconds of it' '"step":'
  tc qdisc del dev cable1 root
  end_fleet
}

# Both ends are told at once.
link-reset() {
  start_fleet
  strike
  ss --kill --tcp --no-header dst 10.77.1.2 >/dev/null
  took 'the coordinator knows' '"msg":"w1 \(left\|is out\)'
  took 'the worker has rejoined' '"msg":"w1 joined'
  end_fleet
}

# The disk of the run directory, and of nothing else.
disk-full() {
  mkdir "$scratch/disk"
  mount -t tmpfs -o size=16m none "$scratch/disk"
  out=$scratch/disk/run
  start_fleet
  strike
  dd if=/dev/zero of="$scratch/disk/filler" bs=64k status=none 2>/dev/null || true
  took 'the alarm' "$alarm"
  took 'the next evaluation' '"step":'
  strike
  rm "$scratch/disk/filler"
  took 'space again: checkpoints are written' "$written_again"
  end_fleet
  umount "$scratch/disk"
}

# The disk answers EIO to some of the coordinator's requests to make writes durable. It makes them on one thread, so
# that they are counted in order.
fsync-fails() {
  UV_THREADPOOL_SIZE=1 start_fleet strace --follow-forks --seccomp-bpf --quiet=all --output /dev/null \
    --trace fsync,fdatasync --inject fsync,fdatasync:error=EIO:when=20..25
  said "$alarm"
  said_from=$((said_at + 1))
  struck=$said_ms
  took 'the next evaluation after the alarm' '"step":'
  took 'checkpoints are written again' "$written_again"
  end_fleet
}

obstacle() {
  case $1 in
    link-slow) command -v tc >/dev/null || printf 'the command tc is missing' ;;
    link-reset) command -v ss >/dev/null || printf 'the command ss is missing' ;;
    fsync-fails) strace -f --seccomp-bpf -o /dev/null true 2>/dev/null || printf 'strace is missing, or not allowed' ;;
  esac
}

# ---- all of them ----

clean_up() {
  end_jobs
  if mountpoint --quiet "$scratch/disk"; then umount "$scratch/disk"; fi
  rm -rf "$scratch"
}

run() {
  for host in 1 2 3; do lay_cable "$host"; done
  for fault in "$@"; do
    [[ " ${faults[*]} " == *" $fault "* ]] || fail "there is no fault $fault; there are ${faults[*]}"
    if [ -n "$(obstacle "$fault" || true)" ]; then
      printf '%s: skipped: %s\n' "$fault" "$(obstacle "$fault")"
    else
      make "$fault"
    fi
  done
}

make() {
  scratch=$(mktemp -d)
  out=$scratch/run
  node --input-type=module -e "(await import('$checkout/dist/test/digits-directory.js')).writeDigits('$scratch/data', { train: 10000, test: 500 })"
  "$1"
  rm -rf "$scratch"
}

case ${1:-} in
  --able) able ;;
  --unshared)
    shift
    trap clean_up EXIT
    run "$@"
    ;;
  *) able >&2 && exec unshare --user --map-root-user --net --mount --uts -- "$0" --unshared "${@:-${faults[@]}}" ;;
esac

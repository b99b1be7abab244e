#!/usr/bin/env bash
# Causes faults of networks and disks. A coordinator and three workers run, each on its own host. The script reports
# what happens to the run and how long it takes to recover, and checks that the weights are those of one machine alone.
#
#   faults.sh [FAULT...]   cause these faults (default: all), and print the milliseconds of each, or what went wrong
#   faults.sh --able       ask whether this machine can run the script: 0, or 1 and the reason
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=hosts.sh
. "$here/hosts.sh"
checkout=$(cd "$here/../.." && pwd)
program=(node "$checkout/dist/coordinator/cli/main.js")
faults=(link-down link-slow link-reset disk-full fsync-fails)
# The options that determine the result. The epochs are short, so that checkpoints are written all the time.
settings=(--batch 256 --micro-batch 16 --epochs 1000000 --log-format json)
# Patterns for lines of the log.
alarm='"level":"error".*"alarm":"run-directory"'
written_again='Checkpoints are written again'
# A command that takes longer than this hangs. It is not a measure of speed.
net=(timeout 120)
scratch=''

# ---- a fleet ----

# Starts a coordinator and three workers. Arguments, if any, are a command that runs the coordinator, such as strace.
start_fleet() {
  log=$scratch/coordinator.log
  : >"$log"
  "$@" "${program[@]}" coordinator --threads 0 --host 0.0.0.0 --open --min-workers 3 --data "$scratch/data" \
    "${settings[@]}" --out "$out" >"$log" 2>&1 &
  coordinator=$!
  said_from=1
  said 'waiting for 3 workers'
  workers=()
  for host in 1 2 3; do
    # on_host cannot be used here: the job must be the worker process itself, because it is killed by its number.
    nsenter --target "${holder[$host]}" --net --uts -- "${program[@]}" worker "ws://10.77.$host.1:8080" \
      --name "w$host" --threads 1 --log-format json >"$scratch/w$host.log" 2>&1 &
    workers+=($!)
  done
  said '"step":'
}

# Ends the run with Ctrl-C. Then one machine alone makes the same number of steps, and the weights are compared.
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

# Waits for a line of the log that was written after the strike. Sets said_ms to the time of the line in milliseconds,
# and said_at to its number.
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

# Marks the moment of a fault. From then on, only new lines of the log count.
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

# Drops all packets and tells neither end: the connection is half open.
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

# Makes a link far too slow for the weights of every step. The other workers do the work of this one.
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

# Resets a connection. Both ends are told at once.
link-reset() {
  start_fleet
  strike
  ss --kill --tcp --no-header dst 10.77.1.2 >/dev/null
  took 'the coordinator knows' '"msg":"w1 \(left\|is out\)'
  took 'the worker has rejoined' '"msg":"w1 joined'
  end_fleet
}

# Fills the disk of the run directory. Nothing else is on that disk.
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

# Lets some of the coordinator's fsync calls fail with EIO. The coordinator makes these calls on one thread, so that
# strace counts them in order.
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

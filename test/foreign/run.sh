#!/usr/bin/env bash
# A worker in Python and NumPy against this project: the test vectors, `lockstep conform`, and a run whose weights are
# compared with those of this machine's own threads.
#
#   run.sh               make a Python environment in the cache directory if there is none, and run all
#   run.sh --able        ask whether Python has what it needs, without a download: 0, or 1 and the reason
#   LOCKSTEP_PYTHON=…    take this Python, and download nothing
#   LOCKSTEP_RUN='…'     options of the run, in place of `--dataset digits --max-steps 40`
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
checkout=$(cd "$here/../.." && pwd)
environment=${XDG_CACHE_HOME:-$HOME/.cache}/lockstep/python
read -r -a settings <<<"${LOCKSTEP_RUN:---dataset digits --max-steps 40}"
# A net below a hang, not a measure of anything.
net=(timeout "${LOCKSTEP_RUN_SECONDS:-240}")
export PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1

fail() {
  echo "$*" >&2
  exit 1
}

python() {
  if [ -n "${LOCKSTEP_PYTHON:-}" ]; then echo "$LOCKSTEP_PYTHON"
  elif [ -x "$environment/bin/python" ]; then echo "$environment/bin/python"
  else echo python3; fi
}

has_packages() {
  "$(python)" -c 'import numpy, websockets.sync.client' 2>/dev/null
}

if [ "${1:-}" = --able ]; then
  has_packages && exit 0
  echo 'Python has no NumPy or no websockets: test/foreign/run.sh makes an environment that has them'
  exit 1
fi

if ! has_packages; then
  [ -z "${LOCKSTEP_PYTHON:-}" ] || fail "$LOCKSTEP_PYTHON lacks NumPy or websockets"
  echo "making a Python environment in $environment"
  python3 -m venv "$environment"
  "$environment/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
fi

scratch=$(mktemp -d)
clean_up() {
  for job in $(jobs -p); do kill "$job" 2>/dev/null || true; done
  rm -rf "$scratch"
}
trap clean_up EXIT

lockstep() {
  "${net[@]}" node "$checkout/dist/coordinator/cli/main.js" "$@"
}

# The address in a file that a process writes, once it is there.
address_in() {
  for _ in $(seq 300); do
    grep -oE "ws://127\.0\.0\.1:[0-9]+" "$1" | head -n 1 && return
    sleep 0.1
  done
  fail "no address in $1: $(cat "$1")"
}

weights_in() {
  grep -oE '"weightsSha256": *"[0-9a-f]{64}"' "$1/summary.json" | grep -oE '[0-9a-f]{64}'
}

echo '== test vectors'
"${net[@]}" "$(python)" "$here/check_vectors.py"

echo '== conform'
lockstep conform --port 0 >"$scratch/conform.log" 2>&1 &
conform=$!
address=$(address_in "$scratch/conform.log")
"${net[@]}" "$(python)" "$here/worker.py" "$address" >"$scratch/worker.log" 2>&1 || fail "$(cat "$scratch/worker.log")"
wait "$conform" || fail "$(cat "$scratch/conform.log" "$scratch/worker.log")"
tail -n 1 "$scratch/conform.log"

# The weights of a run with these options, on our own threads and on the Python worker alone.
compare_weights() {
  local own foreign coordinator address
  rm -rf "$scratch/own" "$scratch/foreign"
  echo "== a run: $*"
  lockstep train "$@" --out "$scratch/own" --log-format json >"$scratch/train.log" 2>&1 || fail "$(cat "$scratch/train.log")"
  lockstep coordinator --threads 0 --port 0 "$@" --out "$scratch/foreign" --log-format json \
    >"$scratch/coordinator.log" 2>&1 &
  coordinator=$!
  address=$(address_in "$scratch/coordinator.log")
  "${net[@]}" "$(python)" "$here/worker.py" "$address" >"$scratch/worker.log" 2>&1 || fail "$(cat "$scratch/worker.log")"
  wait "$coordinator" || fail "$(cat "$scratch/coordinator.log" "$scratch/worker.log")"
  own=$(weights_in "$scratch/own")
  foreign=$(weights_in "$scratch/foreign")
  [ "$own" = "$foreign" ] || fail "weights of our threads: $own, of the Python worker: $foreign"
  echo "the weights of the Python worker and of our threads: $own"
}

compare_weights "${settings[@]}"
if [ -z "${LOCKSTEP_RUN:-}" ]; then
  compare_weights --dataset digits --max-steps 5 --local-steps 4 --replicas 3 --schedule cosine --nesterov --clip 1
  compare_weights --dataset digits --max-steps 8 --micro-batch 32 --wire-bits 4
fi

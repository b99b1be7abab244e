# shellcheck shell=bash
# Hosts on one machine, as network namespaces with a cable between the first one and each of the others. Sourced by the
# scripts beside it, which say what happens on the hosts.

# The process that holds the namespaces of each other host open, by its number.
declare -A holder=()
polls_max=600

fail() {
  printf '%s: %s\n' "$(basename "$0" .sh)" "$*" >&2
  exit 1
}

# Whether hosts can be made here: 0, or 1 and the reason.
able() {
  local command
  for command in unshare nsenter ip; do
    command -v "$command" >/dev/null || { printf 'the command %s is missing\n' "$command"; return 1; }
  done
  unshare --user --map-root-user --net --uts ip link add name probe-a type veth peer name probe-b 2>/dev/null ||
    { printf 'this system allows no user namespaces with networks of their own\n'; return 1; }
}

# An unshared shell is the first host, at 10.77.N.1 of the cable to host N; a process that only sleeps holds the
# namespaces of host N open, at 10.77.N.2.
lay_cable() {
  hostname first
  ip link set lo up
  unshare --net --uts sleep 900 &
  holder[$1]=$!
  poll is_apart "$1"
  on_host "$1" hostname "host$1"
  ip link add name "cable$1" type veth peer name cable netns "${holder[$1]}"
  plug_in "cable$1" "10.77.$1.1"
  on_host "$1" bash -c "$(declare -f plug_in); ip link set lo up; plug_in cable 10.77.$1.2"
}

is_apart() { [ "$(readlink "/proc/${holder[$1]}/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }

plug_in() {
  ip address add "$2/24" dev "$1"
  ip link set "$1" up
}

# Runs a command on another host.
on_host() {
  local number=$1
  shift
  nsenter --target "${holder[$number]}" --net --uts -- "$@"
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

weights() { node -p 'JSON.parse(fs.readFileSync(process.argv[1], "utf8")).weightsSha256' "$1/summary.json"; }

# Fails unless two run directories hold the same weights; prints their hash.
same_weights() {
  local one other
  one=$(weights "$1")
  other=$(weights "$2")
  [[ $one =~ ^[0-9a-f]{64}$ ]] || fail "that is no SHA-256: $one"
  [ "$one" = "$other" ] || fail "the weights differ: $one in $1, $other in $2"
  printf '%s\n' "$one"
}

# Ends whatever this shell has started, with what that has started.
end_jobs() {
  local process
  for process in $(jobs -p); do kill -CONT "$process" 2>/dev/null; kill "$process" 2>/dev/null || true; done
  wait || true
}

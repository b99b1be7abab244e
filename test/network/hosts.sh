# shellcheck shell=bash
# Makes hosts on one machine. Each host is a network namespace, with a cable between the first host and each of the
# others. The other scripts of this folder source this file, and run programs on the hosts.

# For each other host, the number of the process that keeps the host's namespaces open.
declare -A holder=()
polls_max=600

fail() {
  printf '%s: %s\n' "$(basename "$0" .sh)" "$*" >&2
  exit 1
}

# Whether this machine can make hosts: 0, or 1 and the reason.
able() {
  local command
  for command in unshare nsenter ip; do
    command -v "$command" >/dev/null || { printf 'the command %s is missing\n' "$command"; return 1; }
  done
  unshare --user --map-root-user --net --uts ip link add name probe-a type veth peer name probe-b 2>/dev/null ||
    { printf 'this system allows no user namespaces with networks of their own\n'; return 1; }
}

# Makes host N and a cable to it. The unshared shell itself is the first host, with the address 10.77.N.1 on this cable.
# Host N has the address 10.77.N.2. A process that only sleeps keeps its namespaces open.
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

# Prints the weights hash of two run directories. Fails if their weights differ.
same_weights() {
  local one other
  one=$(weights "$1")
  other=$(weights "$2")
  [[ $one =~ ^[0-9a-f]{64}$ ]] || fail "that is no SHA-256: $one"
  [ "$one" = "$other" ] || fail "the weights differ: $one in $1, $other in $2"
  printf '%s\n' "$one"
}

# Ends all processes that this shell has started. They end the processes that they have started.
end_jobs() {
  local process
  for process in $(jobs -p); do kill -CONT "$process" 2>/dev/null; kill "$process" 2>/dev/null || true; done
  wait || true
}

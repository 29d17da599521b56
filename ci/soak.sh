#!/usr/bin/env bash
# Lives of a house under faults of every kind, seed after seed, as many as fit into the time: the swarm with the release
# binary, so what is judged is what ships.
#
#   ci/soak.sh                 the first seeds of each house, as many of them as fit into five minutes: the same lives every
#                              time, so that what goes red is the change and no faster machine
#   ci/soak.sh TIME [SEED]     so long (`90s`, `10m`, `8h`), from this seed on, which nobody may have seen before
#
# Half of the time in a house in which everything happens, a fifth in one with a satellite, a tenth in one whose two
# satellites exchange their ports, the rest in one in which little happens: a life there is months long. Prints how many
# seeds and how much virtual time were lived without a finding. A finding fails, with its seed, the command that repeats
# it, and its plan cut down to what it takes.

# shellcheck source=ci/lib/common.sh
source "$(dirname "$0")/lib/common.sh"
# shellcheck source=ci/lib/moved.sh
source "$(dirname "$0")/lib/moved.sh"

help_if_asked "$@"
(($# <= 2)) || die "takes a time and a seed, and got: $*"

# What was lived without a finding.
busy=0..17000 linked=0..1500 moved=0..500 quiet=0..4000
if (($#)); then busy=${2:-0}.. linked=${2:-0}.. moved=${2:-0}.. quiet=${2:-0}..; fi

# seconds TIME
seconds() {
    case $1 in
        *[0-9]s) echo "${1%s}" ;;
        *[0-9]m) echo $((${1%m} * 60)) ;;
        *[0-9]h) echo $((${1%h} * 3600)) ;;
        *) die "a time is a number with s, m or h behind it, not: $1" ;;
    esac
}

# live SECONDS SEEDS HOUSE...
live() {
    local span=$1 seeds=$2
    shift 2
    "$CARGO_TARGET_DIR/release/campanile" swarm "$@" --for "${span}s" --seeds "$seeds" 2>&1 | sed '/^warning/,/^$/d'
}

span=$(seconds "${1:-5m}")
cargo build --quiet --locked --release -p campanile

# A file that stays, for who repeats a finding.
rooms=$CARGO_TARGET_DIR/soak
moved_house "$rooms"

live $((span - 2 * (span / 5) - span / 10)) "$busy" tests/planted/house.toml tests/planted/changed.toml
live $((span / 5)) "$linked" tests/planted/porch.toml tests/planted/porch-changed.toml
live $((span / 10)) "$moved" "$rooms/rooms.toml" "$rooms/rooms-moved.toml"
live $((span / 5)) "$quiet" tests/planted/quiet.toml tests/planted/quiet-changed.toml

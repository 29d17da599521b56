#!/usr/bin/env bash
# A thousand events a second while everything around them breaks.
#
#   ci/chaos.sh                 for 30 seconds, and the two outages at the end
#   ci/chaos.sh --for 10m       for as long as you like: 90s, 10m, 2h
#   ci/chaos.sh --seed 7        the order of an earlier run
#
# The broker is stopped and started, the daemon killed and started, the network cut and mended, the disk filled until
# the journal feels it and cleared: in rounds, each of the four once in an order that is drawn, and one round at least. Then,
# once in every run: a long outage of the broker, and an outage with a full disk until the memory that stands in for the disk
# has to drop something. Then everything is whole again, and what a subscriber got is held against the journal and against
# the counter itself: nothing lost but what a record counts, nothing out of order, every duplicate known by its (boot, seq).
# Meanwhile the daemon's memory is looked at every half second.
#
# It runs in namespaces of its own: the network that is cut and the disk that is filled are nobody else's. What it
# leaves is in target/ci-artefacts/chaos. A receiver that is away for a whole day is lived in virtual time:
# `cargo test -p campanile-sim --lib a_receiver_missed_in_a_day`.

# shellcheck source=ci/lib/mosquitto.sh
source "$(dirname "$0")/lib/mosquitto.sh"
help_if_asked "$@"

# seconds DURATION: of 90, 90s, 10m or 2h.
seconds() {
    [[ $1 =~ ^([0-9]{1,6})([smh]?)$ ]] || die "'$1' is no duration: write 90s, 10m or 2h"
    case ${BASH_REMATCH[2]} in
    m) echo $((BASH_REMATCH[1] * 60)) ;;
    h) echo $((BASH_REMATCH[1] * 3600)) ;;
    *) echo "${BASH_REMATCH[1]}" ;;
    esac
}

CHAOS=30
SEED=$RANDOM
while (($#)); do
    case $1 in
    --for) CHAOS=$(seconds "${2:-}") ;;
    --seed) SEED=${2:?which seed} ;;
    *) die "takes --for DURATION and --seed NUMBER, and got: $1" ;;
    esac
    shift 2
done

OUT=$ARTEFACTS/chaos
DISK=$OUT/disk
# One that is built already can be named.
CAMPANILE=${CAMPANILE_BINARY:-$CARGO_TARGET_DIR/release/campanile}
# A journal that never comes to its size, for one that does takes no more room from the disk and feels nothing: so much
# to begin with and so much a second, which is more than the house writes.
JOURNAL_MIB=$((48 + CHAOS / 3))
# At most so long until a full disk is felt: what is left of a segment and the spare one.
FELT=300

mosquitto_tools
if [[ ! ${CHAOS_INSIDE:-} ]]; then
    need iproute2 python3
    [[ ${CAMPANILE_BINARY:-} ]] || cargo build --quiet --locked --release
    rm -rf "$OUT"
    mkdir -p "$DISK"
    user=()
    ((EUID == 0)) || user=(--user --map-root-user)
    CHAOS_INSIDE=1 exec unshare "${user[@]}" --mount --net "$SCRIPT" --for "$CHAOS" --seed "$SEED"
fi

DAEMON_PID=
WATCH_PID=
STRIKES=0 STARTS=0 KILLS=0 STOPS=0 CUTS=0 FILLS=0
# What has not broken yet in this round, and for how long it does.
LEFT=() SPAN=
RANDOM=$SEED

cleanup() {
    [[ -z $WATCH_PID ]] || kill "$WATCH_PID" 2>/dev/null || true
    [[ -z $DAEMON_PID ]] || kill -9 "$DAEMON_PID" 2>/dev/null || true
    subscriber_stop
    broker_stop
}
trap cleanup EXIT

# tell WHAT: with the seconds since the beginning, so that who waits sees what happens.
tell() { say "$(printf '%4d s: %s' $((SECONDS - BEGAN)) "$*")"; }

answers() { "$CAMPANILE" status --json --state "$DISK/state" >"$OUT/status.json" 2>"$OUT/status.err"; }

# A full disk may keep it from starting; it is tried again, as a service manager does.
daemon_start() {
    local attempt
    for ((attempt = 0; attempt < 60; attempt++)); do
        "$CAMPANILE" run "$OUT/house.toml" --state "$DISK/state" >>"$OUT/daemon.log" 2>&1 </dev/null &
        DAEMON_PID=$!
        echo "$DAEMON_PID" >"$OUT/daemon.pid"
        STARTS=$((STARTS + 1))
        while kill -0 "$DAEMON_PID" 2>/dev/null; do
            ! answers || return 0
            sleep 0.1
        done
        wait "$DAEMON_PID" || true
        disk_clear
        sleep 1
    done
    die "the daemon does not start: $(tail -n 5 "$OUT/daemon.log")"
}

daemon_kill() {
    kill -9 "$DAEMON_PID"
    wait "$DAEMON_PID" 2>/dev/null || true
    KILLS=$((KILLS + 1))
}

# perhaps COMMAND...: once in three times.
perhaps() { ((RANDOM % 3)) || "$@"; }

daemon_again() {
    tell "and the daemon is killed"
    daemon_kill
    daemon_start
}

# is_degraded: by the disk; a journal that is only slow to answer is not.
is_degraded() { answers && ! grep -qE '"degraded":(null|"the disk is so slow)' "$OUT/status.json"; }

# disk_fill: to the last byte. It is felt when the journal needs another segment.
disk_fill() {
    cat /dev/zero >"$DISK/fill" 2>/dev/null || true
    FILLS=$((FILLS + 1))
    wait_for $FELT is_degraded || die "the disk is full for $FELT s, and the journal feels nothing"
    tell "the journal goes on from memory: $(resident) MB resident"
}

disk_clear() { rm -f "$DISK/fill"; }

# draw FROM TO: a number of seconds, in tenths, in SPAN. A subshell would draw from a seed of its own.
draw() {
    local tenths=$(($1 * 10 + RANDOM % (($2 - $1) * 10)))
    SPAN=$((tenths / 10)).$((tenths % 10))
}

# strike: one thing that this round has not had breaks and is mended; a second one may break meanwhile.
strike() {
    ((${#LEFT[@]})) || LEFT=(broker daemon network disk)
    local at=$((RANDOM % ${#LEFT[@]})) what
    what=${LEFT[at]}
    LEFT=("${LEFT[@]:0:at}" "${LEFT[@]:at+1}")
    "strike_$what"
    STRIKES=$((STRIKES + 1))
    draw 0 2
    sleep "$SPAN"
}

# Mosquitto writes what it has acknowledged when it is asked to end, and else every half an hour. Killed, it forgets what was on
# its way to the subscriber, and the subscription: no sender can answer for that, so it is only ever asked. It loses the same if
# it is ended again while it still writes, so between two of its ends there are three seconds.
strike_broker() {
    draw 0 3
    tell "the broker is away for $SPAN s"
    broker_stop
    STOPS=$((STOPS + 1))
    sleep "$SPAN"
    perhaps daemon_again
    broker_start "$OUT"
    wait_for 120 caught_up 20000 || true
    sleep 3
}

strike_daemon() {
    draw 0 2
    tell "the daemon is killed, for $SPAN s"
    daemon_kill
    sleep "$SPAN"
    daemon_start
}

strike_network() {
    draw 1 5
    tell "the network is cut for $SPAN s"
    ip link set lo down
    CUTS=$((CUTS + 1))
    sleep "$SPAN"
    perhaps daemon_again
    ip link set lo up
}

strike_disk() {
    draw 2 6
    tell "the disk is full until $SPAN s after it is felt"
    disk_fill
    sleep "$SPAN"
    perhaps daemon_again
    disk_clear
}

# of KEY: the first number under that key in the last status.
of() { grep -oE "\"$1\":[0-9]+" "$OUT/status.json" | head -n 1 | cut -d: -f2; }

# caught_up RECORDS: no more than so many wait.
caught_up() {
    local lag
    answers && lag=$(of lag) && ((lag <= $1))
}

# dropped: how many records this start of the daemon had to drop from memory.
dropped() { grep -oE '"losses":.*' "$OUT/status.json" | grep -oE '"journal":[0-9]+' | cut -d: -f2; }

# has_dropped RECORDS: more than so many.
has_dropped() { answers && (($(dropped) > $1)); }

# resident: of the daemon, in MB.
resident() { awk '/^VmRSS/ {printf "%.1f", $2 / 1000}' "/proc/$DAEMON_PID/status"; }

# Every half second, of whichever daemon there is: `PID KILOBYTES`.
watch() {
    local pid
    while sleep 0.5; do
        pid=$(<"$OUT/daemon.pid")
        awk -v pid="$pid" '/^VmRSS/ {print pid, $2}' "/proc/$pid/status" 2>/dev/null || true
    done >"$OUT/resident"
}

# The broker stays away: what piles up is on the disk, and the memory is as it was.
long_outage() {
    local span=$1 before
    before=$(resident)
    tell "a long outage: the broker is away for $span s"
    broker_stop
    STOPS=$((STOPS + 1))
    sleep "$span"
    answers
    # Those of an earlier start have no count.
    tell "$(of lag || echo uncounted) records wait, and the daemon has $(resident) MB resident, $before MB before"
    broker_start "$OUT"
    # What a second brings, ballast included, is no backlog.
    wait_for 300 caught_up 20000 || die "the sink does not catch up: $(cat "$OUT/status.json")"
    tell "delivered, $(resident) MB resident"
}

# The broker is away and the disk takes nothing, until something has to go. It is counted, on the disk and at the receiver:
# once the receiver is back while the disk is still full, and once the disk before the receiver.
drown() {
    local before felt memory
    answers
    before=$(dropped)
    tell "an outage with a full disk, until something has to go"
    broker_stop
    STOPS=$((STOPS + 1))
    disk_fill
    felt=$(of seq)
    # On a disk that slow the daemon may not know it in time.
    ((felt > 0)) || die "how far the journal is cannot be said: $(cat "$OUT/status.json")"
    wait_for 900 has_dropped "$before" || die "the memory that stands in for the disk takes more and more: $(cat "$OUT/status.json")"
    memory=$(($(of seq) - felt))
    tell "the memory is full, and its oldest records go: $(resident) MB resident"
    sleep 2
    broker_start "$OUT"
    sleep 3
    tell "the receiver has what is left, and is away until all of that has gone"
    broker_stop
    STOPS=$((STOPS + 1))
    answers
    before=$(dropped)
    wait_for 900 has_dropped $((before + memory + memory / 4)) || die "nothing goes any more: $(cat "$OUT/status.json")"
    disk_clear
    sleep 3
    broker_start "$OUT"
    wait_for 120 caught_up 20000 || true
    sleep 3
}

ip link set lo up
mount -t tmpfs -o "size=$((JOURNAL_MIB + 16))m" none "$DISK"
broker_start "$OUT"
subscriber_start "$OUT/received"
# What is counted is delivered. The ballast only fills the journal, with a new segment every few seconds, so that a full
# disk is felt soon.
ballast=({a..p})
cat >"$OUT/house.toml" <<END
[node]
name = "porch"

[journal]
size = "${JOURNAL_MIB}MiB"

[boards.desk]
kind = "virtual"

[variables]
count = 0
$(printf '%s = 0\n' "${ballast[@]}")

[[scenarios]]
name = "tick"
when = [{ every = "1ms" }]
do = [
  { let = "count", be = "count + 1" },
$(printf '  { let = "%s", be = "count + 1000000000" },\n' "${ballast[@]}")
]

[sinks.home]
kind = "mqtt"
url = "mqtt://127.0.0.1:$BROKER_PORT"
only = ["variable:count", "diagnostics"]
commands = []
END

BEGAN=$SECONDS
say "seed $SEED, $CHAOS seconds"
daemon_start
watch &
WATCH_PID=$!
# A whole round at least, however slow the machine is.
while ((SECONDS < BEGAN + CHAOS || STRIKES < 4)); do
    strike
done
((STOPS && KILLS && CUTS && FILLS)) ||
    die "not everything broke: $STOPS stops of the broker, $KILLS kills of the daemon, $CUTS cuts of the network, $FILLS full disks"
long_outage $((CHAOS / 4 > 10 ? CHAOS / 4 : 10))
drown
tell "everything is whole again"
sed -i 's/^when = .*/when = []/' "$OUT/house.toml"
"$CAMPANILE" reload --state "$DISK/state" >"$OUT/reload" 2>&1 || die "no reload: $(cat "$OUT/reload")"
wait_for 300 caught_up 0 || die "the sink does not catch up: $(cat "$OUT/status.json")"
kill "$DAEMON_PID"
wait "$DAEMON_PID" || die "the daemon left with $? on SIGTERM: $(tail -n 5 "$OUT/daemon.log")"
DAEMON_PID=
subscriber_stop
"$CAMPANILE" log --json --state "$DISK/state" |
    grep -E '"text":"(count = |journal |[0-9]+ records dropped|home refuses)' >"$OUT/journal"
say "$STOPS stops of the broker, $KILLS kills of the daemon and $STARTS starts, $CUTS cuts of the network," \
    "$FILLS full disks, each felt"
python3 ci/chaos.py "$OUT/journal" "$OUT/received" "$OUT/resident"

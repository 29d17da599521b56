#!/usr/bin/env bash
# A thousand events a second while everything around them breaks: the broker is stopped and started, the daemon killed
# and started, the network cut and mended, the disk filled and cleared, at random, for CHAOS_SECONDS (45; by hand as long
# as you like, with CHAOS_SEED to repeat the order of a run). Then everything is whole again, and what a subscriber got is
# held against the journal: nothing lost, nothing out of order, every duplicate known by its (boot, seq).
#
# It runs in namespaces of its own: the network that is cut and the disk that is filled are nobody else's. What it
# leaves is in target/ci-artefacts/chaos.

# shellcheck source=ci/lib/mosquitto.sh
source "$(dirname "$0")/lib/mosquitto.sh"
no_arguments "$@"

CHAOS=${CHAOS_SECONDS:-45}
SEED=${CHAOS_SEED:-$RANDOM}
OUT=$ARTEFACTS/chaos
DISK=$OUT/disk
# One that is built already can be named.
CAMPANILE=${CAMPANILE_BINARY:-$CARGO_TARGET_DIR/release/campanile}

mosquitto_tools
if [[ ! ${CHAOS_INSIDE:-} ]]; then
    need iproute2 python3
    [[ ${CAMPANILE_BINARY:-} ]] || cargo build --quiet --locked --release
    rm -rf "$OUT"
    mkdir -p "$DISK"
    user=()
    ((EUID == 0)) || user=(--user --map-root-user)
    CHAOS_INSIDE=1 CHAOS_SEED=$SEED exec unshare "${user[@]}" --mount --net "$SCRIPT"
fi

DAEMON_PID=
STARTS=0 KILLS=0 STOPS=0 CUTS=0 FILLS=0
RANDOM=$SEED

cleanup() {
    [[ -z $DAEMON_PID ]] || kill -9 "$DAEMON_PID" 2>/dev/null || true
    subscriber_stop
    broker_stop
}
trap cleanup EXIT

answers() { "$CAMPANILE" status --json --state "$DISK/state" >"$OUT/status.json" 2>"$OUT/status.err"; }

# A full disk may keep it from starting; it is tried again, as a service manager does.
daemon_start() {
    local attempt
    for ((attempt = 0; attempt < 60; attempt++)); do
        "$CAMPANILE" run "$OUT/house.toml" --state "$DISK/state" >>"$OUT/daemon.log" 2>&1 </dev/null &
        DAEMON_PID=$!
        STARTS=$((STARTS + 1))
        while kill -0 "$DAEMON_PID" 2>/dev/null; do
            ! answers || return 0
            sleep 0.1
        done
        wait "$DAEMON_PID" || true
        rm -f "$DISK/fill"
        sleep 1
    done
    die "the daemon does not start: $(tail -n 5 "$OUT/daemon.log")"
}

daemon_kill() {
    kill -9 "$DAEMON_PID"
    wait "$DAEMON_PID" 2>/dev/null || true
    KILLS=$((KILLS + 1))
}

# draw FROM TO: a number of seconds, in tenths.
draw() {
    local tenths=$(($1 * 10 + RANDOM % (($2 - $1) * 10)))
    echo "$((tenths / 10)).$((tenths % 10))"
}

# One thing breaks and is mended; a second one may break meanwhile. The broker loses what it has acknowledged if it is
# ended again while it still writes, so between two of its ends there are three seconds.
strike() {
    case $((RANDOM % 4)) in
    0)
        broker_stop
        STOPS=$((STOPS + 1))
        sleep "$(draw 0 3)"
        ((RANDOM % 3)) || { daemon_kill && daemon_start; }
        broker_start "$OUT"
        sleep 3
        ;;
    1)
        daemon_kill
        sleep "$(draw 0 2)"
        daemon_start
        ;;
    2)
        ip link set lo down
        CUTS=$((CUTS + 1))
        sleep "$(draw 1 5)"
        ((RANDOM % 3)) || { daemon_kill && daemon_start; }
        ip link set lo up
        ;;
    3)
        cat /dev/zero >"$DISK/fill" 2>/dev/null || true
        FILLS=$((FILLS + 1))
        sleep "$(draw 2 6)"
        ((RANDOM % 3)) || { daemon_kill && daemon_start; }
        rm -f "$DISK/fill"
        ;;
    esac
    sleep "$(draw 0 2)"
}

caught_up() { answers && grep -q '"lag":0' "$OUT/status.json"; }

ip link set lo up
mount -t tmpfs -o size=40m none "$DISK"
broker_start "$OUT"
subscriber_start "$OUT/received"
cat >"$OUT/house.toml" <<END
[node]
name = "porch"

[journal]
size = "24MiB"

[boards.desk]
kind = "virtual"

[variables]
count = 0

[[scenarios]]
name = "tick"
when = [{ every = "1ms" }]
do = [{ let = "count", be = "count + 1" }]

[sinks.home]
kind = "mqtt"
url = "mqtt://127.0.0.1:$BROKER_PORT"
commands = []
END

say "seed $SEED, $CHAOS seconds"
daemon_start
end=$((SECONDS + CHAOS))
while ((SECONDS < end)); do
    strike
done
say "everything is whole again"
sed -i 's/^when = .*/when = []/' "$OUT/house.toml"
"$CAMPANILE" reload --state "$DISK/state" >"$OUT/reload" 2>&1 || die "no reload: $(cat "$OUT/reload")"
wait_for 60 caught_up || die "the sink does not catch up: $(cat "$OUT/status.json")"
kill "$DAEMON_PID"
wait "$DAEMON_PID" || die "the daemon left with $? on SIGTERM: $(tail -n 5 "$OUT/daemon.log")"
DAEMON_PID=
subscriber_stop
"$CAMPANILE" log --json --state "$DISK/state" >"$OUT/journal"
say "$STOPS stops of the broker, $KILLS kills of the daemon and $STARTS starts, $CUTS cuts of the network, $FILLS full disks"
python3 ci/chaos.py "$OUT/journal" "$OUT/received"

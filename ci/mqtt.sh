#!/usr/bin/env bash
# The daemon on virtual lines and a real MQTT broker, through what a house goes through: the broker goes
# away and comes back, the daemon is killed while the broker is away, the file is reloaded. Every message
# must arrive, in order, by (boot, seq). What went wrong is left in target/ci-artefacts/mqtt.

# shellcheck source=ci/lib/mosquitto.sh
source "$(dirname "$0")/lib/mosquitto.sh"
# shellcheck source=ci/lib/delivered.sh
source "$(dirname "$0")/lib/delivered.sh"
no_arguments "$@"

OUT=$ARTEFACTS/mqtt
rm -rf "$OUT"
mkdir -p "$OUT"
CAMPANILE=$CARGO_TARGET_DIR/release/campanile
DAEMON_PID=
PRESSES=0

cleanup() {
    [[ -z $DAEMON_PID ]] || kill -9 "$DAEMON_PID" 2>/dev/null || true
    subscriber_stop
    broker_stop
}
trap cleanup EXIT

daemon_start() {
    "$CAMPANILE" run "$OUT/house.toml" --state "$OUT/state" >>"$OUT/daemon.log" 2>&1 </dev/null &
    DAEMON_PID=$!
    wait_for 60 "$CAMPANILE" status --state "$OUT/state" >"$OUT/status" 2>&1 || die "the daemon does not answer: $(cat "$OUT/status" "$OUT/daemon.log")"
}

# press N: N presses of the button, each long enough to be one.
press() {
    local i
    for ((i = 0; i < $1; i++)); do
        "$CAMPANILE" press button --for 30ms --state "$OUT/state" >/dev/null
        sleep 0.15
        PRESSES=$((PRESSES + 1))
    done
}

# caught_up: no sink has anything left to deliver.
caught_up() {
    "$CAMPANILE" status --json --state "$OUT/state" >"$OUT/status.json" && ! grep -q '"lag":[^0]' "$OUT/status.json"
}

cargo build --quiet --locked --release
mosquitto_tools
broker_start "$OUT"
subscriber_start "$OUT/received.log"
cat >"$OUT/house.toml" <<END
[node]
name = "porch"

[boards.desk]
kind = "virtual"

[inputs.button]
line = "GPIO14"
debounce = "10ms"

[outputs.chime]
line = "GPIO23"

[variables]
rings = 0

[[scenarios]]
name = "ring"
when = [{ input = "button", to = "on" }]
do = [{ let = "rings", be = "rings + 1" }, { pulse = "chime", for = "20ms" }, { send = "doorbell", text = "Ring {rings}" }]

[sinks.broker]
kind = "mqtt"
url = "mqtt://127.0.0.1:$BROKER_PORT"

[sinks.record]
kind = "file"
path = "$OUT/written.jsonl"
END

daemon_start
press 5
say "the broker goes away"
broker_stop
press 5
broker_start "$OUT"
press 5
say "the broker goes away, and the daemon is killed"
broker_stop
press 5
kill -9 "$DAEMON_PID"
wait "$DAEMON_PID" 2>/dev/null || true
broker_start "$OUT"
daemon_start
press 5
say "the file is reloaded"
sed -i 's/Ring {rings}/Ding {rings}/' "$OUT/house.toml"
"$CAMPANILE" reload --state "$OUT/state"
press 5
kill "$DAEMON_PID"
wait "$DAEMON_PID" || die "the daemon left with $? on SIGTERM: $(tail -n 5 "$OUT/daemon.log")"
say "one more start delivers what the end left"
daemon_start
for _ in 1 2; do # the second time with what the start itself makes
    wait_for 60 caught_up || die "the sinks do not catch up: $("$CAMPANILE" status --state "$OUT/state")"
    sleep 2
done
# Without a chance to write or send another message, which only one of the two might get.
kill -9 "$DAEMON_PID"
wait "$DAEMON_PID" 2>/dev/null || true
DAEMON_PID=
subscriber_stop
delivered "$OUT/written.jsonl" "$OUT/received.log"
rings=$(grep '^campanile/porch/variable/rings ' "$OUT/received.log" | tail -n 1 | sed -E 's/.*"value":([0-9]+).*/\1/')
[[ $rings -eq $PRESSES ]] || die "$PRESSES presses were counted as $rings"
grep -q '^campanile/porch/message/doorbell .*"Ding ' "$OUT/received.log" || die "the reloaded file is not at work"
grep -q '^campanile/porch/status offline' "$OUT/received.log" || die "the broker's subscriber never saw 'offline'"
say "$PRESSES presses, all counted and delivered"

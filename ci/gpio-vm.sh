#!/usr/bin/env bash
# The main job on real input: the release daemon in a virtual machine with the kernel's GPIO simulator,
# and a real MQTT broker on the host.
#
# Proves: a bouncing press is one press; scenarios drive the relay; every event of the journal reaches
# the broker once or more, in order, by (boot, seq), through a kill and a restart; SIGTERM leaves the
# relay safe; a busy and a missing line are refused with words. What went wrong is left in
# target/ci-artefacts/gpio-vm.

# shellcheck source=ci/lib/vm.sh
source "$(dirname "$0")/lib/vm.sh"
# shellcheck source=ci/lib/mosquitto.sh
source "$(dirname "$0")/lib/mosquitto.sh"

OUT=$ARTEFACTS/gpio-vm
rm -rf "$OUT"
mkdir -p "$OUT"
SUBSCRIBER_PID=

cleanup() {
    [[ -z $SUBSCRIBER_PID ]] || kill "$SUBSCRIBER_PID" 2>/dev/null || true
    broker_stop
    rm -rf "$OUT/root"
}
trap cleanup EXIT

cargo build --quiet --locked --release
qemu_x86
kernel
mosquitto_tools
broker_start "$OUT"
mosquitto_sub -V 5 -h 127.0.0.1 -p "$BROKER_PORT" -q 1 -t 'campanile/#' -F '%t %p' >"$OUT/received.log" 2>"$OUT/subscriber.log" </dev/null &
SUBSCRIBER_PID=$!

vm_root "$OUT/root"
vm_program "$OUT/root" "$CARGO_TARGET_DIR/release/campanile"
cp ci/guest/check "$OUT/root/check"
sed "s/@PORT@/$BROKER_PORT/" ci/guest/house.toml >"$OUT/root/etc/house.toml"
sed 's/"RELAY"/"VALVE"/' "$OUT/root/etc/house.toml" >"$OUT/root/etc/busy.toml"
sed 's/"BUTTON"/"BUTON"/' "$OUT/root/etc/house.toml" >"$OUT/root/etc/missing.toml"
say "booting"
if ! (vm_run "$OUT/root" "$OUT"); then
    cat "$OUT/result.log"
    tail -n 20 "$OUT/console.log"
    exit 1
fi
sleep 1 # the subscriber writes what it has
kill "$SUBSCRIBER_PID" && wait "$SUBSCRIBER_PID" || true
SUBSCRIBER_PID=

tr -d '\r' <"$OUT/result.log" | sed '/^journal begins$/,/^journal ends$/d'
ci/lib/delivered.sh "$OUT"

#!/usr/bin/env bash
# The main job on real input: the release daemon in a virtual machine with the kernel's GPIO simulator,
# and a real MQTT broker on the host.
#
# Proves: a bouncing press is one press; scenarios drive the relay; every event of the journal reaches
# the broker once or more, in order, by (boot, seq), through a kill and a restart; SIGTERM leaves the
# relay safe; a busy and a missing line are refused with words; the guest's journal replays here to the
# same bytes. What went wrong is left in target/ci-artefacts/gpio-vm.

# shellcheck source=ci/lib/vm.sh
source "$(dirname "$0")/lib/vm.sh"
# shellcheck source=ci/lib/mosquitto.sh
source "$(dirname "$0")/lib/mosquitto.sh"
# shellcheck source=ci/lib/delivered.sh
source "$(dirname "$0")/lib/delivered.sh"
no_arguments "$@"

OUT=$ARTEFACTS/gpio-vm
rm -rf "$OUT"
mkdir -p "$OUT"

cleanup() {
    subscriber_stop
    broker_stop
    rm -rf "$OUT/root"
}
trap cleanup EXIT

cargo build --quiet --locked --release
qemu_x86
kernel
mosquitto_tools
broker_start "$OUT"
subscriber_start "$OUT/received.log"

vm_root "$OUT/root"
vm_program "$OUT/root" "$CARGO_TARGET_DIR/release/campanile"
cp ci/guest/check "$OUT/root/check"
# A host that is busy may hold the emulated machine for longer than a burst of bounces takes.
sed -e "s/:1883/:$BROKER_PORT/" -e 's/"400ms"/"1s"/' ci/guest/house.toml >"$OUT/root/etc/house.toml"
sed 's/"RELAY"/"VALVE"/' "$OUT/root/etc/house.toml" >"$OUT/root/etc/busy.toml"
sed 's/"BUTTON"/"BUTON"/' "$OUT/root/etc/house.toml" >"$OUT/root/etc/missing.toml"
say "booting"
if ! (vm_run "$OUT/root" "$OUT"); then
    cat "$OUT/result.log"
    tail -n 20 "$OUT/console.log"
    exit 1
fi
subscriber_stop

tr -d '\r' <"$OUT/result.log" >"$OUT/result.txt"
sed -n '/^messages begin$/,/^messages end$/p' "$OUT/result.txt" | sed '1d;$d' >"$OUT/written.jsonl"
mkdir "$OUT/journal"
sed -n '/^journal begin$/,/^journal end$/p' "$OUT/result.txt" | sed '1d;$d' | base64 -d | tar -xzf - -C "$OUT/journal"
sed -e '/^messages begin$/,/^messages end$/d' -e '/^journal begin$/,/^journal end$/d' "$OUT/result.txt"
delivered "$OUT/written.jsonl" "$OUT/received.log"

# One event a press, whatever the bounces, and the count that survived the kill.
presses=$(sed -n 's/^presses //p' "$OUT/result.txt")
events=$(grep '^campanile/gate/input/button .*"value":"on"' "$OUT/received.log" | identities | wc -l)
[[ $presses && $events -eq $presses ]] || die "$presses bouncing presses became $events events"
count=$(grep '^campanile/gate/variable/presses ' "$OUT/received.log" | tail -n 1 | sed -E 's/.*"value":([0-9]+).*/\1/')
[[ $count -eq $presses ]] || die "the variable 'presses' is $count after $presses presses"
# Each of them did bounce, and the kills and stops made starts with numbers that go up.
quiet=$(grep '^campanile/gate/input/button .*"value":"on"' "$OUT/received.log" | grep -c '"bounces":0') || true
((quiet == 0)) || die "$quiet presses came without a bounce: the test pulls the line too slowly or too fast"
boots=$(cut -d' ' -f2 "$OUT/received.log.ids" | cut -d- -f1 | uniq | paste -sd' ')
[[ $boots == "1 2 3" ]] || die "the starts are numbered '$boots' and not '1 2 3'"
say "$presses bouncing presses became $events events, counted through a kill and a stop"

# The log of a device is a test case: what the guest wrote, over a kill and a stop, is executed again here.
"$CARGO_TARGET_DIR/release/campanile" replay "$OUT/journal" --timeline --svg "$OUT/journal.svg" --vcd "$OUT/journal.vcd" \
    >"$OUT/replay.log" 2>&1 || die "the guest's journal does not replay: $(cat "$OUT/replay.log")"
cat "$OUT/replay.log"
starts=$(grep -cE '^  [0-9]+-[0-9a-f]{8}/.* the same$' "$OUT/replay.log") || true
((starts == 3)) || die "$starts starts of the guest's journal were replayed, and not 3"

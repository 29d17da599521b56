#!/usr/bin/env bash
# What a Pi runs: the release daemon, cross-compiled to aarch64, and started under emulation; every case of tests/scenarios
# has its trace there, and the journal that was committed, and one of this machine, replay there to the same bytes.

# shellcheck source=ci/lib/cross.sh
source "$(dirname "$0")/lib/cross.sh"
no_arguments "$@"

# Before another compiler takes the place of the pinned one. As the other steps have built it: what is held against the other
# processor is the same in every profile, and a second release build would take as long as the first.
cargo build --quiet --locked -p campanile
HERE=$CARGO_TARGET_DIR/debug/campanile
cross_campanile arm64

OUT=$ARTEFACTS/aarch64
rm -rf "$OUT"
mkdir -p "$OUT"
emulate --version
emulate check ci/guest/house.toml >"$OUT/check.log" 2>&1 || die "it refuses a house that is right: $(cat "$OUT/check.log")"
# A wrong one is refused there too, with exit 1: the emulator has not swallowed the status.
sed 's/^debounce/deboune/' ci/guest/house.toml >"$OUT/wrong.toml"
status=0
emulate check "$OUT/wrong.toml" >"$OUT/wrong.log" 2>&1 || status=$?
[[ $status -eq 1 ]] || die "a wrong house ends with $status: $(cat "$OUT/wrong.log")"
emulate demo --for 3s >"$OUT/demo.log" 2>&1 || die "the demo fails: $(tail -n 20 "$OUT/demo.log")"
grep -q 'chime' "$OUT/demo.log" || die "no chime in the demo: $(tail -n 20 "$OUT/demo.log")"
say "version, check and demo work there"

# The traces that the simulator has on this machine: each is compared to its last byte.
cases=(tests/scenarios/*.toml)
for case in "${cases[@]}"; do
    emulate sim "$case" >"$OUT/case.log" 2>&1 || die "$case has another trace there: $(cat "$OUT/case.log")"
done
say "all ${#cases[@]} cases have their traces there"

# The lives of the doorbell that were committed: every processor comes to these bytes.
emulate replay tests/golden/doorbell >"$OUT/golden.log" 2>&1 || die "tests/golden comes to other bytes there: $(cat "$OUT/golden.log")"
say "tests/golden there: $(tail -n 1 "$OUT/golden.log")"

# What this machine's daemon wrote, executed again by the other processor.
sed 's/kind = "gpiochip"/kind = "virtual"/; /^\[sinks/,$d' ci/guest/house.toml >"$OUT/house.toml"
"$HERE" run "$OUT/house.toml" --state "$OUT/state" >"$OUT/daemon.log" 2>&1 </dev/null &
daemon=$!
wait_for 60 "$HERE" status --state "$OUT/state" >/dev/null 2>&1 || die "the daemon does not start: $(cat "$OUT/daemon.log")"
# Longer than the house's debouncing, and as long apart.
for _ in 1 2 3; do
    "$HERE" press button --for 600ms --state "$OUT/state" >/dev/null
    sleep 1.2
done
kill "$daemon"
wait "$daemon" || die "the daemon does not stop well: $(tail -n 5 "$OUT/daemon.log")"
for where in "$HERE" emulate; do
    $where replay "$OUT/state" >"$OUT/replay.log" 2>&1 || die "$where: the journal differs: $(cat "$OUT/replay.log")"
done
say "replayed there: $(tail -n 1 "$OUT/replay.log")"

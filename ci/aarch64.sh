#!/usr/bin/env bash
# What a Pi runs: the release daemon, cross-compiled to aarch64, and started under emulation; a journal of
# this machine replays there to the same bytes.

# shellcheck source=ci/lib/rust.sh
source "$(dirname "$0")/lib/rust.sh"
no_arguments "$@"

TARGET=aarch64-unknown-linux-gnu

cross_rust
# The C compiler is for the linker and for ring's assembly.
unpack gcc-aarch64 gcc-aarch64-linux-gnu libc6-dev-arm64-cross
CC_PREFIX=$UNPACKED
# The linker scripts among the libraries name their parts from the root; without the path they are
# looked for beside the script.
grep -lI 'GNU ld script' "$CC_PREFIX"/usr/aarch64-linux-gnu/lib/*.so |
    xargs sed -i 's|/usr/aarch64-linux-gnu/lib/||g'
expose "$CC_PREFIX" usr/bin/aarch64-linux-gnu-{gcc,ar,as,ld}
unpack qemu-user qemu-user-static
expose "$UNPACKED" usr/bin/qemu-aarch64-static

export PATH=$CC_PREFIX/bin:$UNPACKED/bin:$PATH
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
export CC_aarch64_unknown_linux_gnu=aarch64-linux-gnu-gcc AR_aarch64_unknown_linux_gnu=aarch64-linux-gnu-ar

say "campanile for $TARGET"
cargo build --quiet --release --locked --target "$TARGET" -p campanile
BINARY=$CARGO_TARGET_DIR/$TARGET/release/campanile

# on_aarch64 ARGUMENT...: the daemon's command, under emulation.
on_aarch64() { timeout 120 qemu-aarch64-static -L "$CC_PREFIX/usr/aarch64-linux-gnu" "$BINARY" "$@" </dev/null; }

OUT=$ARTEFACTS/aarch64
rm -rf "$OUT"
mkdir -p "$OUT"
on_aarch64 --version
on_aarch64 check ci/guest/house.toml >"$OUT/check.log" 2>&1 || die "it refuses a house that is right: $(cat "$OUT/check.log")"
# A wrong one is refused there too, with exit 1: the emulator has not swallowed the status.
sed 's/^debounce/deboune/' ci/guest/house.toml >"$OUT/wrong.toml"
status=0
on_aarch64 check "$OUT/wrong.toml" >"$OUT/wrong.log" 2>&1 || status=$?
[[ $status -eq 1 ]] || die "a wrong house ends with $status: $(cat "$OUT/wrong.log")"
on_aarch64 demo --for 3s >"$OUT/demo.log" 2>&1 || die "the demo fails: $(tail -n 20 "$OUT/demo.log")"
grep -q 'chime' "$OUT/demo.log" || die "no chime in the demo: $(tail -n 20 "$OUT/demo.log")"
say "version, check and demo work there"

# What this machine's daemon wrote, executed again by the other processor.
cargo build --quiet --release --locked
HERE=$CARGO_TARGET_DIR/release/campanile
sed 's/kind = "gpiochip"/kind = "virtual"/; /^\[sinks/,$d' ci/guest/house.toml >"$OUT/house.toml"
"$HERE" run "$OUT/house.toml" --state "$OUT/state" >"$OUT/daemon.log" 2>&1 </dev/null &
daemon=$!
wait_for 20 "$HERE" status --state "$OUT/state" >/dev/null 2>&1 || die "the daemon does not start: $(cat "$OUT/daemon.log")"
# Longer than the house's debouncing, and as long apart.
for _ in 1 2 3; do
    "$HERE" press button --for 600ms --state "$OUT/state" >/dev/null
    sleep 1.2
done
kill "$daemon"
wait "$daemon" || die "the daemon does not stop well: $(tail -n 5 "$OUT/daemon.log")"
for where in "$HERE" on_aarch64; do
    $where replay "$OUT/state" >"$OUT/replay.log" 2>&1 || die "$where: the journal differs: $(cat "$OUT/replay.log")"
done
say "replayed there: $(tail -n 1 "$OUT/replay.log")"

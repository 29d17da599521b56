#!/usr/bin/env bash
# The core on bare metal: checked for Cortex-M0 and RISC-V, and a minimal Cortex-M0 image with the
# engine that is sized and must hold no panicking symbol.
#
#   ci/nostd.sh              everything
#   ci/nostd.sh self-test    only the proof that the search for panics finds one
#   ci/nostd.sh capacities   only the size of the image with room for less and for more
#   ci/nostd.sh instructions only what an edge and a press take there, counted by QEMU

# shellcheck source=ci/lib/rust.sh
source "$(dirname "$0")/lib/rust.sh"
help_if_asked "$@"

CORE_TARGETS=(thumbv6m-none-eabi riscv32imc-unknown-none-elf)
FLASH_BUDGET=24576
RAM_BUDGET=5120
# Everything that panics ends in core::panicking or calls the handler; the other names are the cold
# functions in front of it, in case that link-time optimisation melts the rest into them.
PANICS='panicking|rust_begin_unwind|unwrap_failed|expect_failed|slice_.*_fail|cell.*panic_'

# check_core [FEATURE...]: as far as types go; machine code is made of it by the image below and by ci/firmware.sh.
check_core() {
    say "campanile-core for ${CORE_TARGETS[*]}: ${*:-(default features)}"
    cargo check --quiet --release --locked -Zbuild-std=core "${CORE_TARGETS[@]/#/--target=}" -p campanile-core "$@"
}

# Without what is left of builds before, as that moves the figures.
build_image() {
    CARGO_INCREMENTAL=0 cargo build "${SMALL[@]}" --target "$(target_of thumbv6m-none-eabi)" \
        --manifest-path ci/image/Cargo.toml "$@"
    IMAGE=$CARGO_TARGET_DIR/thumbv6m-none-eabi/release/campanile-image
}

panicking_symbols() { arm-none-eabi-nm --demangle "$1" | grep -E "$PANICS" || true; }

self_test() {
    build_image --features panicking
    [[ $(panicking_symbols "$IMAGE") ]] ||
        die "an image that can panic shows no panicking symbol: the search for them finds nothing"
    say "self-test: the search finds the panic of an image that has one"
}

# against HAVE BUDGET: the figure with its budget. A figure over its budget is said, and is no failure: sizes
# move with the compiler.
against() {
    printf '%d B of %d B%s' "$1" "$2" "$( (($1 <= $2)) || echo ' (OVER)')"
}

# sizes: of the image: flash and RAM.
sizes() { arm-none-eabi-size "$IMAGE" | awk 'NR == 2 { print $1 + $2, $2 + $3 }'; }

size_image() {
    build_image
    local flash ram found
    read -r flash ram < <(sizes)
    say "engine for 16 inputs, 16 scenarios, 2 KiB log on thumbv6m:" \
        "flash $(against "$flash" $FLASH_BUDGET), RAM $(against "$ram" $RAM_BUDGET)"
    found=$(panicking_symbols "$IMAGE")
    [[ -z $found ]] || die "the image can panic:"$'\n'"$found"
    say "no panicking symbol"
}

# capacities: what the image takes with room for less and for more than the budget is for.
capacities() {
    local flash ram
    build_image --features doorbell
    read -r flash ram < <(sizes)
    say "engine for 4 inputs, 4 scenarios, 512 B log on thumbv6m: flash $flash B, RAM $ram B"
    build_image --features house
    read -r flash ram < <(sizes)
    say "engine for 32 inputs, 32 scenarios, 8 KiB log on thumbv6m: flash $flash B, RAM $ram B"
}

# instructions: of the parts that the image's second program runs. QEMU gives every instruction 64 ns, and its timer counts
# at 16 MHz; what is read is the difference of 100 and 200 rounds.
instructions() {
    build_image
    unpack qemu-arm qemu-system-arm
    expose "$UNPACKED" usr/bin/qemu-system-arm
    local said part once twice
    said=$(timeout 60 "$UNPACKED/bin/qemu-system-arm" -M microbit -display none -monitor none -serial none \
        -icount shift=6,sleep=off -semihosting-config enable=on,target=native \
        -kernel "${IMAGE%-image}-instructions" 2>&1 </dev/null) || die "QEMU does not run the image: $said"
    while read -r part once twice; do
        [[ $twice =~ ^[0-9]+$ ]] || die "the image says: $said"
        say "instructions on a Cortex-M0, $part: $(((twice - once) * 10 / 1024))"
    done <<<"$said"
}

cross_rust
unpack binutils-arm binutils-arm-none-eabi
expose "$UNPACKED" usr/bin/arm-none-eabi-{nm,size}
PATH=$UNPACKED/bin:$PATH
# The source of core may only be compiled by the very compiler that it came with, which takes this
# variable for the permission that a nightly compiler has.
export RUSTC_BOOTSTRAP=1

case ${1:-} in
    self-test)
        self_test
        exit
        ;;
    capacities | instructions)
        "$1"
        exit
        ;;
esac
check_core
check_core --features defmt
self_test
size_image

# shellcheck shell=bash
# The firmware's boards: their targets, how they are built, and how large that is.

# shellcheck source=ci/lib/rust.sh
source "$(dirname "${BASH_SOURCE[0]}")/rust.sh"

# shellcheck disable=SC2034 # used by what sources this
BOARDS=(microbit lm3s6965evb mps2_an386 hifive1)
declare -A TARGETS=(
    [microbit]=thumbv6m-none-eabi
    [lm3s6965evb]=thumbv7m-none-eabi
    [mps2_an386]=thumbv7em-none-eabihf
    [hifive1]=riscv32imc-unknown-none-elf
)

# board_programs FOLDER: campanile and the rig for this machine, and there the doorbell that is linked in.
# shellcheck disable=SC2034 # used by what sources this
board_programs() {
    cargo build --quiet --locked -p campanile -p campanile-tests --bin campanile --bin rig
    RIG=$CARGO_TARGET_DIR/debug/rig
    CAMPANILE=$CARGO_TARGET_DIR/debug/campanile
    IMAGE=$1/doorbell.img
    export CAMPANILE_BUNDLE=$1/doorbell.bundle
    "$CAMPANILE" compile firmware/doorbell.toml -o "$IMAGE" --bundle "$CAMPANILE_BUNDLE"
}

# board_tools: from here on cargo builds for boards, and QEMU has them.
board_tools() {
    cross_rust
    need binutils
    unpack qemu-mcu qemu-system-arm qemu-system-misc
    expose "$UNPACKED" usr/bin/qemu-system-{arm,riscv32}
    PATH=$UNPACKED/bin:$PATH
    # As in ci/nostd.sh.
    export RUSTC_BOOTSTRAP=1
}

# build BOARD [FEATURE]
build() {
    cargo build "${SMALL[@]}" --target "$(target_of "${TARGETS[$1]}")" \
        --manifest-path firmware/Cargo.toml --features "$1${2:+,$2}"
}

elf_of() { echo "$CARGO_TARGET_DIR/${TARGETS[$1]}/release/campanile-firmware"; }

# symbol ELF NAME: its value, in hexadecimal.
symbol() { readelf -sW "$1" | awk -v name="$2" '$8 == name { print $2 }'; }

# size_of ELF: what it takes of the chip, besides the stack: of flash what is loaded, of RAM what is cleared, and of
# both .data.
size_of() {
    local name type size flags flash=0 ram=0
    while read -r name type size flags; do
        [[ $flags == *A* && $name != .stack && $name != .heap ]] || continue
        [[ $type == NOBITS ]] || flash=$((flash + 16#$size))
        [[ $type != NOBITS && $name != .data ]] || ram=$((ram + 16#$size))
    done < <(readelf -SW "$1" | sed -n 's/^ *\[ *[0-9]*\] *//p' | awk 'NF > 8 { print $1, $2, $5, $7 }')
    echo "$flash $ram"
}

# grouped NUMBER: with commas.
grouped() { sed -E ':again; s/^([0-9]+)([0-9]{3})/\1,\2/; t again' <<<"$1"; }

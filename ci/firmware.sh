#!/usr/bin/env bash
# The firmware on every board: built, sized, and run in QEMU with a button that is pressed from outside, where QEMU lets
# anybody. Each board's log is executed again on this machine, to the same bytes.
#
#   ci/firmware.sh            every board
#   ci/firmware.sh BOARD...   these boards
#
# What a board sent, as bytes and as text, and what QEMU said are left in target/ci-artefacts/firmware/BOARD.

# shellcheck source=ci/lib/rust.sh
source "$(dirname "$0")/lib/rust.sh"
help_if_asked "$@"

declare -A TARGETS=(
    [microbit]=thumbv6m-none-eabi
    [lm3s6965evb]=thumbv7m-none-eabi
    [mps2_an386]=thumbv7em-none-eabihf
    [hifive1]=riscv32imc-unknown-none-elf
)
ALL=(microbit lm3s6965evb mps2_an386 hifive1)
OUT=$ARTEFACTS/firmware

# symbol ELF NAME: its value, in hexadecimal.
symbol() { readelf -sW "$1" | awk -v name="$2" '$8 == name { print $2 }'; }

# size_of BOARD ELF: what it takes of the chip, besides the stack: of flash what is loaded, of RAM what is cleared, and
# of both .data.
size_of() {
    local name type size flags flash=0 ram=0
    while read -r name type size flags; do
        [[ $flags == *A* && $name != .stack && $name != .heap ]] || continue
        [[ $type == NOBITS ]] || flash=$((flash + 16#$size))
        [[ $type != NOBITS && $name != .data ]] || ram=$((ram + 16#$size))
    done < <(readelf -SW "$2" | sed -n 's/^ *\[ *[0-9]*\] *//p' | awk 'NF > 8 { print $1, $2, $5, $7 }')
    say "$1: flash $flash B, RAM $ram B"
}

# hold BOARD: builds the firmware and holds it in the rig.
hold() {
    local board=$1 folder=$OUT/$1 elf=$CARGO_TARGET_DIR/${TARGETS[$1]}/release/campanile-firmware
    rm -rf "$folder"
    mkdir -p "$folder"
    CAMPANILE_IMAGE=$OUT/doorbell.img cargo build --quiet --release --locked -Zbuild-std=core \
        --target "${TARGETS[$board]}" --manifest-path firmware/Cargo.toml --features "$board"
    size_of "$board" "$elf"
    local qemu="qemu-system-arm"
    [[ ${TARGETS[$board]} == thumb* ]] || qemu="qemu-system-riscv32"
    "$RIG" "$board" "$qemu" "$elf" "$OUT/doorbell.img" "$(symbol "$elf" __sheap)" "$(symbol "$elf" _stack_start)" "$folder"
}

(($#)) || set -- "${ALL[@]}"
for board; do
    [[ ${TARGETS[$board]:-} ]] || die "there is no board '$board'; there are ${ALL[*]}"
done

mkdir -p "$OUT"
cargo build --quiet --locked -p campanile -p campanile-tests --bin campanile --bin rig
RIG=$CARGO_TARGET_DIR/debug/rig
"$CARGO_TARGET_DIR/debug/campanile" compile firmware/doorbell.toml -o "$OUT/doorbell.img"

cross_rust
need binutils
unpack qemu-mcu qemu-system-arm qemu-system-misc
expose "$UNPACKED" usr/bin/qemu-system-{arm,riscv32}
PATH=$UNPACKED/bin:$PATH
# As in ci/nostd.sh.
export RUSTC_BOOTSTRAP=1

for board; do
    hold "$board"
done

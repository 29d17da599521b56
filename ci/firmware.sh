#!/usr/bin/env bash
# The firmware on every board: built, sized, and run in QEMU with a button that is pressed from outside. Each board's log
# is executed again on this machine, to the same bytes.
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
)
ALL=(microbit lm3s6965evb)
OUT=$ARTEFACTS/firmware

# symbol ELF NAME: its value, in hexadecimal.
symbol() { arm-none-eabi-nm "$1" | awk -v name="$2" '$3 == name { print $1 }'; }

# size_of BOARD ELF: what it takes of the chip, besides the stack.
size_of() {
    local text data bss
    read -r text data bss _ < <(arm-none-eabi-size "$2" | tail -n 1)
    say "$1: flash $((text + data)) B, RAM $((data + bss)) B"
}

# hold BOARD: builds the firmware and holds it in the rig.
hold() {
    local board=$1 folder=$OUT/$1 elf=$CARGO_TARGET_DIR/${TARGETS[$1]}/release/campanile-firmware
    rm -rf "$folder"
    mkdir -p "$folder"
    CAMPANILE_IMAGE=$OUT/doorbell.img cargo build --quiet --release --locked -Zbuild-std=core \
        --target "${TARGETS[$board]}" --manifest-path firmware/Cargo.toml --features "$board"
    size_of "$board" "$elf"
    "$RIG" "$board" qemu-system-arm "$elf" "$OUT/doorbell.img" "$(symbol "$elf" __sheap)" "$(symbol "$elf" _stack_start)" "$folder"
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
unpack binutils-arm binutils-arm-none-eabi
expose "$UNPACKED" usr/bin/arm-none-eabi-{nm,size}
PATH=$UNPACKED/bin:$PATH
unpack qemu-arm qemu-system-arm
expose "$UNPACKED" usr/bin/qemu-system-arm
PATH=$UNPACKED/bin:$PATH
# As in ci/nostd.sh.
export RUSTC_BOOTSTRAP=1

for board; do
    hold "$board"
done

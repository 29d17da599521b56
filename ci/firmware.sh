#!/usr/bin/env bash
# The firmware on every board: built, sized, and run in QEMU with a button that is pressed from outside, where QEMU lets
# anybody. Each board's log is executed again on this machine, and the lives of all cases on each board, to the same bytes.
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

# say_of WHAT COMMAND...: says the line that it prints, as one of this thing.
say_of() {
    local what=$1 line
    shift
    line=$("$@")
    say "$what: $line"
}

# build BOARD [FEATURE]
build() {
    cargo build --quiet --release --locked -Zbuild-std=core --target "${TARGETS[$1]}" \
        --manifest-path firmware/Cargo.toml --features "$1${2:+,$2}"
}

elf_of() { echo "$CARGO_TARGET_DIR/${TARGETS[$1]}/release/campanile-firmware"; }

qemu_of() {
    case ${TARGETS[$1]} in
        thumb*) echo qemu-system-arm ;;
        riscv32*) echo qemu-system-riscv32 ;;
    esac
}

# hold BOARD: builds the firmware and holds it in the rig, then another that executes lives of this machine.
hold() {
    local board=$1 folder=$OUT/$1 elf qemu
    elf=$(elf_of "$board")
    qemu=$(qemu_of "$board")
    rm -rf "$folder"
    mkdir -p "$folder"
    build "$board"
    size_of "$board" "$elf"
    say_of "$board" "$RIG" press "$board" "$qemu" "$elf" "$folder" \
        "$CAMPANILE_IMAGE" "$(symbol "$elf" __sheap)" "$(symbol "$elf" _stack_start)"
    build "$board" replay
    say_of "$board" "$RIG" replay "$board" "$qemu" "$elf" "$folder"
}

# refuses BOARD FROM TO WORDS: with another text in its house the build ends, with these words.
refuses() {
    local board=$1 words=$4 image=$OUT/wrong.img
    sed "s/$2/$3/" firmware/doorbell.toml >"$OUT/wrong.toml"
    "$CAMPANILE" compile "$OUT/wrong.toml" -o "$image"
    if CAMPANILE_IMAGE=$image build "$board" >"$OUT/wrong.log" 2>&1; then
        die "$board takes a house with $3, which it has not"
    fi
    grep -q "$words" "$OUT/wrong.log" || die "$board does not say '$words': $(cat "$OUT/wrong.log")"
}

# too_large BOARD: a house that it has no room for is refused by the board, and it says so.
too_large() {
    local board=$1 image=$OUT/large.img log=$OUT/large.log folder=$OUT/large
    mkdir -p "$folder"
    {
        sed 's/"CHIME"/20/; s/"BUTTON"/21/' firmware/doorbell.toml
        seq 0 15 | awk '{ printf "\n[inputs.n%d]\nline = %d\n", $1, $1 }'
    } >"$OUT/large.toml"
    "$CAMPANILE" compile "$OUT/large.toml" -o "$image"
    CAMPANILE_IMAGE=$image build "$board"
    if "$RIG" press "$board" "$(qemu_of "$board")" "$(elf_of "$board")" "$folder" "$image" 0 0 >"$log" 2>&1; then
        die "$board runs a house that it has no room for"
    fi
    grep -q 'the board refuses its program' "$log" || die "$board does not refuse a house that is too large: $(cat "$log")"
}

(($#)) || set -- "${ALL[@]}"
for board; do
    [[ ${TARGETS[$board]:-} ]] || die "there is no board '$board'; there are ${ALL[*]}"
done

mkdir -p "$OUT"
cargo build --quiet --locked -p campanile -p campanile-tests --bin campanile --bin rig
RIG=$CARGO_TARGET_DIR/debug/rig
export CAMPANILE_IMAGE=$OUT/doorbell.img CAMPANILE_LIVES=$OUT/lives
CAMPANILE=$CARGO_TARGET_DIR/debug/campanile
"$CAMPANILE" compile firmware/doorbell.toml -o "$CAMPANILE_IMAGE"
say_of "the cases" "$RIG" lives "$CAMPANILE_LIVES"

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
# What no board takes; shown with one.
if [[ " $* " == *" hifive1 "* ]]; then
    refuses hifive1 '"BUTTON"' '"BUTON"' "names a line that this board has not"
    refuses hifive1 '"up"' '"down"' "asks for a pull that this board has not"
    too_large hifive1
    say "a house that is too large is refused by the board; one with a line or a pull that a board has not ends the build with a word on it"
fi

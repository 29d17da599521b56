#!/usr/bin/env bash
# The firmware on every board: built, sized, and run in QEMU with a button that is pressed from outside, where QEMU lets
# anybody. Each board's log is executed again on this machine, and the lives of all cases on each board, to the same bytes.
# A board with storage is reset and loses its power at any moment, and keeps what it has published. Each is a satellite of
# a daemon, too.
#
#   ci/firmware.sh            every board
#   ci/firmware.sh BOARD...   these boards
#
# What a board sent, as bytes and as text, and what QEMU said are left in target/ci-artefacts/firmware/BOARD, where something
# failed with what the firmware said of itself, in words; and beside them the table of sizes for firmware/README.md.

# shellcheck source=ci/lib/boards.sh
source "$(dirname "$0")/lib/boards.sh"
# shellcheck source=ci/lib/satellite.sh
source "$(dirname "$0")/lib/satellite.sh"
help_if_asked "$@"

OUT=$ARTEFACTS/firmware

# say_of WHAT COMMAND...: says the line that it prints, as one of this thing.
say_of() {
    local what=$1 line
    shift
    line=$("$@")
    say "$what: $line"
}

qemu_of() { echo "${MACHINES[$1]%% *}"; }

# The boards whose storage QEMU models.
KEEPS=" microbit "
# As satellites all have defmt, so that a failure leaves what the firmware said of itself, too.
LINK=defmt

# hold BOARD: builds the firmware and holds it in the rig, then another that executes lives of this machine.
hold() {
    local board=$1 folder=$OUT/$1 elf qemu flash ram line
    elf=$(elf_of "$board")
    qemu=$(qemu_of "$board")
    rm -rf "$folder"
    mkdir -p "$folder"
    build "$board"
    read -r flash ram <<<"$(size_of "$elf")"
    line=$("$RIG" press "$board" "$qemu" "$elf" "$folder" \
        "$IMAGE" "$(symbol "$elf" __sheap)" "$(symbol "$elf" _stack_start)")
    say "$board: flash $flash B, RAM $ram B; $line"
    [[ $line =~ stack\ ([0-9]+)\ B\ of\ ([0-9]+) ]] || die "$board: nobody says how deep the stack is: $line"
    # shellcheck disable=SC2016 # these are the backticks of Markdown
    printf '| `%s` | %s B | %s B | %s B of %s B |\n' "$board" "$(grouped "$flash")" "$(grouped "$ram")" \
        "$(grouped "${BASH_REMATCH[1]}")" "$(grouped "${BASH_REMATCH[2]}")" >>"$SIZES"
    if [[ $KEEPS == *" $board "* ]]; then
        say_of "$board" "$RIG" keep "$board" "$qemu" "$elf" "$folder" \
            "$IMAGE" "$(symbol "$elf" __sheap)" "$(symbol "$elf" _stack_start)" "$OUT/tenfold.img"
    fi
    link "$board"
    build "$board" replay
    say_of "$board" "$RIG" replay "$board" "$qemu" "$elf" "$folder"
}

# link BOARD: holds it between QEMU and a daemon.
link() {
    local board=$1 elf flash ram deep stack
    elf=$(elf_of "$board")
    build "$board" "$LINK"
    read -r flash ram <<<"$(size_of "$elf")"
    satellite "$board" "$elf" "$OUT/$board/link"
    read -r deep stack <<<"$(deepest "$elf" "$OUT/$board/link")"
    ((deep < stack)) || die "$board: the stack has grown into what lies below it"
    say "$board as a satellite: flash $flash B, RAM $ram B, stack $deep B of $stack B; a press there is a record here, a" \
        "scenario here and a lamp there; without its host it takes the lamp back"
    say_of "$board" times "$OUT/$board/link"
    # shellcheck disable=SC2016 # these are the backticks of Markdown
    printf '| `%s`, `'"$LINK"'` | %s B | %s B | %s B of %s B |\n' "$board" "$(grouped "$flash")" "$(grouped "$ram")" \
        "$(grouped "$deep")" "$(grouped "$stack")" >>"$SIZES"
    speaks "$elf" "$OUT/$board/link"
    say "$board: what the firmware says with defmt comes over the link, and link monitor has it in words"
    if [[ $KEEPS == *" $board "* ]]; then
        satellite_keeps "$board" "$elf" "$OUT/$board/link"
        spoilt "$board" "$elf" "$OUT/$board/link"
    else
        power_off
    fi
}

# lint BOARD FEATURE...: no warning from clippy.
lint() {
    cargo clippy "${SMALL[@]}" --target "$(target_of "${TARGETS[$1]}")" \
        --manifest-path firmware/Cargo.toml --features "$(IFS=, && echo "$*")" -- -D warnings
}

# brings BOARD HOUSE: with this house linked in, which the board cannot run, it waits for its host's program.
brings() {
    local board=$1 folder=$OUT/$1/brings
    rm -rf "$folder"
    mkdir -p "$folder"
    "$CAMPANILE" compile "$2" -o "$OUT/refused.img" --bundle "$OUT/refused.bundle"
    CAMPANILE_BUNDLE=$OUT/refused.bundle build "$board" "$LINK"
    power_on "$board" "$(elf_of "$board")" "$folder"
    house_on "$folder"
    await "the host's program in place of one that the board cannot run" "$folder" ran 1 "$folder"
    await "its button" "$folder" in_log "$folder/state" 'porch.button off'
    house_off
    power_off
}

# refuses BOARD HOUSE WORDS: with this house linked in the board refuses to run it, in these words.
refuses() {
    local board=$1 house=$2 words=$3 image=$OUT/refused.img bundle=$OUT/refused.bundle log=$OUT/refused.log folder=$OUT/refused
    mkdir -p "$folder"
    "$CAMPANILE" compile "$house" -o "$image" --bundle "$bundle"
    CAMPANILE_BUNDLE=$bundle build "$board"
    if "$RIG" press "$board" "$(qemu_of "$board")" "$(elf_of "$board")" "$folder" "$image" 0 0 >"$log" 2>&1; then
        die "$board runs a house that it has to refuse: $words"
    fi
    grep -q "the board refuses its program: $words" "$log" || die "$board does not say '$words': $(cat "$log")"
}

# too_large: a house with more inputs than the firmware has room for.
too_large() {
    sed 's/"CHIME"/20/; s/"BUTTON"/21/' firmware/doorbell.toml
    seq 0 15 | awk '{ printf "\n[inputs.n%d]\nline = %d\n", $1, $1 }'
}

(($#)) || set -- "${BOARDS[@]}"
for board; do
    [[ ${TARGETS[$board]:-} ]] || die "there is no board '$board'; there are ${BOARDS[*]}"
done

for file in firmware/src/board/*.rs; do
    (($(wc -l <"$file") <= 120)) || die "$file has more than 120 lines: what is not this board's alone belongs into firmware/src/parts"
done

mkdir -p "$OUT"
board_programs "$OUT"
export CAMPANILE_LIVES=$OUT/lives
# Another house for the same board, in which each ring counts for ten.
sed 's/rings + 1/rings + 10/' firmware/doorbell.toml >"$OUT/tenfold.toml"
"$CAMPANILE" compile "$OUT/tenfold.toml" -o "$OUT/tenfold.img"
say_of "the cases" "$RIG" lives "$CAMPANILE_LIVES"

board_tools

SIZES=$OUT/sizes.md
printf '| board | flash | RAM | stack |\n|---|---|---|---|\n' >"$SIZES"
for board; do
    hold "$board"
    lint "$board" "$LINK"
done
# What there is without a link is the same on every board.
lint "$1" replay
say "sizes, as firmware/README.md has them:"
cat "$SIZES"
# What no board takes; shown with one.
if [[ " $* " == *" hifive1 "* ]]; then
    sed 's/"BUTTON"/"BUTON"/' firmware/doorbell.toml >"$OUT/line.toml"
    refuses hifive1 "$OUT/line.toml" "it names a line that this board has not"
    sed 's/"up"/"down"/' firmware/doorbell.toml >"$OUT/pull.toml"
    refuses hifive1 "$OUT/pull.toml" "it asks for a pull that this board has not"
    sed 's/"CHIME"/18/' firmware/doorbell.toml >"$OUT/twice.toml"
    refuses hifive1 "$OUT/twice.toml" "it names a line that is taken, by another name or by the board itself"
    too_large >"$OUT/large.toml"
    refuses hifive1 "$OUT/large.toml" "it has no room for it"
    brings hifive1 "$OUT/large.toml"
    say "a house that is too large, asks for a line or a pull that the board has not, or for one line by two names, is refused by the board with a word on it; with a link it then runs what its host brings"
fi

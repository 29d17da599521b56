#!/usr/bin/env bash
# The pictures are what they say: every case of the simulator as a wave dump that GTKWave's and sigrok's readers
# take, and as an SVG that a browser's parser takes; a timeline is as wide as it is told.

# shellcheck source=ci/lib/debian.sh
source "$(dirname "$0")/lib/debian.sh"
no_arguments "$@"

OUT=$ARTEFACTS/pictures
rm -rf "$OUT"
mkdir -p "$OUT"

need gtkwave sigrok-cli librsvg2-bin
cargo build --quiet --locked
CAMPANILE=$CARGO_TARGET_DIR/debug/campanile

# bits FILE: the names of all one-bit signals of a dump, in its order.
# shellcheck disable=SC2016 # the dollar is of the dump
bits() { sed -nE 's/^\$var wire 1 [^ ]+ (.*) \$end$/\1/p' "$1"; }

# sigrok NAME: its reader finds the signals of a case's dump, by their names.
sigrok() {
    local dump=$OUT/$1.vcd shown=$OUT/$1.sigrok
    sigrok-cli -I vcd -i "$dump" --show >"$shown" 2>&1 || die "$1: sigrok does not read it: $(cat "$shown")"
    diff <(bits "$dump") <(sed -nE 's/^- (.*): logic$/\1/p' "$shown") || die "$1: sigrok has other signals"
}

cases=0
signals=0
for case in tests/scenarios/*.toml; do
    name=$(basename "$case" .toml)
    COLUMNS=80 "$CAMPANILE" sim "$case" --vcd "$OUT/$name.vcd" --svg "$OUT/$name.svg" --timeline \
        >"$OUT/$name.txt" 2>"$OUT/$name.err" || die "$name: $(cat "$OUT/$name.err")"
    # GTKWave: through its own format and back.
    vcd2fst "$OUT/$name.vcd" "$OUT/$name.fst" >"$OUT/$name.log" 2>&1 || die "$name: GTKWave does not read it: $(cat "$OUT/$name.log")"
    fst2vcd "$OUT/$name.fst" >"$OUT/$name.back" || die "$name: GTKWave does not write it again"
    diff <(bits "$OUT/$name.vcd") <(bits "$OUT/$name.back") || die "$name: GTKWave has other signals"
    # sigrok: the same signals, by name. It ends by a division by zero where there is no signal of one bit.
    if [[ $(bits "$OUT/$name.vcd") ]]; then
        sigrok "$name"
        signals=$((signals + 1))
    fi
    rsvg-convert "$OUT/$name.svg" -o "$OUT/$name.png" || die "$name: the SVG does not render"
    cases=$((cases + 1))
done
((cases > 50 && signals > 50)) || die "there are only $cases cases, $signals of them with signals for sigrok"
edges=$(cat "$OUT"/*.back | grep -cE '^[01]')
((edges > 1000)) || die "only $edges changes came through GTKWave"
wide=$(cat "$OUT"/*.txt | grep '┴' | LC_ALL=C.UTF-8 wc -L)
((wide <= 80)) || die "a timeline is $wide columns wide and was told 80"
say "$cases cases, $edges changes: read by GTKWave, $signals by sigrok, rendered by librsvg"

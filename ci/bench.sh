#!/usr/bin/env bash
# The figures that the project promises, measured on this machine: a table of what, the figure, and the
# budget that it is held against. Nothing fails here because of a figure.
#
#   ci/bench.sh              all of them
#   ci/bench.sh PART...      of: engine image

# shellcheck source=ci/lib/mosquitto.sh
source "$(dirname "$0")/lib/mosquitto.sh"

OUT=$ARTEFACTS/bench
rm -rf "$OUT"
mkdir -p "$OUT"

# figure WHAT FIGURE [BUDGET]
figure() { printf '%-58s %-34s %s\n' "$1" "$2" "${3:-}"; }

# instructions PART: what a round of the engine's benchmark takes, by callgrind: the difference of two runs,
# so that the start cancels out.
instructions() {
    local part=$1 rounds=2000 once twice
    once=$(callgrind "$part" "$rounds")
    twice=$(callgrind "$part" $((2 * rounds)))
    echo $(((twice - once) / rounds))
}

callgrind() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$BENCH" "$@" 2>&1 |
        sed -nE 's/.*Collected : ([0-9]+).*/\1/p'
}

bench_engine() {
    need valgrind
    BENCH=$(cargo bench --locked -p campanile-core --bench engine --no-run --message-format=json 2>"$OUT/build.log" |
        sed -nE 's/.*"name":"engine".*"executable":"([^"]+)".*/\1/p' | tail -n 1)
    [[ $BENCH ]] || die "the engine's benchmark does not build: $(tail -n 5 "$OUT/build.log")"
    figure "instructions, a raw edge that decides nothing" "$(instructions raw)" "<= 150"
    figure "instructions, mean of the 16 edges of a ring, all included" "$(($(instructions rings) / 16))" "<= 400"
    figure "instructions, press to event to run to two sets to end" "$(instructions press)" "<= 1200"
    "$BENCH" >"$OUT/engine.log"
    sed -E 's/^(.*[^ ])  +(.*)$/\1\t\2/' "$OUT/engine.log" | while IFS=$'\t' read -r what value; do
        case $what in
            "bytes per raw edge") figure "$what" "$value" "<= 3.5" ;;
            "edges per second"*) figure "$what" "$value" ">= 5000000" ;;
            *) figure "$what" "$value" ;;
        esac
    done
}

bench_image() {
    ci/nostd.sh | sed -nE 's/^nostd: (engine for .*): (flash .*)/\1\t\2/p' | while IFS=$'\t' read -r what value; do
        figure "$what" "$value"
    done
}

PARTS=(engine image)
(($#)) || set -- "${PARTS[@]}"
for part; do
    [[ " ${PARTS[*]} " == *" $part "* ]] || die "there is no part '$part'; there are: ${PARTS[*]}"
done
for part; do
    "bench_$part"
done

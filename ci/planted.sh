#!/usr/bin/env bash
# Whether the swarm finds faults: each of tests/planted/*.patch is a small fault of a kind that real systems had. One at
# a time is put into a copy of the sources, and the swarm lives in a house until it finds it.
#
#   ci/planted.sh            all of them
#   ci/planted.sh NAME...    these: tests/planted/NAME.patch
#   ci/planted.sh --applies  builds nothing: whether each patch still fits the sources, which CI asks
#
# Prints a table: the fault, in which seed it was found first, in how many of how many seeds, how long building and
# looking took, and what the judge said. Seeds in which the sources find something as they are do not count, and are
# named. Exit 1 if a patch does not apply, does not build, or is not found in PLANTED_SEEDS seeds (20000).
#
# Every fault means a build of core, delivery and simulator: ten to thirty seconds each on two cores, and then the seeds.

# shellcheck source=ci/lib/debian.sh
source "$(dirname "$0")/lib/debian.sh"
# shellcheck source=ci/lib/moved.sh
source "$(dirname "$0")/lib/moved.sh"
help_if_asked "$@"
need patch

FAULTS=$ROOT/tests/planted
SEEDS=${PLANTED_SEEDS:-20000}
# So many seeds are run in any case, to see how often a fault shows.
LEAST=100
OUT=$CARGO_TARGET_DIR/planted
TREE=$OUT/tree
# A fault of the link, or of what is at its other end, lives in the house that has one; one of names that move from board to
# board, where two exchange their ports; one that takes days to show, where little happens.
houses_of() {
    case $1 in
        link-* | flash-* | edges-*) HOUSES=("$OUT/porch.img" "$OUT/porch-changed.img") ;;
        moved-*) HOUSES=("$OUT/rooms.img" "$OUT/rooms-moved.img") ;;
        age-*) HOUSES=("$OUT/quiet.img" "$OUT/quiet-changed.img") ;;
        *) HOUSES=("$OUT/house.img" "$OUT/changed.img") ;;
    esac
}

if [[ ${1:-} == --applies ]]; then
    misfits=0
    for patch in "$FAULTS"/*.patch; do
        why=$(patch -p1 -F0 --dry-run <"$patch") && continue
        misfits=$((misfits + 1))
        say "$(basename "$patch"): $(grep -m 1 -i fail <<<"$why")"
    done
    ((!misfits)) || die "$misfits planted faults do not fit the sources any more: what they change has changed"
    exit
fi

mkdir -p "$OUT"
moved_house "$OUT"
for house in "$FAULTS"/{house,changed,porch,porch-changed,quiet,quiet-changed}.toml "$OUT"/rooms{,-moved}.toml; do
    image=$OUT/$(basename "$house" .toml).img
    cargo run --quiet --locked -p campanile -- compile "$house" -o "$image" 2>"$OUT/compile.log" ||
        die "$house: $(tail -n 20 "$OUT/compile.log")"
done

# What ships has no debug assertions, so that a judge has to find the fault; beyond that the builds are to be quick.
export CARGO_PROFILE_DEV_OPT_LEVEL=1 CARGO_PROFILE_DEV_DEBUG=0 CARGO_INCREMENTAL=1
export CARGO_PROFILE_DEV_DEBUG_ASSERTIONS=false CARGO_PROFILE_DEV_OVERFLOW_CHECKS=false

# Sources of the moment, committed or not. All of them are new to cargo, whatever an earlier run left behind.
copy() {
    rm -rf "$TREE"
    mkdir -p "$TREE"
    git ls-files -z --cached --others --exclude-standard | tar -c --null --ignore-failed-read -T - 2>/dev/null |
        tar -x -m -C "$TREE"
}

build() {
    cargo build --quiet --locked --manifest-path "$TREE/Cargo.toml" --target-dir "$OUT/target" "$@" >"$OUT/build.log" 2>&1
}

# hunt A..B LEAST SKIP: with the fault of the moment.
hunt() { timeout 1800 "$OUT/target/debug/examples/hunt" "$@" "${HOUSES[@]}" 2>"$OUT/hunt.log"; }

# sound A..B LEAST: the seeds in which the sources as they are find something, with commas between.
sound() { "$OUT/sound" "$@" "" "${HOUSES[@]}" | sed -n 's/^\([0-9][0-9]*\)\t.*/\1/p' | paste -sd, -; }

fail() {
    printf '%-32s %s\n' "$name" "$*"
    failed=$((failed + 1))
}

# plant NAME: one row of the table.
plant() {
    name=$1
    local patch=$FAULTS/$1.patch start=$SECONDS built skip first found
    houses_of "$name"
    skip=${unsound[${HOUSES[0]}]}
    [[ -e $patch ]] || die "there is no $patch"
    if ! patch -d "$TREE" -p1 -s -F0 --dry-run <"$patch" >"$OUT/patch.log" 2>&1; then
        fail "DOES NOT APPLY any more: $(head -n 1 "$OUT/patch.log")"
        return
    fi
    patch -d "$TREE" -p1 -s -F0 <"$patch"
    if build -p campanile-sim --example hunt; then
        built=$((SECONDS - start))
        while :; do
            if ! hunt "0..$SEEDS" "$LEAST" "$skip" >"$OUT/found"; then
                fail "DOES NOT END: the swarm with this fault stopped or hangs: $(tail -n 1 "$OUT/hunt.log")"
                break
            fi
            found=$(grep -cv '^ran' "$OUT/found" || true)
            if ((!found)); then
                fail "NOT FOUND in $(sed -n 's/^ran\t//p' "$OUT/found") seeds, $((SECONDS - start)) s"
                break
            fi
            first=$(head -n 1 "$OUT/found" | cut -f1)
            # Beyond the seeds that were tried before: is it this fault?
            if ((first >= LEAST)) && [[ -n $(sound "$first..$((first + 1))" 1) ]]; then
                skip+=,$first
                continue
            fi
            printf '%-32s %7d %5d of %-5s %4d s %4d s  %s\n' "$name" "$first" "$found" \
                "$(sed -n 's/^ran\t//p' "$OUT/found")" "$built" "$((SECONDS - start - built))" \
                "$(head -n 1 "$OUT/found" | cut -f2 | sed 's/^[0-9.]*  //' | cut -c 1-110)"
            break
        done
    else
        fail "DOES NOT BUILD: $(grep -m 1 -A 1 '^error' "$OUT/build.log" | paste -sd' ' -)"
    fi
    patch -d "$TREE" -p1 -s -R <"$patch"
}

(($#)) || mapfile -t every < <(cd "$FAULTS" && printf '%s\n' *.patch | sed 's/\.patch$//')
(($#)) || set -- "${every[@]}"
failed=0
copy
build -p campanile-sim --example hunt || die "the sources as they are do not build: $(tail -n 5 "$OUT/build.log")"
cp "$OUT/target/debug/examples/hunt" "$OUT/sound"
declare -A unsound=()
for name; do
    houses_of "$name"
    [[ -z ${unsound[${HOUSES[0]}]+known} ]] || continue
    unsound[${HOUSES[0]}]=$(sound "0..$LEAST" "$LEAST")
    [[ -z ${unsound[${HOUSES[0]}]} ]] ||
        say "without any fault something is found in seeds ${unsound[${HOUSES[0]}]}: they do not count"
done
printf '%-32s %7s %14s %6s %6s  %s\n' fault seed found build hunt judge
for name; do
    plant "$name"
done
if ((failed)); then
    say "$failed of $# failed"
    exit 1
fi
say "all of $# found"

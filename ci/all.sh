#!/usr/bin/env bash
# Every check of the project, on a Debian 12 machine with git and Rust; installs what else it needs.
#
#   ci/all.sh              all steps
#   ci/all.sh STEP...      these steps
#   ci/all.sh --help       what the steps are
#
# Each step says its name, its result and how long it took; what a failed step printed is shown, and
# kept with what it left behind in target/ci-artefacts. No step is skipped: one that cannot run fails. A test that
# needs root and has it not is named below its step.
# The last line is `N passed, N failed`, and the exit status is 0 if none failed.

# shellcheck source=ci/lib/mosquitto.sh
source "$(dirname "$0")/lib/mosquitto.sh"

# The steps in their order, the quick ones first.
STEPS=(
    "scripts:shellcheck on every script; the planted faults fit the sources"
    "fmt:the sources are formatted"
    "deps:licences, bans and sources of dependencies, as deny.toml says"
    "clippy:no warning from clippy, all targets"
    "features:no warning from clippy in the other sets of features"
    "docs:no warning from rustdoc, for what is private too"
    "test:all tests of the workspace, with a real MQTT broker"
    "nostd:core for Cortex-M0 and RISC-V; size of a minimal image, and no panic in it"
    "firmware:the firmware on emulated boards, sized and pressed; their logs replayed here"
    "release:the release daemon"
    "soak:lives of four houses under faults of every kind, for five minutes"
    "readme:the commands of the README do what it says"
    "pictures:every case as a wave dump and an SVG, read by GTKWave, sigrok and librsvg"
    "mqtt:the daemon and a real MQTT broker, with outages"
    "posts:the daemon's posts, signed and gathered, and its bell, as it is heard"
    "home-assistant:Home Assistant's own schemas read what a house introduces itself as"
    "chaos:a thousand events a second while broker, daemon, network and disk break at random: nothing lost"
    "gpio-vm:the daemon on the kernel's simulated GPIO, in a virtual machine"
    "service:the Debian package and campanile install on a Debian with systemd, in a virtual machine"
    "aarch64:the release daemon for a Pi, started under emulation; its Debian package"
)

# What all steps leave on the disk, in GB, without incremental compilation, which .ci/run does without: 7 of debug and
# release builds, the firmware's and a Pi's, 2 of packages and images of machines in ci/.cache, and some to spare. A
# disk that fills up says so in strange ways: a linker that crashes, packages that do not come.
ROOM_GB=10

# room_or_die: whether there is room for all steps where they build. What an earlier run left there counts.
room_or_die() {
    local free left
    mkdir -p "$CARGO_TARGET_DIR"
    free=$(df -Pk "$CARGO_TARGET_DIR" | awk 'NR == 2 { print $4 }')
    left=$(du -sk "$CARGO_TARGET_DIR" | cut -f1)
    ((free + left >= ROOM_GB * 1024 * 1024)) ||
        die "all steps need $ROOM_GB GB in $CARGO_TARGET_DIR, and $((free / 1024)) MB are free there:" \
            "make room, or run single steps"
}

step_scripts() {
    need shellcheck
    # What they source is checked with them, where it is clear what uses it.
    shellcheck --check-sourced --external-sources --source-path="$ROOT" .ci/run ci/*.sh
    shellcheck --shell=dash ci/guest/{init,check,service.init,service.sh}
    shellcheck linux-host/service/debian/*
    ci/planted.sh --applies
}

step_fmt() {
    cargo fmt --all --check
    cargo fmt --check --manifest-path ci/image/Cargo.toml
    cargo fmt --check --manifest-path firmware/Cargo.toml
}

step_deps() { ci/deps.sh; }

step_clippy() { cargo clippy --quiet --locked --workspace --all-targets -- -D warnings; }

# What the workspace as a whole cannot show, because cargo unites the features of all packages.
step_features() {
    local features
    for features in "" runner defmt log small; do
        echo "campanile-core with [$features]"
        cargo clippy --quiet --locked -p campanile-core --no-default-features --features "$features" -- -D warnings
    done
    echo "campanile with [rppal]"
    cargo clippy --quiet --locked -p campanile --all-targets --features rppal -- -D warnings
}

step_docs() { RUSTDOCFLAGS="-D warnings -A rustdoc::private-intra-doc-links" cargo doc --quiet --locked --workspace --no-deps --document-private-items; }

step_test() {
    need openssl
    mosquitto_tools
    # The same cases every time: what goes red here can be repeated. Others with PROPTEST_RNG_SEED of your own.
    export PROPTEST_RNG_SEED=${PROPTEST_RNG_SEED:-1} CAMPANILE_NOT_TRIED=$ARTEFACTS/not-tried
    rm -f "$CAMPANILE_NOT_TRIED"
    cargo test --locked --workspace --no-fail-fast
    echo "campanile-core with [small]"
    cargo test --quiet --locked -p campanile-core --features small
    if [[ -e $CAMPANILE_NOT_TRIED ]]; then cat "$CAMPANILE_NOT_TRIED"; fi
}

step_nostd() { ci/nostd.sh; }

step_firmware() { ci/firmware.sh; }

step_release() { cargo build --locked --release; }

step_soak() { ci/soak.sh; }

step_readme() { ci/readme.sh; }

step_pictures() { ci/pictures.sh; }

step_home-assistant() { ci/home-assistant.sh; }

# The same run each time: other seeds are for hunts by hand.
step_chaos() { ci/chaos.sh --seed 1; }

step_mqtt() { ci/mqtt.sh; }

step_posts() { ci/posts.sh; }

step_gpio-vm() { ci/gpio-vm.sh; }

step_service() { ci/service.sh; }

step_aarch64() {
    ci/aarch64.sh
    ci/deb.sh arm64
}

usage() {
    explain
    echo "Steps:"
    printf '%s\n' "${STEPS[@]}" | sed 's/^\([^:]*\):/    \1:/' | awk -F: '{printf "%-14s%s\n", $1, $2}'
}

# known STEP: whether there is one of this name.
known() { [[ " ${STEPS[*]%%:*} " == *" $1 "* ]]; }

# telling LOG: the failed tests with what they printed, if cargo ran some, and the end in any case.
telling() {
    sed -n '/^failures:$/,/^test result: FAILED/p' "$1" | head -n 300
    tail -n 60 "$1"
}

# run_step NAME: counts the step as passed or failed. To be called as a plain command: within a condition
# the shell would let a step go on after a command that failed.
run_step() {
    local name=$1 log=$ARTEFACTS/$1.log status start=$SECONDS
    printf '%-10s ' "$name"
    rm -rf "$log" "${log%.log}"
    set +e
    (
        set -e
        "step_$name"
    ) >"$log" 2>&1 </dev/null
    status=$?
    set -e
    if ((status == 0)); then
        passed=$((passed + 1))
        printf 'ok      %5d s\n' "$((SECONDS - start))"
        sed -n 's/^not tried: /    not tried: /p' "$log"
    else
        failed=$((failed + 1))
        printf 'FAILED  %5d s, exit %d; from what it said (the whole: %s):\n' \
            "$((SECONDS - start))" "$status" "$log"
        telling "$log" | sed 's/^/    /'
    fi
}

case ${1:-} in
    -h | --help)
        usage
        exit
        ;;
esac
for step; do
    known "$step" || {
        echo "all: there is no step '$step'; ci/all.sh --help lists them" >&2
        exit 2
    }
done
command -v cargo >/dev/null || die "cargo is missing: install Rust with rustup, then run this again"
if (($# == 0)); then
    room_or_die
    mapfile -t every < <(printf '%s\n' "${STEPS[@]}" | cut -d: -f1)
    set -- "${every[@]}"
fi

need gcc libc6-dev
mkdir -p "$ARTEFACTS"
passed=0
failed=0
for step; do
    run_step "$step"
done
echo "$passed passed, $failed failed"
((failed == 0))

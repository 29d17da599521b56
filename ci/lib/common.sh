# shellcheck shell=bash
# What every script here shares: where things are, and how to speak.
#
# Sourced, not run. After `source`, the working directory is the root of the project.

set -euo pipefail
shopt -s inherit_errexit

SCRIPT=$(realpath "$0")
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# Downloads and what is built from them, each under a name that holds its versions: a second run
# finds them, a newer version gets a place of its own.
CACHE=${CAMPANILE_CI_CACHE:-$ROOT/ci/.cache}
# One target directory for all steps, so that nothing is compiled twice.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$ROOT/target}
# What a failed step leaves behind for a person to read.
# shellcheck disable=SC2034 # used by what sources this
ARTEFACTS=${CAMPANILE_CI_ARTEFACTS:-$CARGO_TARGET_DIR/ci-artefacts}
export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-never}

# A shell that was not started at a login may not know of rustup's programs.
if ! command -v cargo >/dev/null && [[ -e $HOME/.cargo/env ]]; then
    # shellcheck source=/dev/null
    source "$HOME/.cargo/env"
fi

mkdir -p "$CACHE"
CACHE=$(cd "$CACHE" && pwd)
cd "$ROOT"

say() { printf '%s: %s\n' "$(basename "$0" .sh)" "$*"; }

die() {
    printf '%s: %s\n' "$(basename "$0" .sh)" "$*" >&2
    exit 1
}

# explain: what the head of this script says of it.
explain() { sed -n '2,/^$/s/^# \{0,1\}//p' "$SCRIPT"; }

# help_if_asked ARGUMENT...: explains for --help, and that is all then.
help_if_asked() {
    case ${1:-} in -h | --help)
        explain
        exit
        ;;
    esac
}

# no_arguments ARGUMENT...: for a script that takes none.
no_arguments() {
    help_if_asked "$@"
    (($#)) || return 0
    printf '%s: takes no arguments, and got: %s\n' "$(basename "$0" .sh)" "$*" >&2
    exit 2
}

# listens PORT: somebody does.
listens() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# free_port: a TCP port of the loopback that nobody listens on now. The caller takes it at once; a
# listener that loses the race says so when it starts.
free_port() {
    local port
    while :; do
        port=$((20000 + RANDOM % 12000)) # below those that the system gives away
        if ! (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            echo "$port"
            return
        fi
    done
}

# wait_for SECONDS COMMAND...: until the command succeeds; fails when the time is up.
wait_for() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < end)) || return 1
        sleep 0.05
    done
}

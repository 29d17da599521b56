# shellcheck shell=bash
# A second Rust compiler, from Debian's security archive, for targets that the pinned toolchain has
# no libraries for: it comes with the source of core, with std for the other architecture and with clippy. Nothing is
# installed.

# shellcheck source=ci/lib/debian.sh
source "$(dirname "${BASH_SOURCE[0]}")/debian.sh"

# cross_rust: from here on cargo compiles with that compiler, into a target directory of its own (the
# pinned compiler's would be thrown away whole at every change of compiler).
cross_rust() {
    command -v cargo >/dev/null || die "cargo is missing: install Rust with rustup, then run this again"
    need gcc libc6-dev
    refresh_lists
    local llvm
    llvm=$(closure rustc-web | grep -oE '^libllvm[0-9]+' | head -n 1)
    UNPACK_EXCLUDE=(
        --exclude='./usr/src/rustc-*/compiler' --exclude='./usr/src/rustc-*/src' --exclude='./usr/src/rustc-*/debian'
    )
    unpack rust rustc-web libstd-rust-web-dev "libstd-rust-web-dev:$FOREIGN" rust-web-src rust-web-clippy \
        "lld-${llvm#libllvm}"
    UNPACK_EXCLUDE=()
    # rustc looks for its linker of bare-metal targets under the name rust-lld, and cargo for the clippy of this compiler.
    expose "$UNPACKED" usr/bin/{rustc,cargo-clippy} "rust-lld=usr/lib/llvm-${llvm#libllvm}/bin/lld"
    export PATH=$UNPACKED/bin:$PATH RUSTC=$UNPACKED/bin/rustc
    export CARGO_TARGET_DIR=$CARGO_TARGET_DIR/cross
}

# How cargo builds what a microcontroller runs.
# shellcheck disable=SC2034 # used by what sources this
SMALL=(--quiet --release --locked --config firmware/flash.toml)

# target_of TARGET: our own description of it, where there is one.
target_of() {
    local own=firmware/$1.json
    if [[ -e $own ]]; then echo "$own"; else echo "$1"; fi
}

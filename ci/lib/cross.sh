# shellcheck shell=bash
# The release daemon for another architecture's Debian.

# shellcheck source=ci/lib/rust.sh
source "$(dirname "${BASH_SOURCE[0]}")/rust.sh"

# cross_campanile arm64|armhf: builds it, with FOREIGN set to the same; sets TARGET, BINARY, STRIP and what `emulate` needs.
# What is built already is built in no time.
# shellcheck disable=SC2034 # used by what sources this
cross_campanile() {
    local triple variable
    case $1 in
        arm64)
            TARGET=aarch64-unknown-linux-gnu
            triple=aarch64-linux-gnu
            EMULATOR=qemu-aarch64-static
            ;;
        armhf) # as Debian means it: ARMv7 with a floating point unit
            TARGET=armv7-unknown-linux-gnueabihf
            triple=arm-linux-gnueabihf
            EMULATOR=qemu-arm-static
            ;;
        *) die "nothing is built for '$1'" ;;
    esac
    [[ $FOREIGN == "$1" ]] || die "FOREIGN is $FOREIGN and not $1"
    cross_rust
    # The C compiler is for the linker and for ring's assembly.
    unpack "gcc-${triple%%-*}" "gcc-$triple" "libc6-dev-$1-cross"
    CC_PREFIX=$UNPACKED
    LIBRARIES=$CC_PREFIX/usr/$triple
    # The linker scripts among the libraries name their parts from the root; without the path they are
    # looked for beside the script.
    grep -lI 'GNU ld script' "$CC_PREFIX/usr/$triple"/lib/*.so | xargs sed -i "s|/usr/$triple/lib/||g"
    expose "$CC_PREFIX" usr/bin/"$triple"-{gcc,ar,as,ld,strip}
    export PATH=$CC_PREFIX/bin:$PATH
    variable=${TARGET//-/_}
    export "CARGO_TARGET_${variable^^}_LINKER=$triple-gcc" "CC_$variable=$triple-gcc" "AR_$variable=$triple-ar"
    STRIP=$triple-strip
    # What only a debugger reads does not go along, and takes its time to make.
    export CARGO_PROFILE_RELEASE_DEBUG=none
    say "campanile for $TARGET"
    cargo build --quiet --release --locked --target "$TARGET" -p campanile
    BINARY=$CARGO_TARGET_DIR/$TARGET/release/campanile
}

# emulate ARGUMENT...: what cross_campanile built, on an emulated processor of its kind.
emulate() {
    if [[ ! ${QEMU_USER:-} ]]; then
        unpack qemu-user qemu-user-static
        expose "$UNPACKED" "usr/bin/$EMULATOR"
        QEMU_USER=$UNPACKED/bin/$EMULATOR
    fi
    timeout 120 "$QEMU_USER" -L "$LIBRARIES" "$BINARY" "$@" </dev/null
}

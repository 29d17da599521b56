#!/usr/bin/env bash
# The Debian package for one architecture, from the release daemon, held against lintian: no error of any kind.
#
#   ci/deb.sh amd64      the package of this machine; the file is in target/debian
#   ci/deb.sh arm64      for a Pi with a 64-bit system
#   ci/deb.sh armhf      for a Pi 2 or later with a 32-bit system (ARMv7; a Pi 1 and a Zero are ARMv6);
#                        no step of CI, as it builds everything once more

case ${1:-} in
    arm64 | armhf) FOREIGN=$1 ;;
esac
# shellcheck source=ci/lib/cross.sh
source "$(dirname "$0")/lib/cross.sh"
help_if_asked "$@"

ARCHITECTURE=${1:-}
CARGO_DEB=3.8.0

# cargo_deb ARGUMENT...: the one of this version, built once; without optimisation, as it has little to do.
cargo_deb() {
    local folder=$CACHE/cargo-deb-$CARGO_DEB
    if [[ ! -e $folder/bin/cargo-deb ]]; then
        say "building cargo-deb $CARGO_DEB"
        CARGO_TARGET_DIR=$folder/build cargo install --quiet --debug --locked --root "$folder" --version "$CARGO_DEB" cargo-deb
        rm -rf "$folder/build"
    fi
    "$folder/bin/cargo-deb" "$@"
}

case $ARCHITECTURE in
    amd64 | arm64 | armhf) ;;
    *)
        echo "deb: takes amd64, arm64 or armhf" >&2
        exit 2
        ;;
esac
# Before another compiler takes the place of the pinned one.
cargo build --quiet --locked --release
HERE=$CARGO_TARGET_DIR/release/campanile
OUT=$CARGO_TARGET_DIR/debian
if [[ $ARCHITECTURE == amd64 ]]; then
    BINARY=$HERE
    STRIP='strip'
    options=()
else
    cross_campanile "$ARCHITECTURE"
    emulate --version
    options=(--target "$TARGET")
fi

need binutils lintian xz-utils

# The program, and what it writes of itself; for that no processor but this one is needed.
PARTS=${BINARY%/*}/package
rm -rf "$PARTS"
mkdir -p "$PARTS"
"$STRIP" -o "$PARTS/campanile" "$BINARY"
"$HERE" man | gzip -9n >"$PARTS/campanile.1.gz"
for shell in bash zsh fish; do
    "$HERE" completions "$shell" >"$PARTS/campanile.$shell"
done
version=$("$HERE" --version | cut -d' ' -f2)
gzip -9n >"$PARTS/changelog.Debian.gz" <<END
campanile ($version-1) unstable; urgency=medium

  * What is new is in changelog.gz beside this file.

 -- Campanile <maintainers@campanile.example>  $(git log -1 --format=%cD 2>/dev/null || date -R)
END

mkdir -p "$OUT"
DEB=$OUT/campanile_${version}-1_$ARCHITECTURE.deb
rm -f "$DEB"
# Its own compression would take a minute, as it is built without optimisation.
(cd linux-host && cargo_deb --quiet --no-build --no-dbgsym --no-strip --compress-system "${options[@]}" --output "$DEB")

# The package says which C library it needs; the program must not need a later one.
said=$(dpkg-deb -f "$DEB" Depends | sed -n 's/.*libc6 (>= \([0-9.]*\)).*/\1/p')
needs=$(readelf --version-info "$BINARY" | grep -oE 'GLIBC_[0-9.]+' | cut -d_ -f2 | sort -uV | tail -n 1)
dpkg --compare-versions "$needs" le "$said" || die "the program needs libc6 $needs, and the package says $said"
is=$(dpkg-deb -f "$DEB" Architecture)
[[ $is == "$ARCHITECTURE" ]] || die "the package is for $is"

lintian --allow-root --fail-on error "$DEB" || die "lintian finds errors in $DEB"
say "$DEB: $(stat -c %s "$DEB") bytes, needs libc6 $needs"

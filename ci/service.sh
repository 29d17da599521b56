#!/usr/bin/env bash
# The service as an owner has it: the unit held against systemd's own checks, and the Debian package and
# `campanile install` on a Debian with systemd and the kernel's GPIO simulator, in a virtual machine.
#
# Proves: the package waits for a house and says so; the service reaches its pins under its sandbox, with
# real-time priority; a wrong house is an error in systemd's journal; one that hangs is started anew by
# the watchdog; remove keeps the house and its journal, purge leaves nothing; the program installs and
# removes itself just so, also broken off half way and beside the package; a tunnel holds its port and may do nothing else.
# What went wrong is left in target/ci-artefacts/service.

# shellcheck source=ci/lib/vm.sh
source "$(dirname "$0")/lib/vm.sh"
# shellcheck source=ci/lib/root.sh
source "$(dirname "$0")/lib/root.sh"
no_arguments "$@"

OUT=$ARTEFACTS/service
rm -rf "$OUT"
mkdir -p "$OUT"
trap 'rm -rf "$OUT/root"' EXIT

ci/deb.sh amd64
version=$("$CARGO_TARGET_DIR/release/campanile" --version | cut -d' ' -f2)
deb=$CARGO_TARGET_DIR/debian/campanile_$version-1_amd64.deb

qemu_x86
kernel
debian_root "$OUT/root"
vm_modules "$OUT/root"
cp "$deb" "$OUT/root/campanile.deb"
# As it is in the package, without what only a debugger reads.
install -D "$CARGO_TARGET_DIR/release/package/campanile" "$OUT/root/usr/local/src/campanile"
cp ci/guest/service.toml "$OUT/root/house.toml"
cp ci/guest/service.sh "$OUT/root/check"
install -m 755 ci/guest/service.init "$OUT/root/init"
say "booting a Debian with systemd"
if ! (VM_SECONDS=1800 VM_MEMORY=1024 vm_run "$OUT/root" "$OUT"); then
    cat "$OUT/result.log"
    tail -n 20 "$OUT/console.log"
    exit 1
fi
tr -d '\r' <"$OUT/result.log"

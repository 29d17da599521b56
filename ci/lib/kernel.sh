# shellcheck shell=bash
# A Debian kernel with the kernel's own GPIO simulator, and QEMU to boot it.

# shellcheck source=ci/lib/debian.sh
source "$(dirname "${BASH_SOURCE[0]}")/debian.sh"

# kernel: sets KERNEL to a folder with `vmlinux` and `modules/` (the modules to load, with a list
# `order`), made from Debian's packages and kept for as long as the kernel's version stands.
kernel() {
    refresh_lists
    local image version
    image=$(depends_on linux-image-amd64 '^linux-image-')
    version=${image#linux-image-}
    KERNEL=$CACHE/kernel-$version-$(version_of "$image")
    [[ -e $KERNEL/.complete ]] && return
    need gcc-12 make kmod xz-utils binutils libelf1
    local source
    source=$(depends_on linux-source '^linux-source-')
    unpack kernel-image --only "$image"
    local image_root=$UNPACKED
    unpack kernel-headers "linux-headers-$version"
    local headers_root=$UNPACKED
    unpack kernel-source --only "$source"
    local source_root=$UNPACKED
    say "building gpio-sim for $version"
    rm -rf "$KERNEL"
    mkdir -p "$KERNEL/modules" "$KERNEL/build"
    extract_vmlinux "$image_root/boot/vmlinuz-$version" "$KERNEL/vmlinux"
    build_gpio_sim "$source_root/usr/src/$source.tar.xz" "$headers_root" "$version"
    collect_modules "$image_root" "$version"
    rm -rf "$KERNEL/build" "$source_root" "$headers_root" "$image_root"
    touch "$KERNEL/.complete"
}

# The uncompressed kernel boots three times as fast as the compressed one under emulation. It is the
# first xz stream of the file that decompresses to an ELF file.
extract_vmlinux() {
    local offsets offset
    mapfile -t offsets < <(LC_ALL=C grep -obUaP '\xfd7zXZ\x00' "$1" | cut -d: -f1)
    for offset in "${offsets[@]}"; do
        # xz complains about what follows the stream; what it gave until then tells whether it was the kernel.
        tail -c "+$((offset + 1))" "$1" | xz -dc 2>/dev/null >"$2" || true
        [[ $(head -c 4 "$2" | tail -c 3) == ELF ]] && return
    done
    die "no xz stream with a kernel in $1"
}

# Debian does not ship gpio-sim: it is built out of the tree, together with irq_sim, which it needs and
# which is no module of its own.
build_gpio_sim() {
    local archive=$1 headers_root=$2 version=$3 tree build=$KERNEL/build log=$KERNEL/build/log
    tree=$(basename "$archive" .tar.xz)
    tar -xJf "$archive" -C "$build" "$tree/drivers/gpio/gpio-sim.c" "$tree/drivers/gpio/gpiolib.h" "$tree/kernel/irq/irq_sim.c"
    mv "$build/$tree"/*/gpio/* "$build/$tree/kernel/irq/irq_sim.c" "$build"
    # irq_to_desc is not exported to modules.
    sed -i 's/handle_simple_irq(irq_to_desc(\(.*\)));/generic_handle_irq(\1);/' "$build/irq_sim.c"
    printf '#include <linux/module.h>\nMODULE_LICENSE("GPL");\n' >>"$build/irq_sim.c"
    echo 'obj-m := irq_sim.o gpio-sim.o' >"$build/Makefile"
    # The headers name each other, and kbuild, from the root.
    local headers=$headers_root/usr/src/linux-headers-$version
    sed -i "s|/usr/src/|$headers_root/usr/src/|g; s|/usr/lib/linux-kbuild|$headers_root/usr/lib/linux-kbuild|g" "$headers/Makefile"
    make -C "$headers" "M=$build" modules >"$log" 2>&1 || {
        tail -n 20 "$log" >&2
        die "gpio-sim does not build for $version"
    }
    strip --strip-debug "$build"/*.ko
}

# The modules in the order in which the guest loads them: network, then GPIO.
collect_modules() {
    local root=$1 version=$2 path
    depmod -b "$root" "$version"
    {
        modprobe -d "$root" -S "$version" -D virtio_pci
        modprobe -d "$root" -S "$version" -D virtio_net
        modprobe -d "$root" -S "$version" -D configfs
    } | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++' | while read -r path; do
        cp "$path" "$KERNEL/modules/"
        basename "$path"
    done >"$KERNEL/modules/order"
    cp "$KERNEL"/build/{irq_sim,gpio-sim}.ko "$KERNEL/modules/"
    printf 'irq_sim.ko\ngpio-sim.ko\n' >>"$KERNEL/modules/order"
}

# qemu_x86: sets QEMU to the command that starts an emulated PC.
qemu_x86() {
    unpack qemu-x86 qemu-system-x86 seabios
    expose "$UNPACKED" usr/bin/qemu-system-x86_64
    QEMU=("$UNPACKED/bin/qemu-system-x86_64" -L "$UNPACKED/usr/share/qemu" -L "$UNPACKED/usr/share/seabios")
}

# shellcheck shell=bash
# A virtual machine whose one task is a script: it boots, runs it, tells its exit status and is gone.

# shellcheck source=ci/lib/kernel.sh
source "$(dirname "${BASH_SOURCE[0]}")/kernel.sh"

VM_SECONDS=${VM_SECONDS:-900}
VM_MEMORY=${VM_MEMORY:-256}

# vm_root FOLDER: fills a new folder with a root for the guest: busybox, the kernel's modules and
# `ci/guest/init`, which runs `/check` and reports.
vm_root() {
    local root=$1 busybox
    unpack busybox --only busybox-static
    busybox=$UNPACKED/bin/busybox
    mkdir -p "$root"/{bin,lib/modules,proc,sys,dev,etc,tmp,var}
    # The kernel unpacks the modes as well: a root that only root may enter locks everyone else out.
    chmod 755 "$root"
    cp "$busybox" "$root/bin/busybox"
    local applet
    for applet in $("$busybox" --list); do
        [[ -e $root/bin/$applet ]] || ln -s busybox "$root/bin/$applet"
    done
    rm "$root/bin/init" # were our own not found, the kernel must panic rather than wait in this one
    vm_modules "$root"
    cp ci/guest/init "$root/init"
    printf 'root:x:0:0:root:/:/bin/sh\nguest:x:1000:1000:guest:/:/bin/sh\n' >"$root/etc/passwd"
    printf 'root:x:0:\ngpio:x:997:guest\nguest:x:1000:\n' >"$root/etc/group"
}

# vm_modules ROOT: the kernel's modules, with the list `order`.
vm_modules() {
    mkdir -p "$1/lib/modules"
    cp "$KERNEL"/modules/* "$1/lib/modules/"
}

# vm_program ROOT BINARY: puts a program into the guest with the libraries that it is linked to, and without what only a
# debugger reads: the guest has its root in memory.
vm_program() {
    local root=$1 binary=$2 library
    mkdir -p "$root/bin"
    strip --strip-debug -o "$root/bin/$(basename "$binary")" "$binary"
    for library in $(ldd "$binary" | grep -oE '/[^ ]+'); do
        install -D -m 755 "$library" "$root$library"
    done
}

# vm_run ROOT FOLDER: boots the guest. Console and result are left in the folder, as console.log and
# result.log; fails unless the guest's check came to its end and succeeded.
vm_run() {
    local root=$1 folder=$2 status=0
    need cpio
    (cd "$root" && find . | cpio -o -H newc --quiet) >"$folder/root.cpio"
    timeout "$VM_SECONDS" "${QEMU[@]}" -accel tcg -machine q35 -cpu max -smp 1 -m "$VM_MEMORY" \
        -nodefaults -no-user-config -display none -no-reboot \
        -kernel "$KERNEL/vmlinux" -initrd "$folder/root.cpio" \
        -append "console=ttyS0 panic=-1 quiet nokaslr mitigations=off tsc=reliable" \
        -serial "file:$folder/console.log" -serial "file:$folder/result.log" \
        -netdev user,id=n0 -device virtio-net-pci,netdev=n0,romfile= \
        -device isa-debug-exit,iobase=0xf4,iosize=1 </dev/null >"$folder/qemu.log" 2>&1 || status=$?
    rm -f "$folder/root.cpio"
    # The guest leaves with 1 on success; a kernel panic leaves with 0 and a dead emulator with
    # anything, so the last line of the result must agree.
    case $status in
        1) ;;
        124) die "the guest was not done after $VM_SECONDS s" ;;
        *) die "the guest failed (the emulator left with $status)" ;;
    esac
    [[ $(tail -n 1 "$folder/result.log" | tr -d '\r') == "guest: done 0" ]] ||
        die "the guest left without saying that its check succeeded"
}

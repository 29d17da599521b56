# shellcheck shell=bash
# A small Debian with systemd, for the virtual machine.

# shellcheck source=ci/lib/debian.sh
source "$(dirname "${BASH_SOURCE[0]}")/debian.sh"

ROOT_PACKAGES=systemd,systemd-sysv,udev,adduser,kmod,openssh-server,openssh-client

# debian_root FOLDER: fills a new folder with it; what it was made from is kept for as long as systemd's version stands.
debian_root() {
    local folder=$1 archive
    # What it says when it reads the lists would get into the archive's name.
    refresh_lists
    archive=$CACHE/root-$(version_of systemd)-$(sha256sum <<<"$ROOT_PACKAGES" | cut -c1-12).tar
    if [[ ! -e $archive ]]; then
        need mmdebstrap
        say "making a small Debian"
        # From the machine's own sources; a mirror may be all that it reaches.
        local sources=()
        mapfile -t sources < <(find /etc/apt/sources.list /etc/apt/sources.list.d -name '*.list' -o -name '*.sources' 2>/dev/null)
        mmdebstrap --quiet --variant=minbase --include="$ROOT_PACKAGES" \
            --aptopt='APT::Install-Recommends "false"' \
            --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
            --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/zoneinfo/*' \
            bookworm "${archive%.tar}.new.tar" "${sources[@]}" >"$CACHE/root.log" 2>&1 || {
            tail -n 20 "$CACHE/root.log" >&2
            die "mmdebstrap failed"
        }
        mv "${archive%.tar}.new.tar" "$archive"
    fi
    mkdir -p "$folder"
    # What the guest does not need: it is all unpacked into memory, by an emulated processor.
    tar -xf "$archive" -C "$folder" --exclude='./dev/*' --exclude='./var/cache/apt/*' --exclude='./var/lib/apt/lists/*' \
        --exclude='./usr/share/perl' --exclude='./usr/lib/*/perl/*/CORE' --exclude='./usr/lib/*/perl/*/auto/Encode/*' \
        --exclude='./usr/lib/*/perl/*/auto/Unicode' --exclude='./usr/lib/*/gconv' --exclude='./usr/lib/udev/hwdb*' \
        --exclude='./usr/share/zoneinfo'
    chmod 755 "$folder"
}

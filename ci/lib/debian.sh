# shellcheck shell=bash
# Debian packages, in two ways.
#
# `need` installs everyday tools on the machine. `unpack` puts a package and all that it depends on
# into a folder of the cache and touches nothing else: for what would get in the way of the machine's
# own packages (QEMU would remove a newer qemu-utils, mosquitto would start a service, a second rustc
# would shadow the first). `unpack` has package lists of its own and needs no root.

# shellcheck source=ci/lib/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# The other architecture that we build for: set before this is sourced, or arm64.
FOREIGN=${FOREIGN:-arm64}
APT_STATE=$CACHE/apt
[[ $FOREIGN == arm64 ]] || APT_STATE=$CACHE/apt-$FOREIGN
LISTS_MAX_AGE_MINUTES=1440

# need PACKAGE...: on the machine from now on, or the script ends and names what is missing.
need() {
    local package missing=()
    for package; do
        if ! dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed; then
            missing+=("$package")
        fi
    done
    ((${#missing[@]})) || return 0
    if ((EUID)) || ! command -v apt-get >/dev/null; then
        die "these packages are missing; install them, then run this again:
    sudo apt-get install --no-install-recommends ${missing[*]}"
    fi
    say "installing ${missing[*]}"
    local log=$CACHE/need.log
    # Lists that are too old to find a package are refreshed once; a foreign archive among the
    # machine's sources that does not answer is no reason to stop.
    if ! install_quietly "${missing[@]}" >"$log" 2>&1; then
        apt-get -q update >>"$log" 2>&1 || true
        install_quietly "${missing[@]}" >>"$log" 2>&1 || {
            tail -n 20 "$log" >&2
            die "apt-get could not install: ${missing[*]}"
        }
    fi
}

install_quietly() {
    DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 \
        install --no-install-recommends "$@" </dev/null
}

# The options that turn apt into one with lists of its own, on an empty machine, for this
# architecture and the other one.
apt_options=(
    -q
    -o "Dir::State=$APT_STATE"
    -o "Dir::State::lists=$APT_STATE/lists"
    -o "Dir::State::status=$APT_STATE/status"
    -o "Dir::Cache=$APT_STATE/cache"
    -o APT::Architecture=amd64
    -o APT::Architectures::=amd64
    -o "APT::Architectures::=$FOREIGN"
    -o APT::Sandbox::User=
    -o Acquire::Languages=none
    -o APT::Install-Recommends=false
)

refresh_lists() {
    command -v apt-get >/dev/null || die "this needs Debian's apt-get to fetch packages (no root is needed)"
    [[ $(dpkg --print-architecture) == amd64 ]] || die "these checks run on x86-64 only"
    mkdir -p "$APT_STATE/lists/partial" "$APT_STATE/cache/archives/partial"
    : >"$APT_STATE/status"
    local stamp=$APT_STATE/refreshed
    [[ -n $(find "$stamp" -mmin "-$LISTS_MAX_AGE_MINUTES" 2>/dev/null) ]] && return
    say "reading Debian's package lists"
    local pause
    for pause in 5 20 0; do
        if apt-get "${apt_options[@]}" update >"$APT_STATE/update.log" 2>&1; then
            touch "$stamp"
            return
        fi
        sleep "$pause"
    done
    # Old lists serve without a network, and the others where one is missing: a mirror that is just taking over a new state
    # has lists that do not fit their sums. What cannot be found for that is said where it is looked for.
    if ! compgen -G "$APT_STATE/lists/*_Packages*" >/dev/null; then
        cat "$APT_STATE/update.log" >&2
        die "Debian's package lists cannot be read: is there a network?"
    fi
    say "not all of Debian's package lists could be read: $(grep -m 1 '^E: Failed' "$APT_STATE/update.log" || echo 'no reason given')"
    touch -d '-23 hours' "$stamp" # to be asked again in an hour
}

# closure PACKAGE...: lines of `name[:arch] version`, the packages and all that they depend on.
closure() {
    apt-get "${apt_options[@]}" -s install "$@" 2>"$APT_STATE/resolve.log" |
        sed -n 's/^Inst \([^ ]*\) (\([^ ]*\) .*/\1 \2/p'
}

# version_of PACKAGE: the version that would be fetched.
version_of() {
    refresh_lists
    apt-cache "${apt_options[@]}" policy "$1" | sed -n 's/^  Candidate: //p'
}

# depends_on PACKAGE PATTERN: the names among the direct dependencies of PACKAGE that match, for
# names with a version in them, which move with the archive.
depends_on() {
    refresh_lists
    apt-cache "${apt_options[@]}" depends --important "$1" |
        sed -n 's/^ *|\{0,1\}Depends: //p' | grep -E -- "$2" | head -n 1
}

# What is not worth a private copy: the C library would have to match the machine's loader, the
# machine has a C compiler of its own (`need gcc`), and the rest is never loaded.
is_base() {
    case $1 in
        libc6 | libgcc-s1 | gcc-12-base | gcc | gcc-12 | cpp | cpp-12 | libgcc-12-dev) true ;;
        libc6-dev | libc-dev-bin | linux-libc-dev | binutils | binutils-x86-64-linux-gnu) true ;;
        lib[alt]san* | libubsan1 | libcrypt-dev | libnsl-dev | libtirpc-dev) true ;;
        libstd-rust-web-dev:"$FOREIGN") false ;; # the one thing that we link for the other architecture
        *:"$FOREIGN") true ;;
        debconf | adduser | passwd | udev | initramfs-tools* | libpam* | iso-codes) true ;;
        *) false ;;
    esac
}

# unpack NAME [--only] PACKAGE...: sets UNPACKED to the folder that holds the packages and, without
# --only, their dependencies. The folder's name carries a hash of all versions.
unpack() {
    local name=$1 only=
    shift
    if [[ $1 == --only ]]; then
        only=yes
        shift
    fi
    refresh_lists
    # Two scripts at once: the second waits and then finds what the first has fetched.
    exec 9>"$APT_STATE/lock"
    flock 9
    local wanted
    if [[ $only ]]; then
        wanted=$(for package; do echo "$package $(version_of "$package")"; done)
    else
        # What cannot be resolved is said below, with its reason.
        wanted=$(closure "$@" | while read -r package version; do
            is_base "$package" || echo "$package $version"
        done) || true
    fi
    [[ $wanted ]] || {
        cat "$APT_STATE/resolve.log" >&2
        die "Debian's archive has no $*: is this Debian 12 with the security archive in its sources?"
    }
    local key
    key=$(sha256sum <<<"$wanted" | cut -c1-12)
    UNPACKED=$CACHE/$name-$key
    if [[ -e $UNPACKED/.complete ]]; then
        exec 9>&-
        return
    fi
    say "fetching $name ($(wc -l <<<"$wanted") packages)"
    rm -rf "$UNPACKED"
    mkdir -p "$UNPACKED/debs"
    local list=()
    mapfile -t list < <(tr ' ' '=' <<<"$wanted")
    (cd "$UNPACKED/debs" && apt-get "${apt_options[@]}" -o Acquire::Retries=3 download "${list[@]}") >"$APT_STATE/download.log" 2>&1 || {
        tail -n 20 "$APT_STATE/download.log" >&2
        rm -f "$APT_STATE/refreshed" # perhaps the lists are older than the archive
        die "could not fetch $name"
    }
    local deb
    for deb in "$UNPACKED"/debs/*.deb; do
        dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$UNPACKED" --no-wildcards-match-slash \
            --exclude='./usr/share/doc*' --exclude='./usr/share/man' --exclude='./usr/share/locale' \
            --exclude='./usr/share/iso-codes' "${UNPACK_EXCLUDE[@]}"
    done
    rm -rf "$UNPACKED/debs"
    touch "$UNPACKED/.complete"
    exec 9>&-
}
# More patterns for tar to leave out, set by callers that want a part of a large package.
UNPACK_EXCLUDE=()

# expose FOLDER [NAME=]PROGRAM...: a `bin/` in the folder with starters for these programs of it, which
# find the libraries beside them.
expose() {
    local folder=$1 program
    shift
    mkdir -p "$folder/bin"
    for program; do
        local starter=${program%%=*}
        program=${program#*=}
        starter=$folder/bin/${starter##*/}
        cat >"$starter" <<END
#!/bin/sh
d=\$(dirname "\$(dirname "\$(readlink -f "\$0")")")
export LD_LIBRARY_PATH="\$d/usr/lib/x86_64-linux-gnu:\$d/lib/x86_64-linux-gnu"
exec "\$d/$program" "\$@"
END
        chmod +x "$starter"
    done
}

#!/bin/sh
# The service on a Debian with systemd and the kernel's GPIO simulator: run in the guest as a service of
# its own, with the Debian package and the program beside it. Goes on as long as all is as it should be.

export PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin NO_COLOR=1 SYSTEMD_PAGER='' SYSTEMD_COLORS=0
HOUSE=/etc/campanile/house.toml
EVENTS=/var/log/campanile/events.jsonl
# How much the services may at the most, as `systemd-analyze security` counts it, in tenths: from 0 to 100. The README says so.
EXPOSURE=21
TUNNEL_EXPOSURE=14

fail() {
    echo "FAILED: $*"
    echo "--- the service's log:"
    journalctl -u campanile -u campanile-tunnel -u ssh -o short-monotonic --no-hostname | tail -n 40
    systemctl status campanile --no-pager | head -n 20
    exit 1
}

trap 'fail "not done in time"' TERM

step() { echo "$(cut -d' ' -f1 /proc/uptime) s: $*"; }

seconds() { cut -d. -f1 /proc/uptime; }

# until_so SECONDS COMMAND...: until it succeeds.
until_so() {
    end=$(($(seconds) + $1))
    shift
    until "$@" >/tmp/tried 2>&1; do
        [ "$(seconds)" -lt $end ] || fail "never so: $* ($(cat /tmp/tried))"
        sleep 0.1
    done
}

property() { systemctl show campanile -p "$1" --value; }

is_active() { [ "$(property ActiveState)" = active ]; }

# --- the board

BANK=/sys/kernel/config/gpio-sim/gate/bank0
until_so 60 test -d /sys/kernel/config/gpio-sim
mkdir "${BANK%/*}" $BANK $BANK/line0 $BANK/line1
echo 8 >$BANK/num_lines
echo BUTTON >$BANK/line0/name
echo RELAY >$BANK/line1/name
echo 1 >"${BANK%/*}/live"
LINES=/sys/devices/platform/$(cat "${BANK%/*}/dev_name")/$(cat $BANK/chip_name)

pull() { echo "pull-$1" >"$LINES/sim_gpio0/pull"; }
relay_is() { [ "$(cat "$LINES/sim_gpio1/value")" = "$1" ]; }

# press: the whole way, from the pin through the sandbox to the pin.
press() {
    pull up
    until_so 60 relay_is 1
    pull down
    until_so 60 relay_is 0
}

# works PROGRAM: the service, started with a house, does what it should and may do nothing else.
works() {
    hash -r
    until_so 60 is_active
    pid=$(property MainPID)
    [ "$(stat -c %U "/proc/$pid")" = campanile ] || fail "it runs as $(stat -c %U "/proc/$pid")"
    [ "$(readlink "/proc/$pid/exe")" = "$1" ] || fail "it is $(readlink "/proc/$pid/exe") and not $1"
    press
    until_so 60 grep -q '"topic":"campanile/gate/input/button"' $EVENTS
    campanile status >/tmp/status || fail "no status: $(cat /tmp/status)"
    campanile status --json | grep -q '"realtime":true' || fail "no real-time priority: $(cat /tmp/status)"
    [ "$(stat -c '%U %a' /var/lib/campanile)" = "campanile 750" ] || fail "the state is open to others"
    step "a press went through the sandbox"
}

# synchronise: tells the kernel that the clock is right, as a time service does with adjtimex; by the call's number, as there
# is no program for it here.
# shellcheck disable=SC2016 # perl's own variables
synchronise() { perl -e '$t = pack("Lx4q4lx4x160", 0x1c, 0, 0, 0, 0, 1); exit(syscall(159, $t) < 0)'; }

is_trusted() { campanile status --json | grep -q "\"trusted\":$1"; }

# hangs: what a service that starts anew finds is also whether the clock is right by now.
hangs() {
    is_trusted false || fail "nobody has set the clock: $(campanile status)"
    synchronise || fail "the kernel does not take what a time service says"
    pid=$(property MainPID)
    kill -STOP "$pid"
    # The process first: between two questions the old one may end, and a press while nobody watches is none.
    is_another() { now=$(property MainPID) && [ "$now" != 0 ] && [ "$now" != "$pid" ] && is_active; }
    until_so 120 is_another
    journalctl -u campanile -o cat | grep -qi 'watchdog timeout' || fail "not the watchdog ended it"
    press
    step "it hung, and was started anew by the watchdog"
    is_trusted true || fail "under the sandbox it does not see that the clock is synchronised: $(campanile status)"
    step "and it sees under its sandbox that the clock is synchronised by now"
}

# may_do UNIT TENTHS: systemd finds nothing wrong with the unit, and it may do no more than that.
may_do() {
    systemd-analyze verify --man=no "$1.service" >/tmp/verify 2>&1 || fail "verify: $(cat /tmp/verify)"
    [ ! -s /tmp/verify ] || fail "verify: $(cat /tmp/verify)"
    systemd-analyze security --threshold="$2" "$1" >/tmp/security 2>&1 || fail "it may too much: $(grep -v '✓' /tmp/security)"
    tail -n 1 /tmp/security
}

said_wrong() { journalctl -u campanile -p err -o cat | grep -q 'did you mean .debounce.?'; }

reloads() {
    sed -i 's/^debounce/deboune/' $HOUSE
    systemctl reload campanile 2>/dev/null && fail "a wrong house was reloaded"
    until_so 60 said_wrong
    journalctl -u campanile -p warning -o cat | grep -q 'watched after' && fail "a mere report is a warning"
    sed -i 's/^deboune/debounce/' $HOUSE
    systemctl reload campanile || fail "a right house was not reloaded"
    press
    step "a wrong house is refused with its reason as an error in the journal, a right one taken"
}

# tries_the_sink: `sink test` beside the service, as its user.
tries_the_sink() {
    campanile sink test record >/tmp/trial 2>&1 || fail "the sink fails: $(cat /tmp/trial)"
    grep -q '^acknowledged ' /tmp/trial || fail "no acknowledgement: $(cat /tmp/trial)"
    grep -q 'daemon.s own is connected' /tmp/trial || fail "the daemon was not seen: $(cat /tmp/trial)"
    tail -n 3 $EVENTS | grep -q '"topic":"campanile/gate/message/test"' || fail "no message: $(tail -n 3 $EVENTS)"
    [ "$(stat -c %U $EVENTS)" = campanile ] || fail "the file is $(stat -c %U $EVENTS)'s now"
    campanile sink test recrod >/tmp/trial 2>&1 && fail "there is no such sink"
    grep -q 'did you mean record?' /tmp/trial || fail "not helpful: $(cat /tmp/trial)"
    step "a message went through the sink beside the daemon"
}

# --- the tunnel, to this machine itself as the server

TUNNEL_KEY=/var/lib/campanile-tunnel/id_ed25519

is_known() { ssh-keyscan -t ed25519 localhost 2>/dev/null >/tmp/known && [ -s /tmp/known ]; }
listens() { ssh-keyscan -T 30 -t ed25519 -p 60000 localhost 2>/dev/null | cut -d' ' -f2- | grep -qxF "$host_key"; }

# as_tunnel OPTION...: a login with the tunnel's key, which the server should refuse.
as_tunnel() { ssh -F none -o BatchMode=yes -o UserKnownHostsFile=/tmp/known -i $TUNNEL_KEY "$@"; }

tunnels() {
    # What it does by default besides is against computers to come, and takes an emulated one seconds.
    echo 'KexAlgorithms curve25519-sha256' >/etc/ssh/sshd_config.d/quick.conf
    systemctl start ssh || fail "no sshd"
    until_so 60 is_known
    host_key=$(cut -d' ' -f2- /tmp/known)
    campanile tunnel anna@localhost --install >/tmp/tunnel 2>&1 && fail "a tunnel to a stranger: $(cat /tmp/tunnel)"
    grep -q 'log in once' /tmp/tunnel || fail "not helpful: $(cat /tmp/tunnel)"
    useradd --create-home anna
    campanile tunnel anna@localhost --install --known-hosts /tmp/known >/tmp/tunnel 2>&1 || fail "tunnel: $(cat /tmp/tunnel)"
    may_do campanile-tunnel $TUNNEL_EXPOSURE
    [ "$(stat -c '%U %a' $TUNNEL_KEY)" = "campanile-tunnel 600" ] || fail "the key is open: $(stat -c '%U %a' $TUNNEL_KEY)"
    listens && fail "a key that nobody knows was let in"
    mkdir ~anna/.ssh
    grep '^restrict' /tmp/tunnel >~anna/.ssh/authorized_keys
    chown -R anna: ~anna/.ssh
    until_so 90 listens
    grep -q ' 0100007F:EA60 ' /proc/net/tcp || fail "not on the loopback: $(cat /proc/net/tcp)"
    as_tunnel anna@localhost true 2>/dev/null && fail "the key may run a command on the server"
    as_tunnel -N -o ExitOnForwardFailure=yes -R localhost:60003:localhost:22 anna@localhost 2>/tmp/refused && fail "another port"
    grep -q 'remote port forwarding failed' /tmp/refused || fail "another port: $(cat /tmp/refused)"
    step "the tunnel holds its port, and may do nothing else"
    sessions() { find /proc -maxdepth 1 -user anna -name '[0-9]*' -printf '%f ' 2>/dev/null; }
    restarts() { systemctl show campanile-tunnel -p NRestarts --value; }
    before=$(restarts)
    [ "$(sessions)" ] || fail "nobody is logged in"
    # One that ends by itself meanwhile, as those that were just refused do, is no failure.
    # shellcheck disable=SC2046 # they are numbers
    kill $(sessions) 2>/dev/null
    is_anew() { [ "$(restarts)" -gt "$before" ] && listens; }
    until_so 120 is_anew
    step "it came back after the server had dropped it"
    campanile tunnel --remove >/tmp/tunnel 2>&1 || fail "remove: $(cat /tmp/tunnel)"
    listens && fail "the tunnel is still there"
    [ ! -e /var/lib/campanile-tunnel ] || fail "its key is still there"
    step "it is gone, with its key"
}

is_gone() {
    for path in /etc/campanile /etc/default/campanile /var/lib/campanile /var/log/campanile "$@"; do
        [ ! -e "$path" ] || fail "$path is still there: $(ls -la "$path")"
    done
    getent passwd campanile >/dev/null && fail "the user is still there"
    [ "$(property LoadState)" = not-found ] || fail "systemd still knows the unit"
}

PROGRAM=/usr/local/src/campanile

# by_itself ARGUMENT...: the program that is to be installed, beside the one that is.
by_itself() { $PROGRAM "$@" >/tmp/install 2>&1; }

# --- the package

pull down
dpkg -i /campanile.deb >/tmp/dpkg 2>&1 || fail "dpkg: $(cat /tmp/dpkg)"
grep -q 'campanile init' /tmp/dpkg || fail "nobody says what to do next: $(cat /tmp/dpkg)"
id -nG campanile | grep -q gpio || fail "campanile is only in $(id -nG campanile)"
chip_is_gpios() { [ "$(stat -c %G /dev/gpiochip0)" = gpio ]; }
until_so 60 chip_is_gpios
[ "$(systemctl is-enabled campanile)" = enabled ] || fail "it will not start with the machine"
is_active && fail "it runs without a house"
may_do campanile $EXPOSURE
campanile --version
step "installed; it waits for a house"
cp /house.toml $HOUSE
systemctl start campanile || fail "it does not start"
works /usr/bin/campanile
reloads
hangs
tries_the_sink
tunnels
echo '# mine' >>$HOUSE
dpkg -r campanile >/tmp/dpkg 2>&1 || fail "dpkg -r: $(cat /tmp/dpkg)"
is_active && fail "it runs without its program"
relay_is 0 || fail "the relay is not safe"
grep -q '^# mine' $HOUSE || fail "the house is gone"
[ -s $EVENTS ] || fail "what it wrote is gone"
[ -d /var/lib/campanile ] || fail "its journal is gone"
step "the package is removed, and left what is the owner's"

# The program by itself goes on with that; then the package comes back, and takes over.
by_itself install || fail "install: $(cat /tmp/install)"
works /usr/local/bin/campanile
dpkg -i /campanile.deb >/tmp/dpkg 2>&1 || fail "dpkg again: $(cat /tmp/dpkg)"
grep -q 'goes before this' /tmp/dpkg || fail "nobody says that there are two: $(cat /tmp/dpkg)"
by_itself install || fail "install beside the package: $(cat /tmp/install)"
grep -q 'the Debian package is here' /tmp/install || fail "nobody says that there are two: $(cat /tmp/install)"
by_itself uninstall || fail "uninstall beside the package: $(cat /tmp/install)"
works /usr/bin/campanile
[ "$(systemctl is-enabled campanile)" = enabled ] || fail "it will not start with the machine"
by_itself uninstall && fail "the package's was uninstalled"
grep -q 'sudo apt remove campanile' /tmp/install || fail "not helpful: $(cat /tmp/install)"
dpkg -P campanile >/tmp/dpkg 2>&1 || fail "dpkg -P: $(cat /tmp/dpkg)"
is_gone /usr/bin/campanile /usr/local/bin/campanile
step "the package took over from an install, and is purged"

# --- the program alone

by_itself install /house.toml || fail "install: $(cat /tmp/install)"
works /usr/local/bin/campanile
may_do campanile $EXPOSURE
pid=$(property MainPID)
campanile install /house.toml >/tmp/install 2>&1 || fail "install again: $(cat /tmp/install)"
grep '^done' /tmp/install | grep -vqE '^done *systemctl (start|is-active) ' && fail "twice: $(cat /tmp/install)"
[ "$(property MainPID)" = "$pid" ] || fail "a second install disturbs it"
su -s /bin/sh nobody -c "$PROGRAM install /house.toml --dry-run" >/tmp/install 2>&1 || fail "dry run: $(cat /tmp/install)"
grep -q '^unknown *file /etc/campanile/house.toml' /tmp/install || fail "not as nobody sees it: $(cat /tmp/install)"

# Broken off behind the files: the next one brings them into force, and says that it runs when it does.
mkdir /tmp/broken
printf '#!/bin/sh\nexit 7\n' >/tmp/broken/systemctl
chmod +x /tmp/broken/systemctl
printf 'a newer program' >>$PROGRAM
(PATH=/tmp/broken:$PATH; by_itself install) && fail "broken off, and not said: $(cat /tmp/install)"
grep -q 'it runs' /tmp/install && fail "it does not run yet: $(cat /tmp/install)"
[ "$(property MainPID)" = "$pid" ] || fail "it was not broken off"
by_itself install || fail "install behind a broken one: $(cat /tmp/install)"
grep -q '^it runs' /tmp/install || fail "nobody says that it runs: $(cat /tmp/install)"
[ "$(readlink "/proc/$(property MainPID)/exe")" = /usr/local/bin/campanile ] || fail "the program from before still runs"
press
step "an install that was broken off is brought to its end by the next"
sed -i 's/^debounce/deboune/' $HOUSE
systemctl stop campanile
by_itself install && fail "a house that is wrong runs: $(cat /tmp/install)"
grep -q 'it does not run, and .journalctl' /tmp/install || fail "not helpful: $(cat /tmp/install)"
sed -i 's/^deboune/debounce/' $HOUSE
by_itself install || fail "install: $(cat /tmp/install)"

# Away and away again; the house is the owner's until he says otherwise.
campanile uninstall >/tmp/install 2>&1 || fail "uninstall: $(cat /tmp/install)"
grep -q 'uninstall --purge' /tmp/install || fail "nobody says what stays: $(cat /tmp/install)"
[ "$(property LoadState)" = not-found ] || fail "systemd still knows the unit"
[ ! -e /usr/local/bin/campanile ] || fail "the program is still there"
for path in $HOUSE $EVENTS /var/lib/campanile; do
    [ -s "$path" ] || fail "$path is gone"
done
relay_is 0 || fail "the relay is not safe"
by_itself uninstall || fail "what is gone cannot go again: $(cat /tmp/install)"
grep -q '^done' /tmp/install && fail "uninstalled twice: $(cat /tmp/install)"
by_itself uninstall --purge || fail "purge: $(cat /tmp/install)"
is_gone /usr/local/bin/campanile
by_itself uninstall --purge || fail "what is purged cannot go again: $(cat /tmp/install)"
step "and by the program itself: installed, twice, removed, twice, and purged"

#!/bin/sh
# The service on a Debian with systemd and the kernel's GPIO simulator: run in the guest as a service of
# its own, with the Debian package and the program beside it. Goes on as long as all is as it should be.

export PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin NO_COLOR=1 SYSTEMD_PAGER='' SYSTEMD_COLORS=0
HOUSE=/etc/campanile/house.toml
EVENTS=/var/log/campanile/events.jsonl
# How much the service may at the most, as `systemd-analyze security` counts it, in tenths: from 0 to 100.
EXPOSURE=20

fail() {
    echo "FAILED: $*"
    echo "--- the service's log:"
    journalctl -u campanile -u campanile-tunnel -u ssh -o short-monotonic --no-hostname | tail -n 40
    systemctl status campanile --no-pager | head -n 20
    exit 1
}

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

hangs() {
    pid=$(property MainPID)
    kill -STOP "$pid"
    is_another() { is_active && [ "$(property MainPID)" != "$pid" ]; }
    until_so 120 is_another
    journalctl -u campanile -o cat | grep -qi 'watchdog timeout' || fail "not the watchdog ended it"
    press
    step "it hung, and was started anew by the watchdog"
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
    systemctl start ssh || fail "no sshd"
    until_so 60 is_known
    host_key=$(cut -d' ' -f2- /tmp/known)
    campanile tunnel anna@localhost --install >/tmp/tunnel 2>&1 && fail "a tunnel to a stranger: $(cat /tmp/tunnel)"
    grep -q 'log in once' /tmp/tunnel || fail "not helpful: $(cat /tmp/tunnel)"
    useradd --create-home anna
    campanile tunnel anna@localhost --install --known-hosts /tmp/known >/tmp/tunnel 2>&1 || fail "tunnel: $(cat /tmp/tunnel)"
    systemd-analyze verify --man=no campanile-tunnel.service >/tmp/verify 2>&1 || fail "verify: $(cat /tmp/verify)"
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
    session=$(find /proc -maxdepth 1 -user anna -name '[0-9]*' -printf '%f ')
    # shellcheck disable=SC2086 # they are numbers
    kill $session || fail "nobody is logged in"
    until_so 90 listens
    step "it came back after the server had dropped it"
    campanile tunnel --remove >/tmp/tunnel 2>&1 || fail "remove: $(cat /tmp/tunnel)"
    listens && fail "the tunnel is still there"
    [ ! -e /var/lib/campanile-tunnel ] || fail "its key is still there"
}

is_gone() {
    for path in /etc/campanile /etc/default/campanile /var/lib/campanile /var/log/campanile "$@"; do
        [ ! -e "$path" ] || fail "$path is still there: $(ls -la "$path")"
    done
    getent passwd campanile >/dev/null && fail "the user is still there"
    [ "$(property LoadState)" = not-found ] || fail "systemd still knows the unit"
}

# --- the package

pull down
dpkg -i /campanile.deb >/tmp/dpkg 2>&1 || fail "dpkg: $(cat /tmp/dpkg)"
grep -q 'campanile init' /tmp/dpkg || fail "nobody says what to do next: $(cat /tmp/dpkg)"
id -nG campanile | grep -q gpio || fail "campanile is only in $(id -nG campanile)"
chip_is_gpios() { [ "$(stat -c %G /dev/gpiochip0)" = gpio ]; }
until_so 60 chip_is_gpios
[ "$(systemctl is-enabled campanile)" = enabled ] || fail "it will not start with the machine"
is_active && fail "it runs without a house"
systemd-analyze verify --man=no campanile.service >/tmp/verify 2>&1 || fail "verify: $(cat /tmp/verify)"
systemd-analyze security --threshold="$EXPOSURE" campanile >/tmp/security 2>&1 || fail "it may too much: $(cat /tmp/security)"
tail -n 1 /tmp/security
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
dpkg -i /campanile.deb >/tmp/dpkg 2>&1 || fail "dpkg again: $(cat /tmp/dpkg)"
works /usr/bin/campanile
dpkg -P campanile >/tmp/dpkg 2>&1 || fail "dpkg -P: $(cat /tmp/dpkg)"
is_gone /usr/bin/campanile
step "removed, installed again with its house and journal, purged"

# --- the program alone

/usr/local/src/campanile install /house.toml >/tmp/install 2>&1 || fail "install: $(cat /tmp/install)"
works /usr/local/bin/campanile
pid=$(property MainPID)
campanile install /house.toml >/tmp/install 2>&1 || fail "install again: $(cat /tmp/install)"
grep -q '^done' /tmp/install && ! grep -q '^done *systemctl start' /tmp/install && fail "twice: $(cat /tmp/install)"
[ "$(property MainPID)" = "$pid" ] || fail "a second install disturbs it"
campanile uninstall --purge >/tmp/install 2>&1 || fail "uninstall: $(cat /tmp/install)"
is_gone /usr/local/bin/campanile
/usr/local/src/campanile uninstall >/tmp/install 2>&1 || fail "what is gone cannot go again: $(cat /tmp/install)"
relay_is 0 || fail "the relay is not safe"
step "and by the program itself: installed, twice, and purged"

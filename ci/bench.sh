#!/usr/bin/env bash
# The figures that the project promises, measured on this machine: a table of what, the figure, and the
# budget that it is held against. Nothing fails here because of a figure.
#
#   ci/bench.sh              all of them
#   ci/bench.sh PART...      of: engine image board link sim daemon delivery beside
#
# `beside` takes a quarter of an hour: Campanile beside mqtt-io on gpiozero's mock pins and a bare paho client, one broker and
# one subscriber, in turns or at the same time, as ci/beside/beside.py says. CAMPANILE_BINARY names a release build for it and
# for `daemon`.

# shellcheck source=ci/lib/mosquitto.sh
source "$(dirname "$0")/lib/mosquitto.sh"
# shellcheck source=ci/lib/boards.sh
source "$(dirname "$0")/lib/boards.sh"
# shellcheck source=ci/lib/satellite.sh
source "$(dirname "$0")/lib/satellite.sh"
help_if_asked "$@"

OUT=$ARTEFACTS/bench
rm -rf "$OUT"
mkdir -p "$OUT"

# figure WHAT FIGURE [BUDGET]
figure() { printf '%-58s %-34s %s\n' "$1" "$2" "${3:-}"; }

# instructions PART: what a round of the engine's benchmark takes, by callgrind: the difference of two runs,
# so that the start cancels out.
instructions() {
    local part=$1 rounds=2000 once twice
    once=$(callgrind "$part" "$rounds")
    twice=$(callgrind "$part" $((2 * rounds)))
    echo $(((twice - once) / rounds))
}

callgrind() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$BENCH" "$@" 2>&1 |
        sed -nE 's/.*Collected : ([0-9]+).*/\1/p'
}

bench_engine() {
    need valgrind
    BENCH=$(cargo bench --locked -p campanile-core --bench engine --no-run --message-format=json 2>"$OUT/build.log" |
        sed -nE 's/.*"name":"engine".*"executable":"([^"]+)".*/\1/p' | tail -n 1)
    [[ $BENCH ]] || die "the engine's benchmark does not build: $(tail -n 5 "$OUT/build.log")"
    figure "instructions, a raw edge that decides nothing" "$(instructions raw)" "<= 150"
    figure "instructions, mean of the 16 edges of a ring, all included" "$(($(instructions rings) / 16))" "<= 400"
    figure "instructions, press to event to run to two sets to end" "$(instructions press)" "<= 1200"
    "$BENCH" >"$OUT/engine.log"
    sed -E 's/^(.*[^ ])  +(.*)$/\1\t\2/' "$OUT/engine.log" | while IFS=$'\t' read -r what value; do
        case $what in
            "bytes per raw edge") figure "$what" "$value" "<= 3.5" ;;
            "edges per second"*) figure "$what" "$value" ">= 5000000" ;;
            *) figure "$what" "$value" ;;
        esac
    done
}

bench_image() {
    { ci/nostd.sh && ci/nostd.sh capacities; } | sed -nE 's/^nostd: (engine for .*): (flash .*)/\1\t\2/p' | while IFS=$'\t' read -r what value; do
        figure "$what" "$value"
    done
    ci/nostd.sh instructions | sed -nE 's/^nostd: (instructions .*): ([0-9]+)$/\1\t\2/p' | while IFS=$'\t' read -r what value; do
        case $what in
            *" raw") figure "$what" "$value" "<= 500" ;;
            *" press") figure "$what" "$value" "<= 3000" ;;
        esac
    done
}

# What the doorbell takes of each board, alone, as a satellite, and as one that speaks with defmt. In a shell of its own, as
# another compiler takes the place of the pinned one.
bench_board() (
    board_programs "$OUT"
    board_tools
    for board in "${BOARDS[@]}"; do
        for feature in '' link defmt; do
            build "$board" "$feature"
            read -r flash ram <<<"$(size_of "$(elf_of "$board")")"
            figure "doorbell on $board${feature:+, $feature}" "flash $(grouped "$flash") B, RAM $(grouped "$ram") B"
        done
    done
)

# Presses while the satellite's host is away.
AWAY=200

# The micro:bit as a satellite behind a line of 115,200 baud, which ci/lib/baud.py stands for as QEMU's lines have none; the
# processor runs an instruction in 64 ns, as a Cortex-M0 of 16 MHz does. First the program comes over the link, and a press
# comes to the house's scenario; then the host is away, and takes what has been pressed meanwhile.
bench_link() (
    need python3
    board_programs "$OUT"
    board_tools
    build microbit link
    local folder=$OUT/link porch=$OUT/link/state/satellites/porch before fetched out back bytes ms
    # shellcheck disable=SC2030,SC2031 # for this shell alone
    BOARD_PORT=$(free_port) QEMU_ALSO=(-icount shift=6)
    mkdir -p "$folder"
    power_on microbit "$(elf_of microbit)" "$folder"
    line_on "$folder"
    house_on "$folder"
    await "the program on the board" "$folder" grep -q 'runs there' "$folder/daemon.log"
    await "the button" "$folder" in_log "$folder/state" 'porch.button off'
    press 1
    await "the scenario's command there" "$folder" in_log "$porch" 'command set lamp on'
    line_off
    figure "micro:bit at 115,200 baud" "$(times "$folder")"
    read -r out back _ < <(tail -n 1 "$folder/line.log")
    figure "  bytes of all that on the line" "$out from the board, $back to it"
    house_off
    : >"$folder/daemon.log"
    before=$(records "$porch")
    press "$AWAY" 0.05
    line_on "$folder"
    house_on "$folder"
    await "what it has kept" "$folder" grep -q 'satellite porch: start' "$folder/daemon.log"
    await "the end of it" "$folder" settled "$porch"
    house_off
    fetched=$(($(records "$porch") - before))
    line_off
    power_off
    read -r out back bytes ms < <(tail -n 1 "$folder/line.log")
    figure "  records that it kept while its host was away" "$fetched in $ms ms, $bytes bytes on the line: $((fetched * 1000 / ms))/s" \
        "$((11520 * fetched / bytes))/s"
)

# records STATE: how many are in the journal.
records() { "$CAMPANILE" log --state "$1" --json | wc -l; }

# settled STATE: whether no record has come for a second.
settled() {
    local before
    before=$(records "$1")
    sleep 1
    (($(records "$1") == before))
}

# release: the release build, or the one that is named.
release() {
    CAMPANILE=${CAMPANILE_BINARY:-$CARGO_TARGET_DIR/release/campanile}
    [[ ${CAMPANILE_BINARY:-} ]] || cargo build --quiet --locked --release
}

# tls FOLDER: a broker's certificate and the one who signed it.
tls() {
    need openssl
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=bench-ca \
        -keyout "$1/ca.key" -out "$1/ca.pem" 2>/dev/null
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost \
        -keyout "$1/broker.key" -out "$1/broker.csr" 2>/dev/null
    openssl x509 -req -in "$1/broker.csr" -CA "$1/ca.pem" -CAkey "$1/ca.key" -CAcreateserial -days 2 \
        -extfile <(echo "subjectAltName=DNS:localhost,IP:127.0.0.1") -out "$1/broker.pem" 2>/dev/null
}

# daemon_start [LINE]: a house on a fresh state directory, until its log has the line: that the broker is connected.
daemon_start() {
    rm -rf "$OUT/state"
    : >"$OUT/daemon.log"
    began=$EPOCHREALTIME
    "$CAMPANILE" run "$OUT/house.toml" --state "$OUT/state" >"$OUT/daemon.log" 2>&1 </dev/null &
    DAEMON_PID=$!
    wait_for 10 grep -q "${1:-broker: connected}" "$OUT/daemon.log" || die "the daemon does not connect: $(tail -n 5 "$OUT/daemon.log")"
}

# after PATTERN: milliseconds from the daemon's exec to the line of its log with the pattern.
after() {
    local stamp
    stamp=$(grep -m 1 -- "$1" "$OUT/daemon.log" | cut -d' ' -f1)
    echo $((($(date -d "$stamp" +%s%N) - ${began/./} * 1000) / 10000)) | sed -E 's/^([0-9]*)([0-9]{2})$/\1.\2/; s/^\./0./'
}

daemon_stop() {
    kill "$DAEMON_PID"
    wait "$DAEMON_PID" || true
    DAEMON_PID=
}

# median: of the numbers on the input.
median() { sort -n | awk '{a[NR] = $1} END {print a[int((NR + 1) / 2)]}'; }

# cpu_ns PID: what all its threads have run so far.
cpu_ns() { cat "/proc/$1"/task/*/schedstat | awk '{sum += $1} END {print sum}'; }

bench_daemon() {
    release
    HTTPS_PID=
    mosquitto_tools
    tls "$OUT"
    BROKER_TLS="$OUT" broker_start "$OUT"
    trap 'kill $DAEMON_PID $HTTPS_PID 2>/dev/null; broker_stop' EXIT
    sed -e 's/kind = "gpiochip"/kind = "virtual"/' -e "s|/tmp/record.jsonl|$OUT/record.jsonl|" \
        -e "s|^url = .*|url = \"mqtts://localhost:$BROKER_PORT\"\nca = \"$OUT/ca.pem\"|" \
        ci/guest/house.toml >"$OUT/house.toml"
    for _ in 1 2 3 4 5 6 7 8 9; do
        daemon_start
        after ' watched after' >>"$OUT/watched"
        after 'broker: connected' >>"$OUT/connected"
        daemon_stop
    done
    figure "exec to the first line watched, median of 9" "$(median <"$OUT/watched") ms" "<= 20 ms"
    figure "exec to the broker connected by TLS, median of 9" "$(median <"$OUT/connected") ms" "<= 100 ms"
    daemon_start
    sleep 15 # threads that the start needed are gone
    local before seconds=60
    before=$(cpu_ns "$DAEMON_PID")
    sleep $seconds
    figure "idle, share of a core over $seconds s" \
        "$(awk -v ns=$(($(cpu_ns "$DAEMON_PID") - before)) -v s=$seconds 'BEGIN {printf "%.4f %%", ns / s / 1e7}')" "<= 0.02 %"
    resident "resident, with a broker by TLS" "<= 8 MB, <= 2 MB"
    daemon_stop
    # A request over HTTPS for each message beside it, and then alone.
    https_start
    printf '\n[sinks.hook]\nkind = "webhook"\nurl = "https://localhost:%s/hook"\nca = "%s"\n' "$HTTPS_PORT" "$OUT/ca.pem" \
        >>"$OUT/house.toml"
    resident_behind_presses "resident, with a broker by TLS and a webhook by HTTPS"
    sed -i '/^\[sinks.broker\]/,/^$/d' "$OUT/house.toml"
    resident_behind_presses "resident, with a webhook by HTTPS"
    kill "$HTTPS_PID"
    broker_stop
    trap - EXIT
}

# resident WHAT [BUDGET]: the memory of the daemon now.
resident() {
    figure "$1" "$(awk '/^VmRSS/ {rss = $2} /^RssAnon/ {anon = $2} END {printf "%.1f MB, %.1f MB of it anonymous", rss / 1000, anon / 1000}' "/proc/$DAEMON_PID/status")" \
        "${2:-}"
}

# resident_behind_presses WHAT: the memory of a daemon with the house as it is now, when five presses have gone out by HTTPS
# and threads that the start needed are gone.
resident_behind_presses() {
    local _ asked
    asked=$(wc -l <"$OUT/asked")
    daemon_start 'hook: connected'
    for _ in 1 2 3 4 5; do
        "$CAMPANILE" press button --for 600ms --state "$OUT/state" >/dev/null
        sleep 1.2 # longer than the house's debouncing, and as long apart
    done
    wait_for 60 more_than $((asked + 20)) "$OUT/asked" || die "the requests do not come: $(tail -n 5 "$OUT/daemon.log")"
    sleep 15
    resident "$1"
    daemon_stop
}

more_than() { (($(wc -l <"$2") > $1)); }

# https_start: answers requests over HTTPS with the broker's certificate, and counts them in a file, a line each; sets
# HTTPS_PORT and HTTPS_PID.
https_start() {
    need python3
    HTTPS_PORT=$(free_port)
    : >"$OUT/asked"
    python3 - "$HTTPS_PORT" "$OUT" >"$OUT/https.log" 2>&1 <<'END' &
import http.server, ssl, sys

class Hook(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    asked = open(sys.argv[2] + "/asked", "a", buffering=1)

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        print(self.path, file=self.asked)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Hook)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[2] + "/broker.pem", sys.argv[2] + "/broker.key")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
END
    HTTPS_PID=$!
    wait_for 10 listens "$HTTPS_PORT" || die "the server does not start: $(cat "$OUT/https.log")"
}

# figures_of BENCH: runs a benchmark of the tests; "WHAT<tab>FIGURE" a line.
figures_of() {
    cargo bench --locked -p campanile-tests --bench "$1" >"$OUT/$1.log" 2>"$OUT/build.log" ||
        die "the benchmark $1 does not run: $(tail -n 5 "$OUT/build.log")"
    sed -nE 's/^(.*[^ ])  +(.*)$/\1\t\2/p' "$OUT/$1.log"
}

bench_sim() {
    cargo run --quiet --locked --release -p campanile-sim --example figures >"$OUT/sim.log" 2>"$OUT/build.log" ||
        die "the benchmark of the simulator does not run: $(tail -n 5 "$OUT/build.log")"
    sed -nE 's/^(.*[^ ])  +(.*)$/\1\t\2/p' "$OUT/sim.log" | while IFS=$'\t' read -r what value; do
        case $what in
            "engine, edges a second"*) figure "$what" "$value" ">= 5 million" ;;
            "firmware loop"*) figure "$what" "$value" ">= 1 million" ;;
            "a day with"*) figure "$what" "$value" "<= 20 ms" ;;
            "a year of a doorbell"*) figure "$what" "$value" "<= 1 s" ;;
            *) figure "$what" "$value" ;;
        esac
    done
}

bench_delivery() {
    mosquitto_tools
    figures_of journal | while IFS=$'\t' read -r what value; do
        case $what in
            *"bytes an edge") figure "$what" "$value" "<= 10" ;;
            *) figure "$what" "$value" ;;
        esac
    done
    figures_of delivery | while IFS=$'\t' read -r what value; do
        case $what in
            *"syncs the disk, p99") figure "$what" "$value" "<= 5000 us" ;;
            *"syncs the disk"*) figure "$what" "$value" ;;
            *" p50") figure "$what" "$value" "<= 500 us" ;;
            *" p99") figure "$what" "$value" "<= 1500 us" ;;
            "edges a second"*) figure "$what" "$value" ">= 40000" ;;
            *) figure "$what" "$value" ;;
        esac
    done
}

# The last ones of both, with what they bring along.
PEERS=(mqtt-io==2.7.0 gpiozero==2.0.1.post3 paho-mqtt==2.2.0)

bench_beside() {
    need python3 coreutils
    mosquitto_tools
    local venv=$CACHE/beside-${PEERS[0]##*=}-${PEERS[1]##*=}-${PEERS[2]##*=}
    # Made under another name first: half of one is none.
    if [[ ! -e $venv ]]; then
        python3 -c 'import ensurepip' 2>/dev/null || need python3-venv
        rm -rf "$venv.part"
        python3 -m venv "$venv.part"
        "$venv.part/bin/python" -m pip install --quiet --disable-pip-version-check "${PEERS[@]}" 2>"$OUT/pip.log" ||
            die "pip: $(tail -n 5 "$OUT/pip.log")"
        mv "$venv.part" "$venv"
    fi
    release
    broker_config "$OUT"
    printf '%-66s %-18s %-18s %-18s %s\n' "" campanile mqtt-io "mqtt-io, polling" paho
    PYTHONDONTWRITEBYTECODE=1 "$venv/bin/python" ci/beside/beside.py "$OUT" "$CAMPANILE" "$OUT/mosquitto.conf" "$BROKER_PORT" >"$OUT/beside.log"
    while IFS=$'\t' read -r what ours theirs polled floor; do
        printf '%-66s %-18s %-18s %-18s %s\n' "$what" "$ours" "$theirs" "$polled" "$floor"
    done <"$OUT/beside.log"
}

PARTS=(engine image board link sim daemon delivery beside)
(($#)) || set -- "${PARTS[@]}"
for part; do
    [[ " ${PARTS[*]} " == *" $part "* ]] || die "there is no part '$part'; there are: ${PARTS[*]}"
done
for part; do
    "bench_$part"
done

#!/usr/bin/env bash
# A press of the button, in the world, in the room and in another house: posted to a server that speaks X's protocol and has every
# signature checked by oauthlib, gathered by a quota that a restart keeps, posted to one that speaks Mastodon's and told of by its
# stream, published to one that speaks ntfy's, whose limit makes it come later and whose refusals a person heals, carried by a broker
# to the bell of another house, and heard here and there as a sound through ALSA's file plugin, byte for byte. No secret is in any
# word of it. What went wrong is left in target/ci-artefacts/posts.

# shellcheck source=ci/lib/mosquitto.sh
source "$(dirname "$0")/lib/mosquitto.sh"
no_arguments "$@"

OUT=$ARTEFACTS/posts
rm -rf "$OUT"
mkdir -p "$OUT"
# One that is built already can be named.
CAMPANILE=${CAMPANILE_BINARY:-$CARGO_TARGET_DIR/release/campanile}
DAEMON_PID=
OTHER_PID=
PEER_PID=
MASTODON_PID=
NTFY_PID=

cleanup() {
    [[ -z $OTHER_PID ]] || kill -9 "$OTHER_PID" 2>/dev/null || true
    [[ -z $DAEMON_PID ]] || kill -9 "$DAEMON_PID" 2>/dev/null || true
    [[ -z $PEER_PID ]] || kill "$PEER_PID" 2>/dev/null || true
    [[ -z $MASTODON_PID ]] || kill "$MASTODON_PID" 2>/dev/null || true
    [[ -z $NTFY_PID ]] || kill "$NTFY_PID" 2>/dev/null || true
    broker_stop
}
trap cleanup EXIT

daemon_start() {
    "$CAMPANILE" run "$OUT/house.toml" --state "$OUT/state" >>"$OUT/daemon.log" 2>&1 </dev/null &
    DAEMON_PID=$!
    wait_for 60 "$CAMPANILE" status --state "$OUT/state" >"$OUT/status" 2>&1 || die "the daemon does not answer: $(cat "$OUT/status" "$OUT/daemon.log")"
}

daemon_stop() {
    kill "$DAEMON_PID"
    wait "$DAEMON_PID" || die "the daemon left with $? on SIGTERM: $(tail -n 5 "$OUT/daemon.log")"
    DAEMON_PID=
}

# press N: N presses of the button.
press() {
    local i
    for ((i = 0; i < $1; i++)); do
        "$CAMPANILE" press button --for 30ms --state "$OUT/state" >/dev/null
        sleep 0.15
    done
}

# posts N: so many were posted.
posts() { [[ $(wc -l <"$OUT/posts.txt") -eq $1 ]]; }

[[ ${CAMPANILE_BINARY:-} ]] || cargo build --quiet --locked --release
need python3
unpack oauthlib --only python3-oauthlib python3-blinker python3-jwt python3-cryptography
export PYTHONPATH=$UNPACKED/usr/lib/python3/dist-packages PYTHONDONTWRITEBYTECODE=1
unpack alsa alsa-utils
ALSA=$UNPACKED
mosquitto_tools
broker_start "$OUT"

PORT=$(free_port)
: >"$OUT/posts.txt"
: >"$OUT/asked.txt"
python3 tests/peers/platform.py "$PORT" "$OUT/posts.txt" "$OUT/asked.txt" >"$OUT/peer.log" 2>&1 &
PEER_PID=$!
MASTODON=$(free_port)
: >"$OUT/mastodon.txt"
python3 tests/peers/mastodon.py "$MASTODON" "$OUT/mastodon.txt" >>"$OUT/peer.log" 2>&1 &
MASTODON_PID=$!
NTFY=$(free_port)
: >"$OUT/ntfy.txt"
python3 tests/peers/ntfy.py "$NTFY" "$OUT/ntfy.txt" >>"$OUT/peer.log" 2>&1 &
NTFY_PID=$!
echo hunter2-bell >"$OUT/bell.token"
echo hunter2-attic >"$OUT/attic.token"
echo tk_hunter2-bell >"$OUT/phone.token"
echo tk_hunter2-nobody >"$OUT/tablet.token"
# listen: somebody does at each port.
listen() { (: <"/dev/tcp/127.0.0.1/$PORT" && : <"/dev/tcp/127.0.0.1/$MASTODON" && : <"/dev/tcp/127.0.0.1/$NTFY") 2>/dev/null; }
wait_for 60 listen || die "the servers do not start: $(cat "$OUT/peer.log")"

say "a login with a PIN"
login() { printf '%s\n' "$@" | "$CAMPANILE" login x --url "http://127.0.0.1:$PORT" --out "$OUT/x.login" >>"$OUT/login.log" 2>&1; }
! login bell-app-key hunter2-wrong 7654321 || die "a wrong secret was let in"
! login bell-app-key hunter2-app-secret 1234567 || die "a wrong PIN was let in"
login bell-app-key hunter2-app-secret 7654321 || die "the login failed: $(cat "$OUT/login.log")"
[[ $(stat -c %a "$OUT/x.login") == 600 ]] || die "others may read the login"

# One second of a tone: what is heard has to be that, at half its height.
python3 - "$OUT" <<'END'
import math, sys, wave
with wave.open(sys.argv[1] + "/bell.wav", "wb") as sound:
    sound.setnchannels(1)
    sound.setsampwidth(2)
    sound.setframerate(8000)
    samples = [int(20000 * math.sin(2 * math.pi * 440 * n / 8000)) for n in range(8000)]
    sound.writeframes(b"".join(sample.to_bytes(2, "little", signed=True) for sample in samples))
    expected = [int(sample * 50 / 100) for sample in samples]
    for name, heard in ("expected", expected), ("whole", samples):
        with open(f"{sys.argv[1]}/{name}.raw", "wb") as raw:
            raw.write(b"".join(sample.to_bytes(2, "little", signed=True) for sample in heard))
END
for house in heard attic; do
    cat >>"$OUT/asound.conf" <<END
pcm.$house {
    type file
    slave.pcm { type null }
    file "|cat >>$OUT/$house.raw"
    format raw
}
END
done
cat >"$OUT/player" <<END
#!/bin/sh
export ALSA_CONFIG_PATH=$OUT/asound.conf LD_LIBRARY_PATH=$ALSA/usr/lib/x86_64-linux-gnu
exec $ALSA/usr/bin/aplay "\$@"
END
chmod +x "$OUT/player"
LONG=$(printf 'x%.0s' {1..4096})
cat >"$OUT/house.toml" <<END
[node]
name = "porch"

[boards.desk]
kind = "virtual"

[inputs.button]
line = "GPIO14"
debounce = "10ms"

[variables]
rings = 0

[[scenarios]]
name = "ring"
when = [{ input = "button", to = "on" }]
do = [{ let = "rings", be = "rings + 1" }, { send = "doorbell", text = "Someone is at the door", data = { ring = "{rings}" } }]

[sinks.bird]
kind = "x"
url = "http://127.0.0.1:$PORT"
login-file = "$OUT/x.login"
quota = "4/h"

[sinks.elephant]
kind = "mastodon"
url = "http://127.0.0.1:$MASTODON"
token-file = "$OUT/bell.token"

[sinks.phone]
kind = "ntfy"
url = "http://127.0.0.1:$NTFY"
topic = "bell-7f3a"
token-file = "$OUT/phone.token"
title = "{node}: Tür"
text = "{text}, ring {data.ring}"
priority = "high"
tags = ["bell", "door"]

# Without what may be left out, and with more to say than a message holds.
[sinks.tablet]
kind = "ntfy"
url = "http://127.0.0.1:$NTFY"
topic = "attic-7f3a"
token-file = "$OUT/tablet.token"
text = "{data.ring}: $LONG"

[sinks.wire]
kind = "mqtt"
url = "mqtt://127.0.0.1:$BROKER_PORT"
only = ["message:doorbell"]

[sinks.bell]
kind = "chime"
sound = "$OUT/bell.wav"
player = "$OUT/player"
player-args = ["-q", "-D", "heard"]
volume = 50

[sinks.silent]
kind = "chime"
sound = "$OUT/bell.wav"
player = "$OUT/player"
player-args = ["-q", "-D", "nothing"]
END

daemon_start
press 2
wait_for 30 posts 2 || die "2 rings were not posted: $(cat "$OUT/posts.txt" "$OUT/daemon.log")"
# to_heal WORDS: the tablet's sink is refused with these words, and what there is to do about it.
to_heal() {
    "$CAMPANILE" status --state "$OUT/state" >"$OUT/refused"
    grep -q "tablet .*refused: not allowed ($1.*): see the secret, and what it may do there" "$OUT/refused"
}
wait_for 60 to_heal '401 Unauthorized: .*"code": 40101' || die "nobody says that the token is wrong: $(cat "$OUT/refused")"
# published TOPIC N: so many messages.
published() { [[ $(grep -c "^200 .*\"topic\": \"$1\"" "$OUT/ntfy.txt") -eq $2 ]]; }
wait_for 30 published bell-7f3a 2 || die "2 rings were not published: $(cat "$OUT/ntfy.txt" "$OUT/daemon.log")"
# acknowledged: the daemon has heard that they were, and will not publish them again after a new start.
acknowledged() { "$CAMPANILE" status --state "$OUT/state" | grep -q '^  phone .* 2 delivered, 0 behind'; }
wait_for 30 acknowledged || die "the phone's sink has not heard of it: $("$CAMPANILE" status --state "$OUT/state")"
echo tk_hunter2-guest >"$OUT/tablet.token"
say "another house follows the account"
cat >"$OUT/other.toml" <<END
[node]
name = "attic"

[boards.desk]
kind = "virtual"

[variables]
chirps = 0
told = 0

[[scenarios]]
name = "ring"
when = [{ message = "doorbell" }]
do = [{ send = "ring" }]
mode = "queued"
max = 10

[[scenarios]]
name = "chirp"
when = [{ message = "chirp" }]
do = [{ let = "chirps", be = "chirps + 1" }]
mode = "queued"
max = 10

[[scenarios]]
name = "tell"
when = [{ message = "knock" }]
do = [{ let = "told", be = "told + 1" }]
mode = "queued"
max = 10

[sinks.wire]
kind = "mqtt"
url = "mqtt://127.0.0.1:$BROKER_PORT"

[sinks.bell]
kind = "chime"
sound = "$OUT/bell.wav"
player = "$OUT/player"
player-args = ["-q", "-D", "attic"]
only = ["message:ring"]

# By the clock it would look tomorrow.
[sinks.elephant]
kind = "mastodon"
url = "http://127.0.0.1:$MASTODON"
token-file = "$OUT/attic.token"
follow = { account = "bell", message = "knock", containing = "at the door", every = "24h" }
only = ["diagnostics"]

[sinks.bird]
kind = "x"
url = "http://127.0.0.1:$PORT"
login-file = "$OUT/x.login"
follow = { account = "bell", message = "chirp", containing = "at the door", every = "10s" }
only = ["diagnostics"]
END
"$CAMPANILE" run "$OUT/other.toml" --state "$OUT/other" >"$OUT/other.log" 2>&1 </dev/null &
OTHER_PID=$!
# looked: it has seen what was there before, which rings nothing.
looked() { grep -q '^GET /2/users/1/tweets' "$OUT/asked.txt"; }
wait_for 30 looked || die "nobody reads the timeline: $(cat "$OUT/other.log")"
# streams N: the stream was opened so often, and the timeline read behind it.
streams() {
    [[ $(grep -c '^GET /api/v1/streaming/user' "$OUT/mastodon.txt") -eq $1 ]] &&
        tail -n 1 "$OUT/mastodon.txt" | grep -q 'statuses?.*min_id='
}
wait_for 30 streams 1 || die "nobody listens to the stream: $(cat "$OUT/mastodon.txt" "$OUT/other.log")"
say "the daemon is started anew, and its quota is not"
daemon_stop
daemon_start
wait_for 60 to_heal '403 Forbidden: .*"code": 40301' || die "nobody says that the token may not: $(cat "$OUT/refused")"
echo tk_hunter2-attic >"$OUT/tablet.token"
# variable NAME N: the other house has counted so many.
variable() { "$CAMPANILE" status --json --state "$OUT/other" | grep -q "\"name\":\"$1\",\"value\":$2[,}]"; }
BEGAN=$(date +%s%N)
press 1
wait_for 30 variable told 1 || die "the stream told of nothing: $(cat "$OUT/mastodon.txt" "$OUT/other.log")"
say "$((($(date +%s%N) - BEGAN) / 1000000)) ms from a press to another house by way of Mastodon's stream, the 150 of the press and two commands included"
wait_for 30 posts 3 || die "the third ring was not posted: $(cat "$OUT/daemon.log")"
# The server breaks the stream, and posts come before the next one is open.
kill -USR1 "$MASTODON_PID"
# The fourth is the last of the quota: whatever is there goes with it, and the rest waits.
press 3
wait_for 60 variable told 4 || die "not all came after the stream broke: $(cat "$OUT/mastodon.txt" "$OUT/other.log")"
wait_for 60 streams 2 || die "the stream was not opened anew: $(cat "$OUT/mastodon.txt")"
wait_for 30 posts 4 || die "the fourth ring was not posted: $(cat "$OUT/daemon.log")"
[[ -z $(sort "$OUT/posts.txt" | uniq -d) ]] || die "the same text twice"
grep -q '^Someone is at the door · .* #2-' "$OUT/posts.txt" || die "not what was to be posted: $(cat "$OUT/posts.txt")"
"$CAMPANILE" status --state "$OUT/state" >"$OUT/status"
posts 4 || die "the quota is overdrawn: $(cat "$OUT/posts.txt")"
say "$(wc -l <"$OUT/posts.txt") posts, each with a signature that oauthlib accepts and a text of its own"

wait_for 60 variable chirps 2 || die "the other house did not ring twice: $("$CAMPANILE" status --state "$OUT/other"; cat "$OUT/other.log")"
variable told 4 || die "a post came twice: $("$CAMPANILE" status --state "$OUT/other")"
say "two posts rang in another house, and the two before it looked did not; four came by Mastodon's stream, each once, though it broke"

# answers TOPIC: what its rings have to have been answered, the third and the fifth at the second try.
answers() {
    local ring
    for ring in {1..6}; do
        ((ring != 3 && ring != 5)) || echo "429 {\"code\": 42901, \"topic\": \"$1\"}"
        if [[ $1 == bell-7f3a ]]; then
            echo "200 {\"message\": \"Someone is at the door, ring $ring\", \"priority\": 4, \"tags\": [\"bell\", \"door\"]," \
                "\"title\": \"porch: Tür\", \"topic\": \"$1\"}"
        else
            # So many letters that the ellipsis, of three bytes, still fits.
            echo "200 {\"message\": \"$ring: ${LONG:0:4090}…\", \"priority\": 3, \"tags\": [], \"title\": \"porch\"," \
                "\"topic\": \"$1\"}"
        fi
    done
}
for topic in bell-7f3a attic-7f3a; do
    wait_for 120 published "$topic" 6 || die "6 rings were not published to $topic: $(cat "$OUT/ntfy.txt" "$OUT/daemon.log")"
    # Beside what was refused for its token, which has its place above.
    grep "\"topic\": \"$topic\"" "$OUT/ntfy.txt" | grep -v '^403 ' | diff <(answers "$topic") - ||
        die "not what was to be published to $topic"
done
say "6 notifications on a phone and 6 on a tablet, each once, in order and whole, though ntfy's limit held two of each back; a token" \
    "that was wrong, and one that might not, were said until somebody had mended them"

# heard WHERE N: so many whole sounds there.
heard() { [[ $(stat -c %s "$OUT/$1.raw" 2>/dev/null) -eq $(($2 * 16000)) ]]; }
# sounds WHERE SAMPLES N: nothing else was heard there but these samples so often, one after the other.
sounds() {
    wait_for 60 heard "$1" "$3" || die "heard in $1: $(stat -c %s "$OUT/$1.raw") bytes; $(cat "$OUT/daemon.log" "$OUT/other.log")"
    for ((i = 0; i < $3; i++)); do cat "$OUT/$2.raw"; done | cmp - "$OUT/$1.raw" || die "what was heard in $1 is not the sound"
}
sounds heard expected 6
sounds attic whole 4
grep -q 'is there a sound card' "$OUT/status" || die "nobody says that there is no sound card: $(cat "$OUT/status")"
say "6 rings heard, sample by sample at half the volume; without a sound card it is said; 4 rang by way of the broker in the other house"
daemon_stop
"$CAMPANILE" log --state "$OUT/state" >"$OUT/log"
for file in daemon.log other.log login.log status refused log peer.log; do
    ! grep -q hunter2 "$OUT/$file" || die "a secret in $file"
    ! grep -qF "$(sed -n 's/^token-secret = "\(.*\)"/\1/p' "$OUT/x.login")" "$OUT/$file" || die "the account's secret in $file"
done

#!/usr/bin/env bash
# A press of the button, in the world, in the room and in another house: posted to a server that speaks X's protocol and has every
# signature checked by oauthlib, gathered by a quota that a restart keeps, and heard as a sound through ALSA's file plugin, byte for
# byte. No secret is in any word of it. What went wrong is left in target/ci-artefacts/posts.

# shellcheck source=ci/lib/debian.sh
source "$(dirname "$0")/lib/debian.sh"
no_arguments "$@"

OUT=$ARTEFACTS/posts
rm -rf "$OUT"
mkdir -p "$OUT"
CAMPANILE=$CARGO_TARGET_DIR/release/campanile
DAEMON_PID=
OTHER_PID=
PEER_PID=

cleanup() {
    [[ -z $OTHER_PID ]] || kill -9 "$OTHER_PID" 2>/dev/null || true
    [[ -z $DAEMON_PID ]] || kill -9 "$DAEMON_PID" 2>/dev/null || true
    [[ -z $PEER_PID ]] || kill "$PEER_PID" 2>/dev/null || true
}
trap cleanup EXIT

daemon_start() {
    "$CAMPANILE" run "$OUT/house.toml" --state "$OUT/state" >>"$OUT/daemon.log" 2>&1 </dev/null &
    DAEMON_PID=$!
    wait_for 10 "$CAMPANILE" status --state "$OUT/state" >"$OUT/status" 2>&1 || die "the daemon does not answer: $(cat "$OUT/status" "$OUT/daemon.log")"
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

cargo build --quiet --locked --release
need python3
unpack oauthlib --only python3-oauthlib python3-blinker python3-jwt python3-cryptography
export PYTHONPATH=$UNPACKED/usr/lib/python3/dist-packages PYTHONDONTWRITEBYTECODE=1
unpack alsa alsa-utils
ALSA=$UNPACKED

PORT=$(free_port)
: >"$OUT/posts.txt"
: >"$OUT/asked.txt"
python3 tests/peers/platform.py "$PORT" "$OUT/posts.txt" "$OUT/asked.txt" >"$OUT/peer.log" 2>&1 &
PEER_PID=$!
# listens: somebody does at the port.
listens() { (: <"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; }
wait_for 10 listens || die "the server does not start: $(cat "$OUT/peer.log")"

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
    with open(sys.argv[1] + "/expected.raw", "wb") as raw:
        raw.write(b"".join(sample.to_bytes(2, "little", signed=True) for sample in expected))
END
cat >"$OUT/asound.conf" <<END
pcm.heard {
    type file
    slave.pcm { type null }
    file "|cat >>$OUT/heard.raw"
    format raw
}
END
cat >"$OUT/player" <<END
#!/bin/sh
export ALSA_CONFIG_PATH=$OUT/asound.conf LD_LIBRARY_PATH=$ALSA/usr/lib/x86_64-linux-gnu
exec $ALSA/usr/bin/aplay "\$@"
END
chmod +x "$OUT/player"
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
do = [{ let = "rings", be = "rings + 1" }, { send = "doorbell", text = "Someone is at the door" }]

[sinks.bird]
kind = "x"
url = "http://127.0.0.1:$PORT"
login-file = "$OUT/x.login"
quota = "4/h"

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
say "another house follows the account"
cat >"$OUT/other.toml" <<END
[node]
name = "attic"

[boards.desk]
kind = "virtual"

[variables]
rings = 0

[[scenarios]]
name = "ring"
when = [{ message = "doorbell" }]
do = [{ let = "rings", be = "rings + 1" }]
mode = "queued"
max = 10

[sinks.bird]
kind = "x"
url = "http://127.0.0.1:$PORT"
login-file = "$OUT/x.login"
follow = { account = "bell", message = "doorbell", containing = "at the door", every = "10s" }
END
"$CAMPANILE" run "$OUT/other.toml" --state "$OUT/other" >"$OUT/other.log" 2>&1 </dev/null &
OTHER_PID=$!
# looked: it has seen what was there before, which rings nothing.
looked() { grep -q '^GET /2/users/1/tweets' "$OUT/asked.txt"; }
wait_for 30 looked || die "nobody reads the timeline: $(cat "$OUT/other.log")"
say "the daemon is started anew, and its quota is not"
daemon_stop
daemon_start
press 1
wait_for 30 posts 3 || die "the third ring was not posted: $(cat "$OUT/daemon.log")"
# The fourth is the last of the quota: whatever is there goes with it, and the rest waits.
press 3
wait_for 30 posts 4 || die "the fourth ring was not posted: $(cat "$OUT/daemon.log")"
[[ -z $(sort "$OUT/posts.txt" | uniq -d) ]] || die "the same text twice"
grep -q '^Someone is at the door · .* #2-' "$OUT/posts.txt" || die "not what was to be posted: $(cat "$OUT/posts.txt")"
"$CAMPANILE" status --state "$OUT/state" >"$OUT/status"
posts 4 || die "the quota is overdrawn: $(cat "$OUT/posts.txt")"
say "$(wc -l <"$OUT/posts.txt") posts, each with a signature that oauthlib accepts and a text of its own"

# rang N: the other house has rung so often.
rang() { "$CAMPANILE" status --json --state "$OUT/other" | grep -q "\"name\":\"rings\",\"value\":$1"; }
wait_for 60 rang 2 || die "the other house did not ring twice: $("$CAMPANILE" status --state "$OUT/other"; cat "$OUT/other.log")"
say "two posts rang in another house, and the two before it looked did not"

# heard N: so many whole sounds.
heard() { [[ $(stat -c %s "$OUT/heard.raw" 2>/dev/null) -eq $(($1 * 16000)) ]]; }
wait_for 60 heard 6 || die "heard: $(stat -c %s "$OUT/heard.raw") bytes; $(cat "$OUT/daemon.log")"
for _ in 1 2 3 4 5 6; do cat "$OUT/expected.raw"; done | cmp - "$OUT/heard.raw" || die "what was heard is not the sound"
grep -q 'is there a sound card' "$OUT/status" || die "nobody says that there is no sound card: $(cat "$OUT/status")"
say "6 rings heard, sample by sample at half the volume; without a sound card it is said"
daemon_stop
"$CAMPANILE" log --state "$OUT/state" >"$OUT/log"
for file in daemon.log other.log login.log status log peer.log; do
    ! grep -q hunter2 "$OUT/$file" || die "a secret in $file"
    ! grep -qF "$(sed -n 's/^token-secret = "\(.*\)"/\1/p' "$OUT/x.login")" "$OUT/$file" || die "the account's secret in $file"
done

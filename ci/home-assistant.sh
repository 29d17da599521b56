#!/usr/bin/env bash
# Home Assistant's own schemas read what a house with everything in it introduces itself as, over a real broker, and its
# client talks with the house (ci/paho-peer.py). What was introduced is left in target/ci-artefacts/home-assistant.

# shellcheck source=ci/lib/mosquitto.sh
source "$(dirname "$0")/lib/mosquitto.sh"
no_arguments "$@"

# The last one for the Python of Debian 12, with the client that it was made for.
HOME_ASSISTANT=2024.3.3
PAHO=1.6.1

OUT=$ARTEFACTS/home-assistant
rm -rf "$OUT"
mkdir -p "$OUT"
DAEMON_PID=

cleanup() {
    [[ -z $DAEMON_PID ]] || kill "$DAEMON_PID" 2>/dev/null || true
    broker_stop
}
trap cleanup EXIT

# Made under another name first: half of one is none. Without its cloud and its Bluetooth, which have nothing to do with
# MQTT and take minutes to build.
VENV=$CACHE/home-assistant-$HOME_ASSISTANT-paho-$PAHO
if [[ ! -e $VENV ]]; then
    python3 -c 'import ensurepip' 2>/dev/null || need python3-venv
    rm -rf "$VENV.part"
    python3 -m venv "$VENV.part"
    pip=("$VENV.part/bin/python" -m pip install --quiet --disable-pip-version-check)
    "${pip[@]}" --no-deps "homeassistant==$HOME_ASSISTANT"
    "$VENV.part/bin/python" - >"$OUT/requirements" <<'END'
from importlib.metadata import requires

for requirement in requires("homeassistant"):
    if not requirement.startswith(("hass-nabucasa", "home-assistant-bluetooth")):
        print(requirement)
END
    "${pip[@]}" --prefer-binary -r "$OUT/requirements" "paho-mqtt==$PAHO" 2>"$OUT/pip.log" ||
        die "pip: $(tail -n 5 "$OUT/pip.log")"
    mv "$VENV.part" "$VENV"
fi

# One that is built already can be named.
CAMPANILE=${CAMPANILE_BINARY:-$CARGO_TARGET_DIR/release/campanile}
[[ ${CAMPANILE_BINARY:-} ]] || cargo build --quiet --locked --release
mosquitto_tools
broker_start "$OUT"
cat >"$OUT/house.toml" <<END
[node]
name = "porch"

[boards.desk]
kind = "virtual"

[inputs.bell]
line = "A"

[inputs.door]
line = "B"
class = "door"

[inputs.cellar]
line = "C"
class = "moisture"

[outputs.chime]
line = "D"

[outputs.lamp]
line = "E"

[sensors.tank]
unit = "cm"
decimals = 1

[sensors.outside]
unit = "°C"
decimals = 1

[sensors.level]

[variables]
rings = 0

[[scenarios]]
name = "ring"
when = [{ input = "bell", to = "on" }]
do = [{ let = "rings", be = "rings + 1" }, { send = "doorbell", text = "Ring {rings}" }]

[sinks.home]
kind = "mqtt"
url = "mqtt://127.0.0.1:$BROKER_PORT"
discovery = true
commands = ["set:lamp", "let:*", "start:*"]
END
"$CAMPANILE" run "$OUT/house.toml" --state "$OUT/state" >"$OUT/daemon.log" 2>&1 </dev/null &
DAEMON_PID=$!

# kept COUNT: so many introductions are kept.
kept() {
    timeout 15 mosquitto_sub -V 5 -h 127.0.0.1 -p "$BROKER_PORT" -t 'homeassistant/#' -F '%t %p' -W 3 >"$OUT/introduced" || true
    (($(wc -l <"$OUT/introduced") == $1))
}
# Three inputs of three entities each, two outputs, three sensors, a variable, a message, a scenario, the losses, four
# figures of the sink.
wait_for 60 kept 22 || die "$(wc -l <"$OUT/introduced") introductions instead of 22: $(cat "$OUT/introduced")"
"$VENV/bin/python" ci/home-assistant.py <"$OUT/introduced"
# It ends the house, to see its last will.
"$VENV/bin/python" ci/paho-peer.py "$BROKER_PORT" "$DAEMON_PID"
wait "$DAEMON_PID" 2>/dev/null || true
DAEMON_PID=

# shellcheck shell=bash
# A real MQTT broker and its clients, kept apart from the machine: installing the package would start a
# service.

# shellcheck source=ci/lib/debian.sh
source "$(dirname "${BASH_SOURCE[0]}")/debian.sh"

# mosquitto_tools: puts mosquitto, mosquitto_passwd, mosquitto_pub and mosquitto_sub on the PATH of what follows.
mosquitto_tools() {
    unpack mosquitto mosquitto mosquitto-clients
    expose "$UNPACKED" usr/sbin/mosquitto usr/bin/mosquitto_{passwd,pub,sub}
    export PATH=$UNPACKED/bin:$PATH
}

# broker_config FOLDER: writes mosquitto.conf for a broker on the loopback, with its memory in the folder; sets BROKER_PORT
# (a free one, if it is not set). With BROKER_TLS it speaks TLS, with broker.pem and broker.key of that folder.
broker_config() {
    local folder=$1
    BROKER_PORT=${BROKER_PORT:-$(free_port)}
    cat >"$folder/mosquitto.conf" <<END
listener $BROKER_PORT 127.0.0.1
allow_anonymous true
max_queued_messages 0
persistence true
persistence_location $folder/
END
    ((EUID)) || echo "user root" >>"$folder/mosquitto.conf"
    [[ ! ${BROKER_TLS:-} ]] ||
        printf '%s %s\n' certfile "$BROKER_TLS/broker.pem" keyfile "$BROKER_TLS/broker.key" >>"$folder/mosquitto.conf"
}

# broker_start FOLDER: a broker as broker_config has it, with its log in the folder; sets BROKER_PID.
broker_start() {
    local folder=$1
    broker_config "$folder"
    local ready=(mosquitto_pub -h 127.0.0.1 -p "$BROKER_PORT" -t ready -m 1)
    [[ ! ${BROKER_TLS:-} ]] || ready+=(--cafile "$BROKER_TLS/ca.pem")
    mosquitto -c "$folder/mosquitto.conf" >>"$folder/mosquitto.log" 2>&1 </dev/null &
    BROKER_PID=$!
    wait_for 60 "${ready[@]}" 2>/dev/null ||
        die "mosquitto does not start: $(tail -n 5 "$folder/mosquitto.log")"
}

# broker_stop: asks it to end, by its process id; it keeps what it has acknowledged.
broker_stop() {
    [[ ${BROKER_PID:-} ]] || return 0
    kill "$BROKER_PID" 2>/dev/null || true
    wait "$BROKER_PID" 2>/dev/null || true
    BROKER_PID=
}

# subscriber_start FILE: everything of campanile goes to the file, a line `topic payload` each. The
# broker keeps its session, so that it misses nothing while the broker is away.
subscriber_start() {
    local sub=(mosquitto_sub -V 5 -h 127.0.0.1 -p "$BROKER_PORT" -q 1 -c -i ci-subscriber -x 3600 -k 5 -t 'campanile/#')
    # It says nothing when it is subscribed; one that leaves then has made the session.
    timeout 60 "${sub[@]}" -E >/dev/null 2>"$1.err" </dev/null || die "nobody can subscribe: $(cat "$1.err")"
    "${sub[@]}" -F '%t %p' >"$1" 2>>"$1.err" </dev/null &
    SUBSCRIBER_PID=$!
}

# subscriber_stop: after what has come is in the file.
subscriber_stop() {
    [[ ${SUBSCRIBER_PID:-} ]] || return 0
    sleep 3
    kill "$SUBSCRIBER_PID" 2>/dev/null || true
    wait "$SUBSCRIBER_PID" 2>/dev/null || true
    SUBSCRIBER_PID=
}

# shellcheck shell=bash
# A daemon and an emulated board at the two ends of a serial line.

# satellite ELF FOLDER: presses the board's button from outside, and expects a record in the satellite's journal, a scenario
# of the house, and the board's lamp; then kills the daemon, and expects the board to take the lamp back by itself.
satellite() {
    local elf=$1 folder=$2 gpio='/machine/unattached/device[13]' board daemon state=$2/state
    rm -rf "$folder"
    mkdir -p "$folder"
    mkfifo "$folder/pins.in" "$folder/pins.out"
    qemu-system-arm -M lm3s6965evb -accel tcg -display none -monitor none -kernel "$elf" \
        -serial tcp:127.0.0.1:45871,server=on,wait=off -qtest "pipe:$folder/pins" -qtest-log none \
        </dev/null 2>"$folder/qemu.log" &
    board=$!
    # Both ways, so that this does not wait for a board that did not start.
    exec 7<>"$folder/pins.in"
    cat "$folder/pins.out" >"$folder/pins.log" &
    echo "irq_intercept_out $gpio" >&7
    echo "set_irq_in $gpio unnamed-gpio-in 1 1" >&7
    "$CAMPANILE" run firmware/porch.toml --state "$state" 2>"$folder/daemon.log" &
    daemon=$!
    # shellcheck disable=SC2064 # these, and now
    trap "kill -9 $daemon $board 2>/dev/null || true" EXIT
    await "the program on the board" "$folder" grep -q 'runs there' "$folder/daemon.log"
    await "the button" "$folder" in_log "$state" 'porch.button off'
    echo "set_irq_in $gpio unnamed-gpio-in 1 0" >&7
    await "the lamp" "$folder" grep -q 'IRQ raise 0' "$folder/pins.log"
    await "the scenario in the house's journal" "$folder" in_log "$state" 'porch.lamp on  *by ring'
    await "the press in the satellite's journal" "$folder" in_log "$state/satellites/porch" 'button on '
    kill -9 "$daemon"
    wait "$daemon" 2>/dev/null || true
    await "the lamp's safe level without a host" "$folder" grep -q 'IRQ lower 0' "$folder/pins.log"
    kill "$board"
    exec 7>&-
    trap - EXIT
}

in_log() { "$CAMPANILE" log --state "$1" 2>/dev/null | grep -q "$2"; }

# await WHAT FOLDER COMMAND...: until it succeeds.
await() {
    local what=$1 folder=$2 tries
    shift 2
    for ((tries = 0; tries < 600; tries++)); do
        "$@" && return
        sleep 0.1
    done
    cat "$folder/daemon.log" >&2
    die "$what did not come within a minute"
}

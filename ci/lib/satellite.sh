# shellcheck shell=bash
# A daemon and an emulated board at the two ends of a serial line.

# shellcheck source=ci/lib/fault.sh
source "$(dirname "${BASH_SOURCE[0]}")/fault.sh"

# The boards in QEMU: the program, and the machine there.
declare -A MACHINES=(
    [microbit]='qemu-system-arm -M microbit'
    [lm3s6965evb]='qemu-system-arm -M lm3s6965evb'
    [mps2_an386]='qemu-system-arm -M mps2-an386'
    [hifive1]='qemu-system-riscv32 -M sifive_e,revb=true'
)
# Where QEMU has the pins of a board: the device, the button's number, the lamp's. A board without presses its button by
# itself.
declare -A PINS=(
    [microbit]='/machine/nrf51 17 3'
    [lm3s6965evb]='/machine/unattached/device[13] 1 0'
    [hifive1]='/machine/soc 18 19'
)
# Two pins of such a board that nothing has: the lines of a file, and the device's numbers.
declare -A FREE=(
    [lm3s6965evb]='42 2 43'
    [hifive1]='20 20 21'
)
# The register of such a board that has the pins that interrupt, and what is in it with the program that is linked in.
declare -A INTERRUPT=(
    [lm3s6965evb]='0x40025410 0x2'
    [hifive1]='0x10012018 0x40000'
)
# The register of such a board's lights, of which the lamp is the first.
declare -A LIGHTS=([mps2_an386]=0x40028000)
# The flash that the micro:bit keeps things in: see firmware/src/board/microbit.x.
FLASH_AT=0x30000 FLASH_LEN=0x10000

# satellite BOARD ELF FOLDER: presses the board's button, from outside where it has pins, and expects a record in the
# satellite's journal, a scenario of the house, and the board's lamp; then kills the daemon, and expects the board to
# take the lamp back by itself.
satellite() {
    local board=$1 elf=$2 folder=$3 state=$3/state
    rm -rf "$folder"
    mkdir -p "$folder"
    power_on "$board" "$elf" "$folder"
    house_on "$folder"
    await "the program on the board" "$folder" grep -q 'runs there' "$folder/daemon.log"
    await "the button" "$folder" in_log "$state" 'porch.button off'
    button 0
    await "the lamp" "$folder" lamp_went raise "$folder"
    await "the scenario in the house's journal" "$folder" in_log "$state" 'porch.lamp on  *by ring'
    await "the press in the satellite's journal" "$folder" in_log "$state/satellites/porch" 'button on '
    button 1
    [[ ! ${FREE[$board]:-} ]] || rewired "$board" "$folder"
    house_off
    await "the lamp's safe level without a host" "$folder" lamp_went lower "$folder"
    [[ ! ${FREE[$board]:-} ]] || turned "$board" "$folder"
    [[ ! ${FREE[$board]:-} ]] || faulted "$board" "$folder"
}

# rewired BOARD FOLDER: has another program take over, in which the button is on another pin and the lamp, which the house holds,
# has another id. The old pin may move then, and the new one is the button.
rewired() {
    local board=$1 folder=$2 old=$BUTTON line pin other
    read -r line pin other <<<"${FREE[$board]}"
    sed -e 's/"BUTTON"/'"$line"'/; s/, { set = "porch.lamp".* }\]/]/' \
        -e "s/^\[satellites.porch.outputs.lamp\]/[satellites.porch.outputs.fan]\nline = $other\n\n&/" \
        firmware/porch.toml >"$folder/porch.toml"
    BUTTON="${old% *} $pin"
    button 1
    kill -HUP "$HOUSE"
    await "the second program" "$folder" ran 2 "$folder"
    echo "set_irq_in $old 0" >&7
    echo "set_irq_in $old 1" >&7
    button 0
    await "the button on its other pin" "$folder" pressed 2 "$folder/state/satellites/porch"
    button 1
}

# turned BOARD FOLDER: behind `rewired`, has a program take over in which the lamp's pin is an input, and moves it.
turned() {
    local board=$1 folder=$2 lamp="${BUTTON% *} $LAMP" line other
    read -r line _ other <<<"${FREE[$board]}"
    sed 's/"BUTTON"/'"$line"'/; s/"CHIME"/'"$other"'/' firmware/porch.toml >"$folder/porch.toml"
    printf '\n[satellites.porch.inputs.hatch]\nline = "CHIME"\n' >>"$folder/porch.toml"
    house_on "$folder"
    await "the third program" "$folder" ran 3 "$folder"
    echo "set_irq_in $lamp 1" >&7
    await "the lamp's pin as an input" "$folder" in_log "$folder/state/satellites/porch" 'hatch on '
    house_off
}

# faulted BOARD FOLDER: behind `turned`, has the board fault, so that it starts anew with the program that is linked in. Pins that
# were inputs of the program before alone interrupt no more (QEMU asks once for one that nobody takes care of, a chip for ever),
# and the house brings its program again.
faulted() {
    local board=$1 folder=$2 state=$2/state/satellites/porch starts presses register
    read -ra register <<<"${INTERRUPT[$board]}"
    starts=$(starts "$folder") presses=$(presses "$state")
    fault "$board"
    press 2
    await "interrupts of its own pins alone behind a fault" "$folder" has "${register[@]}" "$folder"
    house_on "$folder"
    await "a start behind a fault" "$folder" started "$((starts + 1))" "$folder"
    await "the program behind a fault" "$folder" ran 4 "$folder"
    press 1
    await "the button behind a fault" "$folder" pressed "$((presses + 1))" "$state"
    house_off
}

# has REGISTER VALUE FOLDER: whether that is in the board's register.
has() {
    local now
    now=$(memory "$3" readl "$1")
    ((now == $2))
}

# ran TIMES FOLDER: whether programs that the house brought took over so often.
ran() { (($(grep -c 'runs there' "$2/daemon.log") >= $1)); }

# started TIMES FOLDER: whether so many starts of the board came, each however often.
started() { (($(starts "$2") >= $1)); }

# starts FOLDER
starts() { grep -oE 'satellite porch: start [^ ]+ ' "$1/daemon.log" | sort -u | wc -l; }

# satellite_keeps BOARD ELF FOLDER: behind `satellite`, presses the button while the daemon is away, resets the board, cuts
# its power; then starts the daemon again, and expects every press and every record once, and the program as it was.
satellite_keeps() {
    local board=$1 elf=$2 folder=$3 state=$3/state presses=1 said
    press 2
    monitor '{"execute": "system_reset"}'
    # What is pressed while it starts is the level that it finds.
    sleep 4
    press 3
    # What was pressed last is in the flash a moment later.
    sleep 2
    monitor '{"execute": "stop"}'
    rm -f "$folder/flash.bin"
    monitor '{"execute": "memsave", "arguments": {"val": '$((FLASH_AT))', "size": '$((FLASH_LEN))', "filename": "'"$folder"'/flash.bin"}}'
    await "the flash" "$folder" holds "$folder/flash.bin" "$((FLASH_LEN))"
    power_off
    power_on "$board" "$elf" "$folder" "$folder/flash.bin"
    sleep 4
    press 2
    : >"$folder/daemon.log"
    house_on "$folder"
    await "the board" "$folder" grep -q 'satellite porch: start .* is here' "$folder/daemon.log"
    press 1
    presses=$((presses + 2 + 3 + 2 + 1))
    await "all $presses presses" "$folder" pressed "$presses" "$state/satellites/porch"
    house_off
    power_off
    if grep 'runs there' "$folder/daemon.log"; then
        die "$board: the program had to be brought over again"
    fi
    said=$("$CAMPANILE" replay "$state/satellites/porch") || true
    echo "$said" >"$folder/replay.log"
    # A gap or a number that comes twice would end a stretch, and another begin.
    [[ $(grep -c '^  [0-9]' <<<"$said") == 3 && $(grep -c '^  [0-9a-f-]*/1 to ' <<<"$said") == 3 ]] ||
        die "$board: its records are not all there, or not once: $said"
    # The first began with the program that was linked in, which the house does not know.
    [[ $(grep -c 'the same$' <<<"$said") == 2 ]] || die "$board: its log comes to other bytes here: $said"
    say "$board: reset and without power while the daemon is away: all $presses presses and all records of its three starts are" \
        "in the daemon's journal once, and come to the same bytes there; its program is as it was"
}

# spoilt BOARD ELF FOLDER: the board and the daemon at the two ends of a bad line, over which the program comes, too; the daemon is
# killed and the board reset meanwhile. Every press and every record comes into the journal, none twice, and no command is
# carried out twice.
spoilt() {
    local board=$1 elf=$2 folder=$3/spoilt state=$3/spoilt/state presses=0 round n off said faults made=0 count
    local porch=$state/satellites/porch
    need python3
    rm -rf "$folder"
    mkdir -p "$folder"
    # Both edges of every press bring a command.
    cat firmware/porch.toml - >"$folder/porch.toml" <<'EOF'

[[scenarios]]
name = "rest"
when = [{ input = "porch.button", to = "off" }]
do = [{ set = "porch.lamp", to = "off" }]
EOF
    BOARD_PORT=$(free_port)
    power_on "$board" "$elf" "$folder"
    line_on "$folder" 7
    house_on "$folder"
    await "the program, over a bad line" "$folder" grep -q 'runs there' "$folder/daemon.log"
    await "the button, over a bad line" "$folder" in_log "$state" 'porch.button off'
    for round in kill reset none; do
        # The daemon is killed, and the board reset, while the last one may still be on its way.
        for ((n = 0; n < 6; n++)); do
            await "press $presses, over a bad line" "$folder" pressed "$presses" "$porch"
            press 1
            presses=$((presses + 1))
        done
        case $round in
            kill)
                house_off
                press 2
                presses=$((presses + 2))
                house_on "$folder"
                ;;
            reset)
                monitor '{"execute": "system_reset"}'
                # What is pressed while it starts is the level that it finds.
                await "the board's start, over a bad line" "$folder" started 2 "$folder"
                ;;
        esac
    done
    await "all $presses presses, over a bad line" "$folder" pressed "$presses" "$porch"
    house_off
    line_off
    power_off
    unset BOARD_PORT
    pressed "$((presses + 1))" "$porch" && die "$board: over a bad line presses came twice: see $folder"
    said=$("$CAMPANILE" log --state "$porch" --verbose)
    off=$(grep -c 'command set lamp off' <<<"$said" || true)
    said=$(grep -oE 'command done .* id [0-9]+' <<<"$said" | sort)
    n=$(grep -c . <<<"$said" || true)
    # Two edges that are quicker than the line come to one command.
    ((n >= presses && off >= presses / 2)) ||
        die "$board: over a bad line $presses presses made only $n commands, $off of them off: see $folder"
    said=$(uniq -d <<<"$said")
    [[ ! $said ]] || die "$board: over a bad line these commands took effect twice: $said"
    said=$("$CAMPANILE" replay "$porch") || true
    echo "$said" >"$folder/replay.log"
    # A gap or a number that comes twice would end a stretch, and another begin.
    [[ $(grep -c '^  [0-9]' <<<"$said") == 2 && $(grep -c '^  [0-9a-f-]*/1 to ' <<<"$said") == 2 ]] ||
        die "$board: over a bad line its records are not all there, or not once: $said"
    read -ra faults < <(tail -n 1 "$folder/line.log")
    for count in "${faults[@]:4}"; do
        made=$((made + count))
    done
    ((made >= 5)) || die "$board: the line was not bad: ${faults[*]}"
    # All kinds have come round before one comes again.
    ((made < ${#faults[@]} - 4)) || [[ " ${faults[*]:4} " != *" 0 "* ]] || die "$board: a kind of fault was not dealt: ${faults[*]}"
    say "$board at the end of a bad line (${faults[4]} bytes lost, ${faults[5]} doubled, ${faults[6]} swapped, ${faults[7]} changed," \
        "${faults[8]} bursts cut, ${faults[9]} held up), the daemon killed and the board reset: all $presses presses and all records" \
        "are in the journal once, and none of $n commands took effect twice"
}

# times FOLDER: how long it took on the board's clock, from its journal, from the link to the program that came over it, and
# from a press to the command that the house's scenario gave. QEMU's lines have no baud rate: on a wire 87 us a byte come
# on top.
times() {
    "$CAMPANILE" log --state "$1/state/satellites/porch" --json |
        sed -nE 's/^\{"at":([0-9]+),.*"text":"([^"]*)".*/\1 \2/p' |
        awk '/ link .* up/ && !up { up = $1 }
            / program installed/ && !swapped { swapped = $1 - up }
            / button edge on/ && !edge { edge = $1 }
            / command set lamp on/ && !told { told = $1 - edge }
            END { printf "a program over the link %.0f ms, from a press to the command of its scenario %.0f ms", swapped / 1000, told / 1000 }'
}

# speaks ELF FOLDER: whether `link monitor` shows what the firmware said of itself, in words.
speaks() {
    local monitor words
    "$CAMPANILE" link monitor porch --elf "$1" --state "$2/state" >"$2/monitor.log" 2>&1 &
    monitor=$!
    for words in 'the host is there: true' 'program [0-9a-f]\{16\} has taken over'; do
        wait_for 60 grep -q "^defmt [0-9.]* INFO  $words\$" "$2/monitor.log" ||
            die "the monitor does not show what the firmware says: $(cat "$2/monitor.log")"
    done
    kill "$monitor"
    wait "$monitor" 2>/dev/null || true
}

# deepest ELF FOLDER: how many bytes of its stack the board has used, and how many there are.
deepest() {
    local end start answer
    end=$((16#$(symbol "$1" __sheap))) start=$((16#$(symbol "$1" _stack_start)))
    answer=$(memory "$2" read "$(printf '%#x %#x' "$end" "$((start - end))")")
    [[ $answer =~ ^0x(0*) ]]
    echo "$((start - end - ${#BASH_REMATCH[1]} / 2)) $((start - end))"
}

# More arguments for QEMU.
QEMU_ALSO=()

# power_on BOARD ELF FOLDER [FLASH]: starts the board, its button released, with this flash; its serial line waits for a
# house, at the port that porch.toml names or at BOARD_PORT; what it sends is left in line.bin, too.
power_on() {
    local board=$1 elf=$2 folder=$3 gpio machine load=()
    FOLDER=$folder
    # Another firmware of this board takes its place later.
    cp "$elf" "$folder/firmware.elf"
    read -ra machine <<<"${MACHINES[$board]}"
    read -r gpio BUTTON LAMP <<<"${PINS[$board]:-}"
    LIGHT=${LIGHTS[$board]:-}
    [[ -z ${4:-} ]] || load=(-device "loader,file=$4,addr=$FLASH_AT,force-raw=on")
    rm -f "$folder"/{pins,qmp}.{in,out}
    mkfifo "$folder"/{pins,qmp}.{in,out}
    "${machine[@]}" -accel tcg -display none -monitor none -kernel "$elf" "${load[@]}" "${QEMU_ALSO[@]}" \
        -chardev "socket,id=line,host=127.0.0.1,port=${BOARD_PORT:-25871},server=on,wait=off,logfile=$folder/line.bin,logappend=on" \
        -serial chardev:line -qtest "pipe:$folder/pins" -qtest-log none \
        -qmp "pipe:$folder/qmp" </dev/null 2>"$folder/qemu.log" &
    QEMU=$!
    # Both ways, so that this does not wait for a board that did not start.
    exec 7<>"$folder/pins.in" 8<>"$folder/qmp.in"
    cat "$folder/pins.out" >"$folder/pins.log" &
    cat "$folder/qmp.out" >"$folder/qmp.log" &
    trap leave EXIT
    if [[ $gpio ]]; then
        BUTTON="$gpio unnamed-gpio-in $BUTTON"
        echo "irq_intercept_out $gpio" >&7
    fi
    button 1
    monitor '{"execute": "qmp_capabilities"}'
}

power_off() {
    kill -9 "$QEMU"
    wait "$QEMU" 2>/dev/null || true
    exec 7>&- 8>&-
}

# leave: this shell ends. What it has started and not ended is; if something failed, what the board that was on last has said of
# itself is left in words.
leave() {
    if (($?)); then
        timeout 3 "$CAMPANILE" link monitor porch --elf "$FOLDER/firmware.elf" --state "$FOLDER/state" \
            >"$FOLDER/monitor.log" 2>&1 || true
    fi
    # shellcheck disable=SC2046 # these are several
    kill -9 $(jobs -pr) 2>/dev/null || true
}

# button 0|1: the level of its line, if anybody can press it; 0 is pressed.
button() { [[ ! $BUTTON ]] || echo "set_irq_in $BUTTON $1" >&7; }

# lamp_went raise|lower FOLDER: whether its pin did, or its light is on, or off again.
lamp_went() {
    if [[ ! $LIGHT ]]; then
        grep -q "IRQ $1 $LAMP" "$2/pins.log"
        return
    fi
    local lights
    lights=$(memory "$2" readl "$LIGHT")
    case $1 in
        raise) ((lights & 1)) ;;
        lower) ((!(lights & 1))) ;;
    esac
}

# memory FOLDER COMMAND...: what QEMU answers to this about the board's memory, in hexadecimal. A board without pins says
# nothing in between; of others nobody moves one now.
memory() {
    local log=$1/pins.log before
    before=$(wc -l <"$log")
    shift
    echo "$*" >&7
    wait_for 60 more_lines "$before" "$log" || die "QEMU does not tell: $*"
    sed -n "$((before + 1)),\$s/^OK //p" "$log"
}

# more_lines LINES FILE
more_lines() { (($(wc -l <"$2") > $1)); }

# line_on FOLDER [SEED]: connects the port that porch.toml names with the board at BOARD_PORT, as soon as that listens, at 115,200
# baud; with a seed by a bad line.
line_on() {
    python3 ci/lib/baud.py 25871 "$BOARD_PORT" 115200 ${2:+"$2"} >>"$1/line.log" &
    LINE=$!
    wait_for 40 listens 25871 || die "nobody listens for the house"
}

line_off() {
    kill "$LINE"
    wait "$LINE" || true
}

# press TIMES [SECONDS]: presses it, and lets it go, each for so long.
press() {
    local n
    for ((n = 0; n < $1; n++)); do
        button 0
        sleep "${2:-0.5}"
        button 1
        sleep "${2:-0.5}"
    done
}

# monitor COMMAND: tells QEMU.
monitor() { echo "$1" >&8; }

# house_on FOLDER: starts the daemon with the house that is there, or else firmware/porch.toml, and its state there.
house_on() {
    [[ -e $1/porch.toml ]] || cp firmware/porch.toml "$1"
    "$CAMPANILE" run "$1/porch.toml" --state "$1/state" 2>>"$1/daemon.log" &
    HOUSE=$!
}

house_off() {
    kill -9 "$HOUSE"
    wait "$HOUSE" 2>/dev/null || true
}

in_log() { "$CAMPANILE" log --state "$1" 2>/dev/null | grep -q "$2"; }

# pressed TIMES STATE: whether the button was pressed so often, as far as the journal goes.
pressed() { (($(presses "$2") >= $1)); }

# presses STATE
presses() { "$CAMPANILE" log --state "$1" 2>/dev/null | grep -c 'button on '; }

# holds FILE BYTES
holds() { [[ $(stat -c %s "$1" 2>/dev/null) == "$2" ]]; }

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

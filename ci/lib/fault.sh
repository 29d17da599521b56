# shellcheck shell=bash
# A fault of an emulated board: over the socket on which QEMU speaks the protocol of GDB.

# The number by which GDB's protocol knows a board's program counter, in hexadecimal.
declare -A COUNTER=([lm3s6965evb]=f [hifive1]=20)

# fault BOARD: has its processor go on where there is no memory, as soon as it does anything.
fault() {
    local port words
    port=$(free_port)
    monitor '{"execute": "human-monitor-command", "arguments": {"command-line": "gdbserver tcp:127.0.0.1:'"$port"'"}}'
    # The one connection that QEMU takes: it stops the processor, and says so.
    wait_for 40 connects "$port" || die "QEMU lets nobody at the board's registers"
    answers T02
    # Registers have their numbers once they were asked for.
    for words in 'qXfer:features:read:target.xml:0,1 m' "P${COUNTER[$1]}=000000e0 OK" 'D OK'; do
        packet "${words% *}" >&9
        answers "${words#* }"
    done
    exec 9>&-
}

# connects PORT: with this port, for reading and writing at 9.
connects() { { exec 9<>"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null; }

# packet WORDS: as GDB's protocol has them, with the sum of their bytes.
packet() {
    local n sum=0
    for ((n = 0; n < ${#1}; n++)); do
        sum=$((sum + $(printf '%d' "'${1:n:1}")))
    done
    # shellcheck disable=SC2016 # the protocol's own
    printf '$%s#%02x' "$1" "$((sum % 256))"
}

# answers WORDS: the next packet from there begins with these.
answers() {
    local said
    IFS= read -r -d '#' -t 40 -u 9 said || die "QEMU does not say '$1'"
    [[ ${said#*$} == "$1"* ]] || die "QEMU does not say '$1' but '$said'"
}

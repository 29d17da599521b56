# shellcheck shell=bash
# Whether a receiver got everything: by the identity of each message, (topic, boot, seq).

# identities: of lines that hold a topic and a message, `topic boot seq`, the first time only.
identities() {
    sed -nE 's/^(\{"topic":")?([^" ]+)"?[, ].*"boot":"([^"]+)".*"seq":([0-9]+).*/\2 \3 \4/p' | awk '!seen[$0]++'
}

# delivered WRITTEN RECEIVED: what a file sink wrote has come to an MQTT subscriber (lines of
# `topic payload`): all of it, in the same order, and nothing else. Says how much it was.
delivered() {
    local written=$1 received=$2 repeats
    identities <"$written" >"$written.ids"
    identities <"$received" >"$received.ids"
    [[ -s $written.ids ]] || die "the file sink wrote nothing: $written"
    if ! diff "$written.ids" "$received.ids" >"$received.diff"; then
        head -n 20 "$received.diff"
        die "what the broker's subscriber got (>) is not what the file sink wrote (<): $received.diff"
    fi
    repeats=$(($(grep -c '"seq"' "$received") - $(wc -l <"$received.ids")))
    say "$(wc -l <"$received.ids") messages of $(cut -d' ' -f2 "$received.ids" | sort -u | wc -l) boots delivered in order, $repeats repeated"
}

#!/usr/bin/env bash
# The README keeps its word: its start works as it is written, its commands exist, its houses compile,
# and the links of all documents lead somewhere.

# shellcheck source=ci/lib/common.sh
source "$(dirname "$0")/lib/common.sh"
no_arguments "$@"

OUT=$ARTEFACTS/readme
rm -rf "$OUT"
mkdir -p "$OUT"

# blocks LANGUAGE: the lines of all fenced blocks of this language.
blocks() { sed -n "/^\`\`\`$1\$/,/^\`\`\`\$/p" README.md | grep -v '^```'; }

# The two commands of the start. `demo` runs until someone has seen enough: three seconds here.
for command in "cargo run --release -- demo" "ci/all.sh"; do
    blocks sh | grep -q "^$command\( *#.*\)\?\$" || die "the README does not show '$command'"
done
cargo build --quiet --locked --release
cargo run --quiet --locked --release -- demo --for 3s >"$OUT/demo.log" 2>&1 </dev/null ||
    die "the demo fails: $(tail -n 20 "$OUT/demo.log")"
[[ -s $OUT/demo.log ]] || die "the demo shows nothing"
say "the demo ran: $(wc -l <"$OUT/demo.log") lines"

# Every command that it names is there, and knows the options that it is given. They are not run: they need pins, a
# daemon, or a night.
campanile=$CARGO_TARGET_DIR/release/campanile
commands=0
while read -r command arguments; do
    knows=$("$campanile" "$command" --help) || die "the README names 'campanile $command', which there is not"
    while read -r option; do
        grep -qE -- "(^|[ ,])$option\b" <<<"$knows" ||
            die "the README gives 'campanile $command' the option $option, which it does not know"
    done < <(grep -oE -- '(^| )--?[a-z][a-z-]*' <<<"$arguments")
    commands=$((commands + 1))
done < <(blocks sh | sed -nE 's/ +#.*//; s/^(sudo )?campanile //p; s/^cargo run --release -- //p')
((commands)) || die "no command was found in the README"
say "$commands commands are as the README has them"

# Every whole house in it: a block that names a node.
block=
houses=0
while IFS= read -r line; do
    if [[ $line == '```toml' ]]; then
        block=$OUT/house.toml
        : >"$block"
    elif [[ $line == '```' && $block ]]; then
        if grep -q '^\[node\]' "$block"; then
            "$campanile" check "$block" >"$OUT/check.log" 2>&1 || die "a house of the README is wrong: $(cat "$OUT/check.log")"
            houses=$((houses + 1))
        fi
        block=
    elif [[ $block ]]; then
        printf '%s\n' "$line" >>"$block"
    fi
done <README.md
say "$houses houses compile"

# From each document to where it leads, seen from its own folder; what stands in a fenced block is no link.
links=0
while read -r document; do
    while read -r target; do
        [[ -e $(dirname "$document")/${target%%#*} ]] || die "$document leads to '$target', which there is not"
        links=$((links + 1))
    done < <(sed "/^ *\`\`\`/,/^ *\`\`\`/d" "$document" | grep -oE '\]\([^)]+\)' | sed 's/^](//; s/)$//' | grep -vE '^(https?:|#|mailto:)')
done < <(git ls-files '*.md')
((links)) || die "no link was found in the documents"
say "$links links of the documents lead somewhere"

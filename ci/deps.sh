#!/usr/bin/env bash
# What deny.toml demands of the dependencies, from cargo's own knowledge of them: licences, bans and
# sources. Two versions of a package are named, and are no failure.

# shellcheck source=ci/lib/common.sh
source "$(dirname "$0")/lib/common.sh"
no_arguments "$@"

# list KEY: the strings of the array KEY of deny.toml.
list() { sed -n "/^$1 = \[/,/^\]/p" deny.toml | sed '1d;$d' | grep -o '"[^"]*"' | tr -d '"'; }

# The workspaces whose programs run somewhere.
MANIFESTS=(Cargo.toml firmware/Cargo.toml)

# trees OPTION...: what cargo says of each workspace, with every feature and target.
trees() {
    local manifest
    for manifest in "${MANIFESTS[@]}"; do
        cargo tree --locked --workspace --all-features --target all --manifest-path "$manifest" "$@"
    done
}

# Every package that can come in, except those for development alone.
packages() { trees -e normal,build --prefix none --format "$1"; }

failed=
complain() {
    echo "$*"
    failed=yes
}

banned=$(list deny)
names=$(packages '{p}' | cut -d' ' -f1 | sort -u)
[[ $banned && $names ]] || die "nothing to compare: is deny.toml or Cargo.lock empty?"
while read -r name; do
    complain "$name is banned by deny.toml and comes in by:" "$(trees -i "$name" 2>/dev/null || true)"
done < <(comm -12 <(sort <<<"$banned") <(echo "$names"))

# An expression is accepted if each part of an AND offers one licence that is allowed.
while IFS='|' read -r package licence; do
    complain "$package: its licence '$licence' is not allowed by deny.toml"
done < <(packages '{p}|{l}' | sed 's/ (\*)$//; /^$/d' | sort -u | awk -F'|' -v allowed="$(list allow)" '
    BEGIN { n = split(allowed, list, "\n"); for (i = 1; i <= n; i++) ok[list[i]] = 1 }
    {
        expression = $2
        gsub(/ *\/ */, " OR ", expression)
        parts = split(expression, part, / AND /)
        fine = parts > 0
        for (i = 1; i <= parts; i++) {
            gsub(/[()]/, "", part[i])
            choices = split(part[i], choice, / OR /)
            one = 0
            for (j = 1; j <= choices; j++) if (choice[j] in ok) one = 1
            if (!one) fine = 0
        }
        if (!fine) print
    }')

if grep -h '^source = ' "${MANIFESTS[@]/%toml/lock}" | grep -vF 'registry+https://github.com/rust-lang/crates.io-index'; then
    complain "a dependency comes from elsewhere than crates.io"
fi

say "$(wc -l <<<"$names") packages; in two versions: $(packages '{p}' | cut -d' ' -f1,2 | sort -u | cut -d' ' -f1 | uniq -d | paste -sd' ')"
[[ -z $failed ]]

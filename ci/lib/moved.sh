# shellcheck shell=bash
# The house that is moved: two satellites, and another file in which they have exchanged their ports.

# moved_house FOLDER: writes rooms.toml and rooms-moved.toml there.
moved_house() {
    mkdir -p "$1"
    cat "$ROOT"/tests/houses/satellites/{hall,porch,shed}.toml >"$1/rooms.toml"
    sed 's/ttyACM0/ttyACM_/; s/ttyACM1/ttyACM0/; s/ttyACM_/ttyACM1/' "$1/rooms.toml" >"$1/rooms-moved.toml"
}

#!/usr/bin/env bash
# Prints the size of the library as it ships, stripped and with its model, and what it costs. Features as arguments: measure.sh wide
set -euo pipefail
cd "$(dirname "$0")/../.."
target=${CARGO_TARGET_DIR:-target}

cargo build --quiet --profile mobile --package veravox-mobile --lib --features "$*"
cargo build --quiet --profile mobile --package veravox-mobile --example measure --features "$*"
for library in "$target"/mobile/libveravox_mobile.{so,dylib}; do
    if [ -e "$library" ]; then
        bytes=$(wc -c < "$library")
        echo "$library: $bytes bytes, $((bytes / 10000)) hundredths of a MB, with: ${*:-nothing more}"
    fi
done
for _ in 1 2 3 4 5; do
    "$target/mobile/examples/measure" testdata/calls/03-bank-card.alaw.wav
done

#!/usr/bin/env bash
# Builds the native library, what it is held to, and the Swift package on them, and runs the tests and the example. Wants cargo and
# Swift 6 on the PATH, on Linux; nothing is fetched but crates.
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd ../../.. && pwd)
target=${CARGO_TARGET_DIR:-$root/target}

cargo build --manifest-path "$root/Cargo.toml" --target-dir "$target" --release --package veravox-mobile
export VERAVOX_EXPECTED=$target/mobile-expected.json
cargo run --manifest-path "$root/Cargo.toml" --target-dir "$target" --release --quiet --package veravox-mobile \
    --example expected "$VERAVOX_EXPECTED"

flags=(-Xlinker "-L$target/release" -Xlinker -rpath -Xlinker "$target/release")
swift build "${flags[@]}"
swift test "${flags[@]}"
swift run "${flags[@]}" VerdictExample "$root/testdata/calls/03-bank-card.alaw.wav" | tee /dev/stderr | grep -q '^leg 0: a machine, llr '

#!/usr/bin/env bash
# Builds the native library, what it is held to, and the Swift package on them, and runs the tests and the example. Wants cargo and
# Swift 6 on the PATH, on Linux; nothing is fetched but crates.
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd ../../.. && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
cargo=(--manifest-path "$root/Cargo.toml" --target-dir "$target" --release --package veravox-mobile)

cargo build "${cargo[@]}"
export VERAVOX_EXPECTED=$target/mobile-expected.json
cargo run "${cargo[@]}" --quiet --example expected "$VERAVOX_EXPECTED"

flags=(-Xlinker "-L$target/release" -Xlinker -rpath -Xlinker "$target/release")
swift build "${flags[@]}"
swift test "${flags[@]}"
call=$root/testdata/calls/12-refund-one-way.alaw.wav
said=$(swift run "${flags[@]}" VerdictExample "$call")
echo "$said"
cargo run "${cargo[@]}" --quiet --example said "$call" "$said"

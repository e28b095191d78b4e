#!/usr/bin/env bash
# Makes build/veravoxFFI.xcframework for iOS, its simulator and macOS. Wants a Mac with Xcode, and the targets of rustup below.
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd ../../.. && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
features=${VERAVOX_FEATURES:-}
library=libveravox_mobile.a

for triple in aarch64-apple-ios aarch64-apple-ios-sim x86_64-apple-ios aarch64-apple-darwin x86_64-apple-darwin; do
    rustup target add "$triple"
    IPHONEOS_DEPLOYMENT_TARGET=16.0 MACOSX_DEPLOYMENT_TARGET=13.0 cargo rustc --manifest-path "$root/Cargo.toml" \
        --target-dir "$target" --profile mobile --features "$features" --package veravox-mobile --lib \
        --crate-type staticlib --target "$triple"
done

rm -rf build
mkdir -p build/headers/veravoxFFI build/simulator build/macos
# A folder of its own, so that the module maps of two such frameworks in one app do not meet.
cp Sources/veravoxFFI/veravoxFFI.h Sources/veravoxFFI/module.modulemap build/headers/veravoxFFI/
lipo -create "$target/aarch64-apple-ios-sim/mobile/$library" "$target/x86_64-apple-ios/mobile/$library" \
    -output "build/simulator/$library"
lipo -create "$target/aarch64-apple-darwin/mobile/$library" "$target/x86_64-apple-darwin/mobile/$library" \
    -output "build/macos/$library"
xcodebuild -create-xcframework \
    -library "$target/aarch64-apple-ios/mobile/$library" -headers build/headers \
    -library "build/simulator/$library" -headers build/headers \
    -library "build/macos/$library" -headers build/headers \
    -output build/veravoxFFI.xcframework

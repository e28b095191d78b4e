#!/usr/bin/env bash
# Builds the native library for Android's processors into build/jniLibs. Wants cargo-ndk (cargo install cargo-ndk), an NDK that
# ANDROID_NDK_HOME names, r27 or newer, and the targets of rustup below.
#
# VERAVOX_FEATURES adds to the small library: onnxruntime, wide, formats, all-operators.
set -euo pipefail
cd "$(dirname "$0")"
out=$PWD/build/jniLibs
features=${VERAVOX_FEATURES:-}

cd ../../..
rustup target add aarch64-linux-android armv7-linux-androideabi x86_64-linux-android
cargo ndk --target arm64-v8a --target armeabi-v7a --target x86_64 --platform 28 --output-dir "$out" \
    rustc --profile mobile --package veravox-mobile --features "$features" --lib --crate-type cdylib

#!/bin/sh
# Installs libveravox as cargo-c would, of what `cargo build --release` has built: header, shared library with its soname,
# static library, pkg-config and CMake files. A script of our own, since cargo-c brings all of cargo to compile.
#
#   bindings/c/install.sh [--prefix DIR] [--libdir DIR] [--destdir DIR] [--target DIR]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
prefix=/usr/local libdir= destdir= target=${CARGO_TARGET_DIR:-$here/../../target}/release
while [ $# -gt 0 ]; do
    case $1 in
        --prefix) prefix=$2 ;;
        --libdir) libdir=$2 ;;
        --destdir) destdir=$2 ;;
        --target) target=$2 ;;
        *) sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
    esac
    shift 2
done
: "${libdir:=$prefix/lib}"

version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$here/../../Cargo.toml" | head -n 1)
major=${version%%.*} rest=${version#*.}
minor=${rest%%.*}
soversion=0
for built in libveravox.so libveravox.a; do
    [ -e "$target/$built" ] || { echo "there is no $target/$built: run cargo build --release" >&2; exit 1; }
done

fill() {
    sed -e "s|@prefix@|$prefix|g" -e "s|@libdir@|$libdir|g" -e "s|@version@|$version|g" -e "s|@soversion@|$soversion|g" \
        -e "s|@major@|$major|g" -e "s|@minor@|$minor|g" "$here/packaging/$1.in"
}

lib=$destdir$libdir
mkdir -p "$lib/pkgconfig" "$lib/cmake/veravox" "$destdir$prefix/include/veravox"
install -m 644 "$here/include/veravox/veravox.h" "$destdir$prefix/include/veravox/"
install -m 644 "$target/libveravox.a" "$lib/"
install -m 755 "$target/libveravox.so" "$lib/libveravox.so.$version"
strip --strip-unneeded "$lib/libveravox.so.$version"
ln -sf "libveravox.so.$version" "$lib/libveravox.so.$soversion"
ln -sf "libveravox.so.$soversion" "$lib/libveravox.so"
fill veravox.pc > "$lib/pkgconfig/veravox.pc"
fill veravoxConfig.cmake > "$lib/cmake/veravox/veravoxConfig.cmake"
fill veravoxConfigVersion.cmake > "$lib/cmake/veravox/veravoxConfigVersion.cmake"

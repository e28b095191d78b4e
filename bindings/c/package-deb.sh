#!/bin/sh
# Debian packages of what `cargo build --release` has built: libveravox0 (the shared library), libveravox-dev (what programs are
# built with) and veravox (the command).
#
#   bindings/c/package-deb.sh OUT_DIR
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:?where the packages go}
compression=${VERAVOX_DEB_COMPRESSION:-xz}
target=${CARGO_TARGET_DIR:-$here/../../target}/release
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$here/../../Cargo.toml" | head -n 1)
arch=$(dpkg --print-architecture)
multiarch=$(dpkg-architecture -qDEB_HOST_MULTIARCH)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"

# What it is linked against says which C library it needs at least.
glibc=$(objdump -T "$target/libveravox.so" "$target/veravox" | sed -n 's/.*GLIBC_\([0-9.]*\).*/\1/p' | sort -V | tail -n 1)

"$here/install.sh" --prefix /usr --libdir "/usr/lib/$multiarch" --destdir "$work/all" --target "$target"
lib=usr/lib/$multiarch
mkdir -p "$work/libveravox0/$lib" "$work/libveravox-dev" "$work/veravox/usr/bin"
mv "$work/all/$lib"/libveravox.so.* "$work/libveravox0/$lib/"
mv "$work/all/usr" "$work/libveravox-dev/"
install -m 755 "$target/veravox" "$work/veravox/usr/bin/veravox"
strip "$work/veravox/usr/bin/veravox"

build() {
    name=$1 section=$2 depends=$3 summary=$4
    folder=$work/$name
    install -D -m 644 "$here/../../LICENSE-MIT" "$folder/usr/share/doc/$name/copyright"
    printf '\n\n' >> "$folder/usr/share/doc/$name/copyright"
    cat "$here/../../LICENSE-APACHE" >> "$folder/usr/share/doc/$name/copyright"
    mkdir "$folder/DEBIAN"
    cat > "$folder/DEBIAN/control" <<CONTROL
Package: $name
Version: $version
Architecture: $arch
Multi-Arch: same
Section: $section
Priority: optional
Maintainer: The veravox developers <veravox@localhost>
Homepage: https://github.com/veravox/veravox
Installed-Size: $(du -sk --exclude=DEBIAN "$folder" | cut -f 1)
Depends: $depends
Description: $summary
 veravox tells a synthetic voice from a human one in recordings of phone
 calls and in calls that go on, leg by leg.
CONTROL
    if [ "$name" = veravox ]; then sed -i '/^Multi-Arch/d' "$folder/DEBIAN/control"; fi
    if [ "$name" = libveravox0 ]; then echo 'activate-noawait ldconfig' > "$folder/DEBIAN/triggers"; fi
    dpkg-deb --root-owner-group -Z"$compression" --build "$folder" "$out/${name}_${version}_$arch.deb" >/dev/null
}
build libveravox0 libs "libc6 (>= $glibc), libgcc-s1" "synthetic voices in phone calls: shared library"
build libveravox-dev libdevel "libveravox0 (= $version), libc6-dev" "synthetic voices in phone calls: header and static library"
build veravox sound "libc6 (>= $glibc), libgcc-s1" "synthetic voices in phone calls: command"

#!/bin/sh
# A Debian package of the gateway as `cargo build --release -p veravox-gateway` has built it.
#
#   bindings/gateway/packaging/package-deb.sh OUT_DIR
#
#   /usr/bin/veravox-gateway                                the program
#   /etc/veravox/gateway.toml                               its configuration: every key, with its default
#   /usr/lib/systemd/system/veravox-gateway.service         the unit; it is not started by the installation
#   /usr/lib/sysusers.d/veravox-gateway.conf                its user
#   /var/lib/veravox                                        its folder, made by systemd: the webhook's spool
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:?where the package goes}
compression=${VERAVOX_DEB_COMPRESSION:-xz}
target=${CARGO_TARGET_DIR:-$here/../../../target}/release
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$here/../../../Cargo.toml" | head -n 1)
arch=$(dpkg --print-architecture)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"

# What it is linked against says which C library it needs at least.
glibc=$(objdump -T "$target/veravox-gateway" | sed -n 's/.*GLIBC_\([0-9.]*\).*/\1/p' | sort -V | tail -n 1)

folder=$work/veravox-gateway
install -D -m 755 "$target/veravox-gateway" "$folder/usr/bin/veravox-gateway"
strip "$folder/usr/bin/veravox-gateway"
install -D -m 644 "$here/veravox-gateway.service" "$folder/usr/lib/systemd/system/veravox-gateway.service"
install -D -m 644 "$here/veravox-gateway.sysusers" "$folder/usr/lib/sysusers.d/veravox-gateway.conf"
install -d -m 755 "$folder/etc/veravox" "$folder/DEBIAN"
"$target/veravox-gateway" --print-config > "$folder/etc/veravox/gateway.toml"
chmod 644 "$folder/etc/veravox/gateway.toml"
install -D -m 644 "$here/../../../LICENSE-MIT" "$folder/usr/share/doc/veravox-gateway/copyright"
printf '\n\n' >> "$folder/usr/share/doc/veravox-gateway/copyright"
cat "$here/../../../LICENSE-APACHE" >> "$folder/usr/share/doc/veravox-gateway/copyright"
echo /etc/veravox/gateway.toml > "$folder/DEBIAN/conffiles"
cat > "$folder/DEBIAN/control" <<CONTROL
Package: veravox-gateway
Version: $version
Architecture: $arch
Section: comm
Priority: optional
Maintainer: The veravox developers <veravox@localhost>
Homepage: https://github.com/veravox/veravox
Installed-Size: $(du -sk --exclude=DEBIAN "$folder" | cut -f 1)
Depends: libc6 (>= $glibc), libgcc-s1
Recommends: ca-certificates, systemd
Description: synthetic voices in phone calls: gateway beside a phone system
 veravox-gateway listens to calls that Asterisk, FreeSWITCH, Twilio and others
 bring over the network, and says which voices are synthetic.
CONTROL
cat > "$folder/DEBIAN/postinst" <<'POSTINST'
#!/bin/sh
set -e
if [ "$1" = configure ] && [ -d /run/systemd/system ]; then
    systemd-sysusers veravox-gateway.conf
    systemctl daemon-reload
fi
POSTINST
chmod 755 "$folder/DEBIAN/postinst"
dpkg-deb --root-owner-group -Z"$compression" --build "$folder" "$out/veravox-gateway_${version}_$arch.deb" >/dev/null

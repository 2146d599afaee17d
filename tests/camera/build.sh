#!/usr/bin/env bash
# Builds a Debian trixie with libcamera and picamera2 in an empty folder: build.sh PYTHON ROOT
#
# Everything comes from where this machine gets its packages. The mirror is that of the machine's own Debian sources,
# reached with apt's proxy, certificates and logins, which are taken out again at the end; PyPI is reached by PYTHON's pip
# as it is set up here. trixie-backports' libcamera, because trixie's own 0.4.0 delivers uninitialised metadata and hangs.
set -euo pipefail
python=$1 root=$2
here=$(cd "$(dirname "$0")" && pwd)
say() { echo "test-camera: $*"; }
fail() { echo "test-camera: $*" >&2; exit 1; }

mirror_of_this_machine() {
  apt-get indextargets --format '$(ORIGIN)|$(CODENAME)|$(COMPONENT)|$(REPO_URI)' 'Created-By: Packages' |
    awk -F'|' '$1 == "Debian" && $2 !~ /-/ && $3 == "main" { print $4; exit }'
}
mirror=$(mirror_of_this_machine)
if [ -z "$mirror" ]; then
  apt-get update -qq
  mirror=$(mirror_of_this_machine)
fi
[ -n "$mirror" ] || fail "no Debian among this machine's apt sources: run it on Debian or Raspberry Pi OS"

# debootstrap fetches with wget, which knows no apt.conf.
eval "$(apt-config shell http_proxy Acquire::http::Proxy https_proxy Acquire::https::Proxy)"
export http_proxy=${http_proxy:-} https_proxy=${https_proxy:-}
log=$root.log
quietly() { "$@" >>"$log" 2>&1 || { tail -n 25 "$log" >&2; fail "failed: $1 … (the log's end is above)"; }; }

say "Debian trixie …"
quietly debootstrap --variant=minbase trixie "$root" "$mirror"

inside() {
  env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
    http_proxy="$http_proxy" https_proxy="$https_proxy" chroot "$root" "$@"
}
lend() { # machine's files that the chroot needs while it is built, at the same places
  for file in "$@"; do
    [ -e "$file" ] || continue
    mkdir -p "$root$(dirname "$file")"
    cp -aL "$file" "$root$(dirname "$file")/"
    lent+=("$root$file")
  done
}
lent=()
lend /etc/resolv.conf /etc/hosts /etc/apt/auth.conf /etc/apt/auth.conf.d /etc/ssl/certs/ca-certificates.crt
apt-config dump Acquire | grep -v -e IndexTargets -e Auto-Detect >"$root/etc/apt/apt.conf.d/90machine"
lent+=("$root/etc/apt/apt.conf.d/90machine")
eval "$(apt-config shell authority Acquire::https::CaInfo)"
lend ${authority:+"$authority"}
cat >"$root/etc/apt/apt.conf.d/80small" <<'END'
APT::Install-Recommends "false";
Acquire::Languages "none";
END
cat >"$root/etc/dpkg/dpkg.cfg.d/small" <<'END'
force-unsafe-io
path-exclude=/usr/share/doc/*
path-exclude=/usr/share/man/*
path-exclude=/usr/share/locale/*
END
echo "deb $mirror trixie-backports main" >"$root/etc/apt/sources.list.d/backports.list"

say "libcamera …"
quietly inside apt-get update -q
compiler=(gcc libc6-dev python3-dev) # for PiDNG, which comes as source
quietly inside apt-get install -y -q -t trixie-backports python3-libcamera
quietly inside apt-get install -y -q python3-venv python3-prctl python3-numpy "${compiler[@]}"

say "picamera2 …"
case $(dpkg --print-architecture) in
  amd64) machine=x86_64 ;;
  arm64) machine=aarch64 ;;
  *) fail "no picamera2 for $(dpkg --print-architecture)" ;;
esac
wheels=$root/wheels
mkdir "$wheels"
"$python" - "$here/requirements.txt" "$wheels" <<'END'
import pathlib, re, sys
text = pathlib.Path(sys.argv[1]).read_text()
pins = re.findall(r"(?ms)^[a-z].*?(?=^[a-z]|\Z)", text)
folder = pathlib.Path(sys.argv[2])
(folder / "sources.txt").write_text("".join(pin for pin in pins if pin.startswith("pidng")))
(folder / "binaries.txt").write_text("".join(pin for pin in pins if not pin.startswith("pidng")))
END
fetch() { quietly "$python" -m pip download --no-deps --require-hashes --dest "$wheels" "$@"; }
fetch --only-binary=:all: --python-version 3.13 --platform "manylinux_2_17_$machine" --platform "manylinux2014_$machine" \
  --platform "manylinux_2_28_$machine" -r "$wheels/binaries.txt"
fetch --no-binary=:all: -r "$wheels/sources.txt"
quietly inside python3 -m venv --system-site-packages /venv
install() { quietly inside /venv/bin/pip install --no-index --no-deps --find-links /wheels --require-hashes "$@"; }
install -r /wheels/binaries.txt
install --no-build-isolation -r /wheels/sources.txt

rm -rf "$wheels" "${lent[@]}"
quietly inside apt-get purge -y -q --autoremove "${compiler[@]}"
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root/etc/apt/sources.list" "$root"/etc/apt/sources.list.d/* \
  "$root"/var/log/* "$log"

#!/usr/bin/env bash
# The contract of frame sources on the real picamera2, on a machine without a camera: run.sh PYTHON FRAMES
#
# libcamera's virtual pipeline delivers frames in a Debian trixie of its own, whatever this machine runs. Built once
# (build.sh) and kept as a tarball outside the checkout, one for each recipe.
set -euo pipefail
python=$(realpath --no-symlinks "$1") frames=$2
here=$(cd "$(dirname "$0")" && pwd)
checkout=$(cd "$here/../.." && pwd)
limit_s=$((300 + frames / 100))
say() { echo "test-camera: $*"; }

if [ "$(id -u)" != 0 ]; then
  echo "test-camera: needs root, because it unpacks a Debian and runs in it (chroot): sudo make test-camera" >&2
  exit 1
fi
missing=()
for package in debootstrap zstd debian-archive-keyring; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  say "installing ${missing[*]} …"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

recipe=$(cat "$here/build.sh" "$here/requirements.txt" | sha256sum | cut -c1-16)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/shelf-edge-agent
tarball=$cache/camera-chroot-$(dpkg --print-architecture)-$recipe.tar.zst
mkdir -p "$cache"
exec 9>"$cache/camera-chroot.lock"
flock 9 # of two runs at once one builds

room=$(mktemp -d /var/tmp/test-camera.XXXXXXXX) # not /tmp, which may be mounted without device nodes
root=$room/root
child=
clear_away() {
  [ -z "$child" ] || { kill "$child" 2>/dev/null; wait "$child"; } || true
  rm -rf --one-file-system "$room"
}
trap clear_away EXIT
trap 'exit 130' INT TERM HUP

begun=$(date +%s)
if [ -e "$tarball" ]; then
  tar --extract --zstd --file "$tarball" --directory "$room"
  touch "$tarball"
  how="unpacked in $(($(date +%s) - begun)) s"
else
  say "the first run builds a Debian with libcamera and picamera2, about 2 minutes and 900 MB; it is kept as 200 MB in"
  say "$tarball"
  bash "$here/build.sh" "$python" "$root"
  du -sm "$root" | cut -f1 >"$root/size_mb"
  tar --create --zstd --file "$tarball.part" --directory "$room" root
  mv "$tarball.part" "$tarball"
  find "$cache" -name 'camera-chroot-*.tar.zst' ! -path "$tarball" -mtime +30 -delete
  how="built in $(($(date +%s) - begun)) s"
fi
flock --unlock 9
size="$(<"$root/size_mb") MB, kept as $(du -m "$tarball" | cut -f1) MB"

mkdir -p "$root/agent/tests/contract" "$root/usr/share/libcamera/pipeline/virtual"
cp "$here/virtual.yaml" "$root/usr/share/libcamera/pipeline/virtual/" # the one place where libcamera looks for it
cp -r "$checkout/edge_agent" "$checkout/pyproject.toml" "$root/agent/"
cp -r "$here" "$root/agent/tests/"
cp "$checkout"/tests/{frame_source_benches,fake_picamera2}.py "$root/agent/tests/"
cp "$checkout/tests/contract/test_frame_sources.py" "$root/agent/tests/contract/"

# A PID namespace of its own, where that is allowed: whatever was started ends with it.
own=()
unshare --pid --fork true 2>/dev/null && own=(unshare --pid --fork --kill-child=KILL)
begun=$(date +%s)
env -i PATH=/venv/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 LIBCAMERA_LOG_LEVELS='*:FATAL' \
  PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/agent SHELF_CAMERA_BENCHES='real picamera2' SHELF_CAMERA_FRAMES="$frames" \
  timeout --kill-after=5 "$limit_s" "${own[@]}" chroot "$root" sh -c 'cd /agent && exec python -m pytest -q -rs -m "not hardware" \
    -p no:cacheprovider -W "ignore:setDaemon:DeprecationWarning" \
    -W "ignore:unclosed file:ResourceWarning" -o pythonpath="tests tests/camera" \
    tests/contract/test_frame_sources.py tests/camera' \
  >"$room/tests.log" 2>&1 &
child=$!
status=0
wait "$child" || status=$?
child=
cat "$room/tests.log"
versions=$(sed -n 's/^versions: //p' "$room/tests.log" | head -n 1)
passed=$(grep -oE '[0-9]+ passed' "$room/tests.log" | tail -n 1 || true)
[ "$status" != 124 ] || say "not done within $limit_s s: ended"
say "${versions:-no versions}, chroot $how, $size; tests ${passed:-0 passed} in $(($(date +%s) - begun)) s"
exit "$status"

#!/usr/bin/env bash
# Packs candor-agent, candor-collector and candor as .deb and .rpm.
#
#   packaging/packages.sh [--build DIR] [--out DIR] [deb] [rpm]     both kinds unless one is named
#
# Builds the release preset first, or packs what is in a finished build folder (--build): what is
# packed is what was tested. Packages go to --out, build/packages unless set. The same commit gives
# the same bytes: times are those of packaging/deb/changelog.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")
build=
out=$root/build/packages
kinds=()

die() { printf 'packages: %s\n' "$*" >&2; exit 1; }

while [[ $# -gt 0 ]]; do
  case $1 in
    --build | --out)
      [[ $# -ge 2 ]] || die "$1 needs a folder"
      if [[ $1 == --build ]]; then build=$(realpath "$2"); else out=$(realpath -m "$2"); fi
      shift 2
      ;;
    deb | rpm) kinds+=("$1") && shift ;;
    *) die "unknown: $1 (usage: packaging/packages.sh [--build DIR] [--out DIR] [deb] [rpm])" ;;
  esac
done
[[ ${#kinds[@]} -gt 0 ]] || kinds=(deb rpm)

# shellcheck source=packaging/install-dependencies.sh
. "$here/install-dependencies.sh"
install_dependencies build package

if [[ -z $build ]]; then
  build=$root/build/release
  (cd "$root" && cmake --preset release) >/dev/null
  cmake --build "$build" --target candor candor-agent candor-session candor-uplink candor-collector \
    candor_docs candor_agent_docs >/dev/null
fi
[[ -x $build/agent/candor-agent ]] || die "$build is no finished build folder"

version=$(dpkg-parsechangelog --file "$here/deb/changelog" --show-field Version)
SOURCE_DATE_EPOCH=$(dpkg-parsechangelog --file "$here/deb/changelog" --show-field Timestamp)
export SOURCE_DATE_EPOCH CANDOR_BUILD=$build
umask 022
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# debhelper wants a unit beside its own files, named after the package it goes into.
pack_deb() {
  local tree=$work/candor-${version%-*} units=$here/systemd unit
  mkdir -p "$tree"
  cp -r "$here/deb" "$tree/debian"
  mkdir "$tree/packaging"
  cp -r "$here/autostart" "$here/examples" "$tree/packaging"
  for unit in candor-agent candor-collector; do
    cp "$units/$unit.service" "$tree/debian/$unit.service"
    cp "$units/$unit.sysusers" "$units/$unit.tmpfiles" "$tree/debian"
  done
  for unit in candor-uplink.socket candor-uplink@.service candor-enroll.path candor-enroll.service; do
    cp "$units/$unit" "$tree/debian/candor-agent.$unit"
  done
  cp "$units/candor-session.service" "$tree/debian/candor-agent.candor-session.user.service"
  (cd "$tree" && dpkg-buildpackage --build=binary --unsigned-changes --no-check-builddeps) \
    >"$work/deb.log" 2>&1 || die "dpkg-buildpackage failed: $(tail -n 20 "$work/deb.log")"
  mv "$work"/*.deb "$work"/*.changes "$work"/*.buildinfo "$out"
}

pack_rpm() {
  rpmbuild -bb --quiet --nodeps \
    --define "_topdir $work/rpm" --define "_rpmdir $out" --define '_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm' \
    --define "candor_version ${version%-*}" --define "candor_release ${version##*-}" \
    --define "candor_build $build" --define "candor_packaging $here" \
    --define '_buildhost candor' --define 'use_source_date_epoch_as_buildtime 1' \
    --define 'clamp_mtime_to_source_date_epoch 1' \
    "$here/rpm/candor.spec" >"$work/rpm.log" 2>&1 ||
    die "rpmbuild failed: $(tail -n 20 "$work/rpm.log")"
}

for kind in "${kinds[@]}"; do
  "pack_$kind"
  (cd "$out" && ls -1 -- *."$kind")
done

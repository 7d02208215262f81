# Sourced by packaging/quickstart.sh and tests/run.sh.
#
# install_dependencies GROUP…: installs the Debian packages that packaging/dependencies.txt lists for
# these groups ("build" for lines without a mark), unless all of them are there. Needs root only when
# something is missing.
install_dependencies() {
  local list groups wanted missing=() package
  list=$(dirname "${BASH_SOURCE[0]}")/dependencies.txt
  groups=$(IFS='|'; echo "$*")
  wanted=$(sed -E 's/#.*//; s/[[:space:]]+//g; /^$/d; /:/!s/^/build:/' "$list" |
    awk -F: -v groups="^($groups)$" '$1 ~ groups { print $2 }')
  for package in $wanted; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  if [ "$(id -u)" != 0 ]; then
    echo "these packages are missing; run as root, or: apt-get install ${missing[*]}" >&2
    return 1
  fi
  echo "installing ${#missing[@]} packages" >&2
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq >/dev/null && apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

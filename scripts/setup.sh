#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Installs what building and testing Tenon needs on Debian 12: Debian packages,
# each by name, and a Python environment in build/venv. Does nothing, within
# seconds, when all is there. Wheels are kept in ${XDG_CACHE_HOME:-~/.cache}/tenon
# so that a second clone sets up offline.
#
#   scripts/setup.sh [--dry-run] [--with-check] [--with-ptxas]
#
#   --dry-run     says what would be done, and does nothing
#   --with-check  also the packages that only scripts/check.sh needs
#   --with-ptxas  also NVIDIA's assembler, into build/ptxas: engines then hold
#                 machine code for GPUs beside PTX. It is proprietary: you agree
#                 to the licence of the CUDA Toolkit. A CUDA Toolkit that is
#                 installed serves as well.
set -euo pipefail
cd "$(dirname "$0")/.."

dry=0
check=0
assembler=0
for arg in "$@"; do
  case $arg in
    --dry-run) dry=1 ;;
    --with-check) check=1 ;;
    --with-ptxas) assembler=1 ;;
    -h | --help) sed -n '4,17s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "setup: unknown option '$arg' (see --help)" >&2; exit 2 ;;
  esac
done
say() { echo "setup: $*"; }
die() { echo "setup: error: $*" >&2; exit 1; }

# --- Debian packages ----------------------------------------------------------
# LLVM 22 comes from the security section. libmlir-22-dev depends on neither
# llvm-22-dev (LLVMConfig.cmake) nor lld or the tools, so all stand here.
llvm=(
  clang-22 libclang-rt-22-dev liblld-22-dev libmlir-22-dev llvm-22-dev
  llvm-22-tools mlir-22-tools
)
other=(
  binutils ca-certificates ccache cmake flatbuffers-compiler g++ git
  libcli11-dev libflatbuffers-dev libgmock-dev libgtest-dev libprotobuf-dev
  libxxhash-dev libzip-dev libzstd-dev ninja-build nlohmann-json3-dev
  pkg-config protobuf-compiler python3 python3-pip python3-venv zlib1g-dev
)
if ((check)); then llvm+=(clang-format-22 clang-tidy-22); fi

# Prints which of its arguments are not installed, one line, space-separated.
missingOf() {
  local have
  # The status of a package that dpkg does not know is an error: ignored, the
  # package is then absent from the output.
  have=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
    sed -n 's/^installed //p') || true
  comm -23 <(printf '%s\n' "$@" | sort -u) <(sort -u <<<"$have") | xargs
}

# Prints the address from which this machine takes section $1, if it does; asks
# apt for its plan, which needs neither root nor downloaded lists.
sourceOf() {
  apt-get update --print-uris 2>/dev/null |
    sed -n "s|^'\(.*\)/dists/$1/InRelease'.*|\1|p" | head -n 1
}

requireSecuritySection() {
  [ -z "$(sourceOf bookworm-security)" ] || return 0
  local main
  main=$(sourceOf bookworm)
  [ -n "$main" ] || die "LLVM 22 needs Debian 12 (bookworm); no bookworm" \
    "section is configured in /etc/apt, expected both bookworm and" \
    "bookworm-security"
  main=${main%/}
  die "LLVM 22 is in Debian's security section, which /etc/apt lacks; as root:
  echo 'deb $main-security bookworm-security main' >> /etc/apt/sources.list
then run scripts/setup.sh again"
}

command -v dpkg-query >/dev/null ||
  die "expected Debian 12, found no dpkg; install the packages named in $0 by hand"
missing=$(missingOf "${llvm[@]}" "${other[@]}")
if [ -n "$missing" ]; then
  [ -z "$(missingOf "${llvm[@]}")" ] || requireSecuritySection
  # Recommended packages would double the download (documentation, other
  # compilers), so they are refused and everything needed is named.
  install="apt-get update && apt-get install -y --no-install-recommends $missing"
  say "Debian packages to install: $missing"
  if ((dry)); then
    say "would run as root: $install"
  elif [ "$(id -u)" = 0 ]; then
    DEBIAN_FRONTEND=noninteractive bash -c "$install"
  elif command -v sudo >/dev/null; then
    say "calling sudo to install them"
    sudo DEBIAN_FRONTEND=noninteractive bash -c "$install"
  else
    die "run this line as root, then scripts/setup.sh again:
$install"
  fi
fi

# --- Python -------------------------------------------------------------------
# The stamp holds the requirements that the environment was made from, and its
# path: an environment does not survive a move of the checkout.
venv=build/venv
cache=${XDG_CACHE_HOME:-$HOME/.cache}/tenon/wheels
stamp=$(cat scripts/requirements.txt; pwd -P)
if [ ! -x "$venv/bin/python" ] || [ "$(cat "$venv/stamp" 2>/dev/null)" != "$stamp" ]; then
  say "Python packages to install into $venv:" \
    "$(grep -v '^#' scripts/requirements.txt | xargs)"
  if ((dry)); then
    say "would download their wheels into $cache"
  else
    rm -rf "$venv"
    /usr/bin/python3 -m venv "$venv"
    fromCache=(--quiet --no-index --find-links "$cache" -r scripts/requirements.txt)
    mkdir -p "$cache"
    if ! "$venv/bin/pip" install "${fromCache[@]}" 2>/dev/null; then
      "$venv/bin/pip" download --quiet --only-binary=:all: -d "$cache" \
        -r scripts/requirements.txt
      "$venv/bin/pip" install "${fromCache[@]}"
    fi
    printf '%s\n' "$stamp" >"$venv/stamp"
  fi
fi

# --- ptxas --------------------------------------------------------------------
# Pinned to 13.0: cubins of later releases are refused by drivers of CUDA 13.0.
# The wheel alone: what it depends on is the compiler for CUDA C++.
ptxas=nvidia-cuda-nvcc==13.0.88
if ((assembler)) && [ "$(cat build/ptxas/stamp 2>/dev/null)" != "$ptxas" ]; then
  say "$ptxas to install into build/ptxas, under NVIDIA's CUDA Toolkit" \
    "End User License Agreement"
  if ((dry)); then
    say "would download its wheel into $cache"
  else
    rm -rf build/ptxas
    mkdir -p "$cache" build/ptxas/bin
    wheel=(--quiet --no-deps --only-binary=:all:)
    "$venv/bin/pip" download "${wheel[@]}" --no-index --find-links "$cache" \
      -d "$cache" "$ptxas" 2>/dev/null ||
      "$venv/bin/pip" download "${wheel[@]}" -d "$cache" "$ptxas"
    "$venv/bin/python" - "$cache"/nvidia_cuda_nvcc-"${ptxas#*==}"-*.whl <<'PYTHON'
import pathlib, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel:
    for name in wheel.namelist():
        if name.endswith("/bin/ptxas"):
            pathlib.Path("build/ptxas/bin/ptxas").write_bytes(wheel.read(name))
        elif name.endswith("/License.txt"):
            pathlib.Path("build/ptxas/License.txt").write_bytes(wheel.read(name))
PYTHON
    chmod +x build/ptxas/bin/ptxas
    printf '%s\n' "$ptxas" >build/ptxas/stamp
    say "build/ptxas/bin/ptxas is there; tenonc takes it with" \
      "--ptxas=build/ptxas/bin/ptxas, or out of PATH"
  fi
fi

if ((dry)); then
  [ -n "$missing" ] || say "no Debian package is missing"
else
  say "ready"
fi

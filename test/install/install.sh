#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# install.sh SOURCE BUILD WRITE_TEST_ENGINE TENON_RUN
#
# Installs into a new prefix, moves that elsewhere (so that nothing in it can
# lead back), checks that nothing names the build folder, builds the examples
# with find_package(Tenon) and with pkg-config, and runs them and the tools.
set -euo pipefail
source=$1 build=$2 writeTestEngine=$3 tenonRun=$4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() { echo "install: $*" >&2; exit 1; }

cmake --install "$build" --prefix "$work/first" >"$work/log" ||
  { cat "$work/log" >&2; fail "cmake --install failed"; }
mv "$work/first" "$work/prefix"
prefix=$work/prefix

if grep -rlF "$build" "$prefix"; then
  fail "the files above name the build folder"
fi

# What the runtime needs: nothing beyond the C and C++ libraries.
library=$(echo "$prefix"/lib*/libtenon.so)
needed=$(readelf -d "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
for name in $needed; do
  case $name in
    libc.so.* | libm.so.* | libstdc++.so.* | libgcc_s.so.* | ld-linux*) ;;
    *) fail "libtenon.so needs $name" ;;
  esac
done
readelf -d "$library" | grep -q 'SONAME.*libtenon\.so\.0\]' ||
  fail "expected SONAME libtenon.so.0"
strip -o "$work/stripped.so" "$library"
size=$(stat -c %s "$work/stripped.so")
[ "$size" -lt 1048576 ] || fail "stripped libtenon.so has $size bytes, expected below 1 MiB"

"$writeTestEngine" flat "$work/flat.tenon"
"$writeTestEngine" image "$work/image.tenon"

for example in c cpp; do
  cmake -G Ninja -S "$source/runtime/examples/$example" -B "$work/$example" \
    -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_BUILD_TYPE=Release >"$work/log" &&
    cmake --build "$work/$example" >>"$work/log" ||
    { cat "$work/log" >&2; fail "example '$example' does not build"; }
done

"$work/c/run-engine" "$work/flat.tenon" 3 >"$work/out"
grep -qx "output 'y': float32 \[3, 4\]" "$work/out" ||
  { cat "$work/out" >&2; fail "run-engine printed something else"; }

# A page of 64 x 64 with a white bar: blue is what the test engine passes on,
# so the bar is above the threshold and the rest, being black, far below.
{ printf 'P6\n64 64\n255\n'
  for y in $(seq 0 63); do
    if [ "$y" -ge 20 ] && [ "$y" -lt 30 ]; then
      head -c 30 /dev/zero
      head -c 120 /dev/zero | tr '\0' '\377'
      head -c 42 /dev/zero
    else
      head -c 192 /dev/zero
    fi
  done; } >"$work/page.ppm"
boxes=$("$work/cpp/detect-text" "$work/image.tenon" "$work/page.ppm")
[ "$boxes" = "4 14 56 36 3.249" ] || fail "detect-text found '$boxes'"

# pkg-config, with the C example again.
if command -v pkg-config >/dev/null; then
  pc=$(dirname "$(find "$prefix" -name tenon.pc)")
  flags=$(PKG_CONFIG_PATH=$pc pkg-config --cflags --libs tenon)
  # shellcheck disable=SC2086
  cc "$source/runtime/examples/c/main.c" -o "$work/run-engine" $flags
  LD_LIBRARY_PATH=$(dirname "$library") "$work/run-engine" "$work/flat.tenon" >/dev/null
fi

"$prefix/bin/$tenonRun" "$work/flat.tenon" --random-inputs=1 --quiet
"$prefix/bin/tenon-inspect" "$work/flat.tenon" --quiet
echo "install: libtenon.so $size bytes, examples and tools run"

# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# cmake -DOUTPUT=x.cpp -DFILES=a.json;b.json -P Embed.cmake
#
# Writes the device files into a source file, the default device first, so that
# the library needs no file at run time. JSON never holds the delimiter.
set(text "// Written by sim/device/Embed.cmake.\n")
string(APPEND text "#include \"sim/device/Embedded.h\"\n\n")
string(APPEND text "const tenon::sim::EmbeddedDevice tenon::sim::kEmbeddedDevices[] = {\n")
foreach(file IN LISTS FILES)
  get_filename_component(key ${file} NAME_WE)
  file(READ ${file} json)
  string(APPEND text "{\"${key}\", R\"tenon(${json})tenon\"},\n")
endforeach()
string(APPEND text "{nullptr, nullptr}};\n")
file(WRITE ${OUTPUT} "${text}")

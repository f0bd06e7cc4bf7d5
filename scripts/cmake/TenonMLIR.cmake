# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Finds MLIR 22 (without a version: its version file refuses "22") and builds
# the one precompiled header that all MLIR targets share: a file that takes
# 14-20 s to parse without it takes below one with it.

if(NOT MLIR_DIR)
  set(MLIR_DIR /usr/lib/llvm-22/lib/cmake/mlir)
endif()
find_package(MLIR REQUIRED CONFIG)
find_package(LLD REQUIRED CONFIG PATHS ${LLVM_DIR}/../lld)

list(APPEND CMAKE_MODULE_PATH ${MLIR_CMAKE_DIR} ${LLVM_CMAKE_DIR})
include(TableGen)
include(AddLLVM)
include(AddMLIR)

# add_library sets nothing global: every MLIR target links this interface.
add_library(tenon_mlir INTERFACE)
target_include_directories(tenon_mlir SYSTEM INTERFACE
  ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
target_include_directories(tenon_mlir INTERFACE
  ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
target_link_libraries(tenon_mlir INTERFACE MLIR LLVM)

file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/pch/Pch.cpp CONTENT
     "// Only here so that the precompiled header has a target.\n")
add_library(tenon_pch OBJECT ${PROJECT_BINARY_DIR}/pch/Pch.cpp)
target_link_libraries(tenon_pch PRIVATE tenon_mlir)
# In angle brackets, so that no path of this folder is in the text; never from
# ccache, for the compiled header holds such paths and must be made here. Users
# of it see its .sum instead: what it is made from.
target_precompile_headers(tenon_pch PRIVATE <compiler/Support/Pch.h>)
set_target_properties(tenon_pch PROPERTIES CXX_COMPILER_LAUNCHER "")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
             ${PROJECT_SOURCE_DIR}/compiler/Support/Pch.h)
# CMake would also name the header with its full path, which ccache counts.
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  set(CMAKE_CXX_COMPILE_OPTIONS_USE_PCH -Xclang -include-pch -Xclang <PCH_FILE>)
endif()
file(SHA256 ${PROJECT_SOURCE_DIR}/compiler/Support/Pch.h pchSum)
file(SHA256 ${MLIR_DIR}/MLIRTargets.cmake mlirSum)
string(CONCAT pchSum ${pchSum} ${mlirSum} ${LLVM_PACKAGE_VERSION}
       " ${CMAKE_CXX_COMPILER_VERSION} ${CMAKE_BUILD_TYPE}"
       " ${CMAKE_CXX_FLAGS} ${TENON_SANITIZE}")
file(CONFIGURE OUTPUT
  ${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/tenon_pch.dir/cmake_pch.hxx.pch.sum
  CONTENT "${pchSum}\n")

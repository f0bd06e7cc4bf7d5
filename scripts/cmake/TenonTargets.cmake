# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# The handful of helpers that the leaves of the tree use.

# tenon_add_mlir_library(NAME SOURCES... [LINK targets...])
# A static library of the compiler: MLIR's headers, the shared precompiled
# header, and the libraries it depends on.
function(tenon_add_mlir_library name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  # Generated headers come first, whoever includes them.
  add_dependencies(${name} tenon_graph_tablegen tenon_engine_tablegen)
  target_link_libraries(${name} PUBLIC tenon_mlir ${ARG_LINK})
  target_precompile_headers(${name} REUSE_FROM tenon_pch)
endfunction()

# tenon_add_mlir_tool(NAME SOURCES... [LINK targets...])
# An executable that links MLIR. Compiled as position-independent code, not as
# a position-independent executable: the precompiled header is.
function(tenon_add_mlir_tool name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE tenon_mlir ${ARG_LINK})
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(${name} PRIVATE -fPIC)
  target_precompile_headers(${name} REUSE_FROM tenon_pch)
  if(TENON_SANITIZE)
    set(options ${PROJECT_SOURCE_DIR}/scripts/cmake/AsanOptions.cpp)
    target_sources(${name} PRIVATE ${options})
    set_source_files_properties(${options} PROPERTIES
      SKIP_PRECOMPILE_HEADERS ON)
  endif()
endfunction()

# tenon_tablegen(TARGET SOURCE.td OUTPUT FLAGS... )
# Runs mlir-tblgen; OUTPUT is relative to the build folder's mirror of the
# current one, so that includes read as paths from the root.
macro(tenon_tablegen source output)
  set(LLVM_TARGET_DEFINITIONS ${source})
  mlir_tablegen(${output} ${ARGN} EXTRA_INCLUDES ${PROJECT_SOURCE_DIR}
                ${MLIR_INCLUDE_DIRS})
endmacro()

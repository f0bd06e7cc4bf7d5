# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# `cmake --install`: libtenon and its headers, the tools, and what other build
# systems need to find them: find_package(Tenon) gives Tenon::tenon, pkg-config
# gives tenon. Shown by test/install/.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(packageFolder ${CMAKE_INSTALL_LIBDIR}/cmake/Tenon)

install(TARGETS tenon EXPORT TenonTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  NAMELINK_COMPONENT Development)
install(EXPORT TenonTargets NAMESPACE Tenon:: DESTINATION ${packageFolder})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/runtime/include/tenon
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h*")

foreach(tool IN ITEMS tenon-run tenon-inspect tenonc tenon-opt simcuda-report)
  if(TARGET ${tool})
    set_target_properties(${tool} PROPERTIES
      INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
    install(TARGETS ${tool} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  endif()
endforeach()

# The simulated GPU: the library by its own name, and as libcuda.so.1 in a
# folder of its own, for LD_LIBRARY_PATH or simcuda-run.
if(TARGET tenon_simcuda)
  install(TARGETS tenon_simcuda LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(CODE "
    set(folder \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}/simcuda\")
    file(MAKE_DIRECTORY \"\${folder}\")
    file(CREATE_LINK ../libtenon_simcuda.so \"\${folder}/libcuda.so.1\" SYMBOLIC)
    file(CREATE_LINK libcuda.so.1 \"\${folder}/libcuda.so\" SYMBOLIC)")
  install(TARGETS simcuda-run RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

configure_package_config_file(
  ${CMAKE_CURRENT_LIST_DIR}/TenonConfig.cmake.in
  ${PROJECT_BINARY_DIR}/TenonConfig.cmake
  INSTALL_DESTINATION ${packageFolder})
write_basic_package_version_file(
  ${PROJECT_BINARY_DIR}/TenonConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/TenonConfig.cmake
              ${PROJECT_BINARY_DIR}/TenonConfigVersion.cmake
        DESTINATION ${packageFolder})

# Relative, so that the installed tree can be moved.
file(RELATIVE_PATH pcToPrefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(${CMAKE_CURRENT_LIST_DIR}/tenon.pc.in
               ${PROJECT_BINARY_DIR}/tenon.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/tenon.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE
        DESTINATION ${CMAKE_INSTALL_DOCDIR})

# The header-only library nanoservice, and its export as a package for find_package(nanoservice).
include(CMakePackageConfigHelpers)

file(GLOB headers CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/include/nanoservice/*.hpp")

add_library(nanoservice INTERFACE)
add_library(nanoservice::nanoservice ALIAS nanoservice)
target_compile_features(nanoservice INTERFACE cxx_std_20)
# GCC takes a coroutine frame's own operator new, a template, and its operator delete for a mismatch (PR 109224).
target_compile_options(nanoservice INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-mismatched-new-delete>)
target_sources(nanoservice INTERFACE
    FILE_SET HEADERS BASE_DIRS "${PROJECT_SOURCE_DIR}/include" FILES ${headers})

# Before 1.0 a new minor version may change the interface.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/nanoserviceConfigVersion.cmake"
    COMPATIBILITY SameMinorVersion
    ARCH_INDEPENDENT)

set(package_dir "${CMAKE_INSTALL_DATADIR}/cmake/nanoservice")
install(TARGETS nanoservice EXPORT nanoservice FILE_SET HEADERS COMPONENT nanoservice)
install(EXPORT nanoservice
    FILE nanoserviceConfig.cmake
    NAMESPACE nanoservice::
    DESTINATION "${package_dir}"
    COMPONENT nanoservice)
install(FILES "${PROJECT_BINARY_DIR}/nanoserviceConfigVersion.cmake"
    DESTINATION "${package_dir}"
    COMPONENT nanoservice)

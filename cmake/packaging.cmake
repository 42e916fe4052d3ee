# What is installed beside the library, and the Debian package: cmake --install, scripts/package.
# Paths are below the prefix, but for the configuration of a package, which is in /etc.

install(TARGETS windowd windowctl RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT windowd)

set(unit_dir lib/systemd/system)
set(python_dir lib/python3/dist-packages)

install(FILES "${PROJECT_SOURCE_DIR}/config/windowd.toml"
    DESTINATION "${CMAKE_INSTALL_SYSCONFDIR}/windowd"
    COMPONENT windowd)
install(FILES "${PROJECT_SOURCE_DIR}/clients/python/windowd.py" DESTINATION "${python_dir}" COMPONENT windowd)

file(GLOB documents CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/docs/*.md" "${PROJECT_SOURCE_DIR}/docs/*.json")
install(FILES "${PROJECT_SOURCE_DIR}/README.md" DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT windowd)
install(FILES ${documents} DESTINATION "${CMAKE_INSTALL_DOCDIR}/docs" COMPONENT windowd)
install(FILES "${PROJECT_SOURCE_DIR}/clients/python/README.md"
    DESTINATION "${CMAKE_INSTALL_DOCDIR}/clients/python"
    COMPONENT windowd)

file(GLOB pages CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/docs/man/*.[1-8]")
foreach(page IN LISTS pages)
    string(REGEX MATCH "[1-8]$" section "${page}")
    install(FILES "${page}" DESTINATION "${CMAKE_INSTALL_MANDIR}/man${section}" COMPONENT windowd)
endforeach()

file(GLOB completions CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/completions/*")
install(FILES ${completions} DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions" COMPONENT windowd)

# Units. The service names the daemon by its path, which is known only when it is installed: --prefix may change it.
file(GLOB examples CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/systemd/examples/*")
install(FILES "${PROJECT_SOURCE_DIR}/systemd/windowd.socket" DESTINATION "${unit_dir}" COMPONENT windowd)
install(FILES "${PROJECT_SOURCE_DIR}/systemd/windowd.service.d/own-sockets.conf" ${examples}
    DESTINATION "${CMAKE_INSTALL_DOCDIR}/examples"
    COMPONENT windowd)
install(CODE "
    set(WINDOWD_BINARY \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}/windowd\")
    set(WINDOWD_CONFIG \"${CMAKE_INSTALL_SYSCONFDIR}/windowd/windowd.toml\")
    cmake_path(ABSOLUTE_PATH WINDOWD_CONFIG BASE_DIRECTORY \"\${CMAKE_INSTALL_PREFIX}\")
    set(unit \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${unit_dir}/windowd.service\")
    message(STATUS \"Installing: \${unit}\")
    configure_file(\"${PROJECT_SOURCE_DIR}/systemd/windowd.service.in\" \"\${unit}\" @ONLY)
    file(CHMOD \"\${unit}\" PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)"
    COMPONENT windowd)

# The package, one for all. cmake/finish_debian_package.cmake adds what Debian alone wants.
set(debian "${PROJECT_SOURCE_DIR}/packaging/debian")
file(STRINGS "${debian}/changelog" newest LIMIT_COUNT 1)
if(NOT newest MATCHES "^windowd \\(([0-9.]+)-([0-9]+)\\) ")
    message(FATAL_ERROR "${debian}/changelog begins with '${newest}', which is no version of windowd")
endif()
if(NOT CMAKE_MATCH_1 STREQUAL PROJECT_VERSION)
    message(FATAL_ERROR "${debian}/changelog is of ${CMAKE_MATCH_1}, and this is ${PROJECT_VERSION}")
endif()
set(CPACK_DEBIAN_PACKAGE_RELEASE "${CMAKE_MATCH_2}")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME windowd)
set(CPACK_PACKAGE_VERSION "${PROJECT_VERSION}")
set(CPACK_PACKAGE_CONTACT "windowd maintainers <maintainers@windowd.example>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "rolling statistics of a stream of numbers, over TCP")
set(CPACK_PACKAGE_DESCRIPTION
    "A daemon that answers each number with a statistic of the last ones, a
moving average unless another is asked for: one line of JSON in, one line
out, over TCP or a Unix socket. Windows may be shared by name, and followed.
Results are correctly rounded, whatever has passed through before.
.
systemd starts it with the first connection, in a sandbox without a network.
.
With it come windowctl, a client for the shell; windowd.py, one for Python;
and nanoservice, a C++20 header with Python's generator protocol.")
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_STRIP_FILES ON)
# Absolute paths, such as that of the configuration, go below the staging folder too.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_PRE_BUILD_SCRIPTS "${PROJECT_SOURCE_DIR}/cmake/finish_debian_package.cmake")
set(CPACK_WINDOWD_DEBIAN "${debian}")

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "systemd")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "bash-completion, netcat-openbsd, python3 (>= 3.9)")
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    "${debian}/conffiles" "${debian}/postinst" "${debian}/prerm" "${debian}/postrm")
include(CPack)

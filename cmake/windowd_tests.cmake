# How tests are built and told to CTest: windowd_add_tests, windowd_add_python_tests, windowd_add_load_tests,
# windowd_add_units_test, windowd_add_package_test.

# In seconds, for one suite under a sanitizer on a busy machine of two cores.
set(WINDOWD_TEST_TIMEOUT 120)

# windowd_add_tests(<room> LINK <library>... [OPTIMIZE <level>...])
# Builds test_<room> from tests/<room>/*.cpp and tests/main.cpp, and registers each of its suites as the CTest test <room>.<suite>. With
# OPTIMIZE, one executable for each level, whatever the preset says: test_<room>_<level>, <room>_<level>.<suite>.
# Every test has the daemon's path in the environment variable WINDOWD.
function(windowd_add_tests room)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LINK;OPTIMIZE")
    file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${room}/*.cpp")
    if(NOT sources)
        message(FATAL_ERROR "tests/${room} has no tests")
    endif()
    if(NOT arg_OPTIMIZE)
        _windowd_add_test_executable(${room} "${sources}" "${arg_LINK}")
    endif()
    foreach(level IN LISTS arg_OPTIMIZE)
        _windowd_add_test_executable(${room}_${level} "${sources}" "${arg_LINK}")
        target_compile_options(test_${room}_${level} PRIVATE -${level})
    endforeach()
endfunction()

# The suites are found by running the executable once it is linked (the way of gtest_discover_tests); a test whose
# executable is missing fails, and so does an executable without tests, when it is built.
function(_windowd_add_test_executable name sources libraries)
    set(target test_${name})
    set(list "${CMAKE_CURRENT_BINARY_DIR}/${target}_list.cmake")
    set(include "${CMAKE_CURRENT_BINARY_DIR}/${target}_include.cmake")

    add_executable(${target} ${sources})
    target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/tests")
    target_link_libraries(${target} PRIVATE ${libraries} windowd_test_main)
    target_compile_definitions(${target} PRIVATE WINDOWD_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    add_dependencies(${target} windowd)

    add_custom_command(TARGET ${target} POST_BUILD
        BYPRODUCTS "${list}"
        COMMAND "${CMAKE_COMMAND}"
            -D "NAME=${name}"
            -D "EXECUTABLE=$<TARGET_FILE:${target}>"
            -D "DAEMON=${PROJECT_BINARY_DIR}/windowd"
            -D "TIMEOUT=${WINDOWD_TEST_TIMEOUT}"
            -D "OUTPUT=${list}"
            -P "${PROJECT_SOURCE_DIR}/cmake/list_boost_tests.cmake"
        VERBATIM)
    file(WRITE "${include}"
        "# Written by CMake: the tests of ${target}, or one that fails because it is not built.\n"
        "if(EXISTS \"${list}\")\n"
        "    include(\"${list}\")\n"
        "else()\n"
        "    add_test(${name}.is_not_built ${target}_is_not_built)\n"
        "endif()\n")
    set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES "${include}")
endfunction()

# windowd_add_python_tests(<room>) registers each tests/<room>/*_test.py as the CTest test <room>.<name>. Debian's
# Python, since Debian's packages are seen by no other.
function(windowd_add_python_tests room)
    file(GLOB files CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${room}/*_test.py")
    foreach(file IN LISTS files)
        get_filename_component(name "${file}" NAME_WE)
        string(REGEX REPLACE "_test$" "" name "${name}")
        add_test(NAME ${room}.${name}
            COMMAND /usr/bin/python3 -B -X dev "${PROJECT_SOURCE_DIR}/cmake/run_python_tests.py" "${file}")
        set_tests_properties(${room}.${name} PROPERTIES
            ENVIRONMENT "WINDOWD=${PROJECT_BINARY_DIR}/windowd;PYTHONPATH=${PROJECT_SOURCE_DIR}/clients/python;FAULT_INJECTOR=$<TARGET_FILE:windowd_fault_injector>"
            TIMEOUT ${WINDOWD_TEST_TIMEOUT})
    endforeach()
endfunction()

# The program that makes load, for the tests in Python that run it: they find it by the environment variable
# WINDOWD_LOAD. Its clients do not know the daemon's code; of windowd_net it links the compiled part of Asio.
function(windowd_add_load_tests)
    file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/acceptance/load/*.cpp")
    add_executable(windowd-load ${sources})
    target_include_directories(windowd-load PRIVATE "${PROJECT_SOURCE_DIR}/tests")
    target_link_libraries(windowd-load PRIVATE windowd_net CLI11::CLI11)
    set_property(TEST acceptance.load acceptance.restart
        APPEND PROPERTY ENVIRONMENT "WINDOWD_LOAD=$<TARGET_FILE:windowd-load>")
    # Sanitizers make a connection several times as dear.
    if(CMAKE_CXX_FLAGS MATCHES "-fsanitize=")
        set_property(TEST acceptance.load acceptance.restart APPEND PROPERTY ENVIRONMENT "WINDOWD_LOAD_SCALE=0.25")
    endif()
    # They take all processors, and measure time. On a machine that is busy with else they take a multiple of theirs.
    set_tests_properties(acceptance.load acceptance.restart PROPERTIES RUN_SERIAL ON TIMEOUT 300)
endfunction()

# systemd's opinion of the units, as they are when installed.
function(windowd_add_units_test)
    add_test(NAME systemd.units
        COMMAND "${PROJECT_SOURCE_DIR}/scripts/check-units" "${PROJECT_BINARY_DIR}")
    set_tests_properties(systemd.units PROPERTIES TIMEOUT ${WINDOWD_TEST_TIMEOUT})
endfunction()

# A stranger's project, built against an installation of the library and nothing else.
function(windowd_add_package_test)
    add_test(NAME package.a_stranger_uses_the_installed_library
        COMMAND "${CMAKE_COMMAND}"
            -D "BUILD=${PROJECT_BINARY_DIR}"
            -D "STRANGER=${PROJECT_SOURCE_DIR}/tests/package"
            -D "SCRATCH=${CMAKE_CURRENT_BINARY_DIR}/package"
            -D "COMPILER=${CMAKE_CXX_COMPILER}"
            -D "GENERATOR=${CMAKE_GENERATOR}"
            -P "${PROJECT_SOURCE_DIR}/cmake/test_package.cmake")
    set_tests_properties(package.a_stranger_uses_the_installed_library PROPERTIES TIMEOUT ${WINDOWD_TEST_TIMEOUT})
endfunction()

# The package test: installs the library into an empty prefix, then configures, builds and runs the stranger's project
# against it and checks what it prints. In: BUILD, STRANGER, SCRATCH, COMPILER, GENERATOR.
cmake_minimum_required(VERSION 3.25)

file(REMOVE_RECURSE "${SCRATCH}")
set(prefix "${SCRATCH}/prefix")
set(build "${SCRATCH}/build")

function(run)
    execute_process(COMMAND ${ARGV} COMMAND_ECHO STDOUT COMMAND_ERROR_IS_FATAL ANY)
endfunction()

run("${CMAKE_COMMAND}" --install "${BUILD}" --component nanoservice --prefix "${prefix}")
run("${CMAKE_COMMAND}" -S "${STRANGER}" -B "${build}" -G "${GENERATOR}"
    -D "CMAKE_CXX_COMPILER=${COMPILER}" -D "CMAKE_PREFIX_PATH=${prefix}")
run("${CMAKE_COMMAND}" --build "${build}")

# That the header came from the prefix and not from somewhere else on the machine.
load_cache("${build}" READ_WITH_PREFIX stranger_ nanoservice_DIR)
if(NOT stranger_nanoservice_DIR MATCHES "^${prefix}/")
    message(FATAL_ERROR "the stranger found nanoservice in '${stranger_nanoservice_DIR}', not in '${prefix}'")
endif()

execute_process(COMMAND "${build}/stranger" OUTPUT_VARIABLE output COMMAND_ERROR_IS_FATAL ANY)
set(expected "0\n5\n12\n21\n")
if(NOT output STREQUAL expected)
    message(FATAL_ERROR "the stranger printed\n${output}instead of\n${expected}")
endif()

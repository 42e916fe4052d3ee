# Run after a test executable is linked: writes the CTest file that registers each of its suites as a test.
# In: NAME, EXECUTABLE, DAEMON, TIMEOUT, OUTPUT. No test, a disabled test or one outside a suite is an error.
cmake_minimum_required(VERSION 3.25)

file(REMOVE "${OUTPUT}")
execute_process(COMMAND "${EXECUTABLE}" --list_content
    RESULT_VARIABLE result
    OUTPUT_VARIABLE content
    ERROR_VARIABLE content)
if(NOT result EQUAL 0)
    message(FATAL_ERROR "${EXECUTABLE} --list_content failed (${result}):\n${content}")
endif()

# A line is a suite or a case: four spaces a level, the name, '*' where it is enabled, ': ' and a description.
string(REGEX REPLACE "[][;]" "_" content "${content}")
string(REGEX REPLACE "\n+" ";" lines "${content}")
set(suites "")
set(with_tests "")
foreach(line IN LISTS lines)
    if(NOT line MATCHES "^( *)([^ *:]+)(\\*?)")
        continue()
    endif()
    set(indent "${CMAKE_MATCH_1}")
    set(unit "${CMAKE_MATCH_2}")
    if(NOT CMAKE_MATCH_3)
        message(FATAL_ERROR "${EXECUTABLE}: '${unit}' is disabled, or a suite without tests")
    endif()
    if(indent STREQUAL "")
        list(APPEND suites "${unit}")
    else()
        list(GET suites -1 suite)
        list(APPEND with_tests "${suite}")
    endif()
endforeach()

if(NOT suites)
    message(FATAL_ERROR "${EXECUTABLE} has no tests")
endif()
set(text "# Written when ${NAME} was linked: its suites.\n")
foreach(suite IN LISTS suites)
    if(NOT suite IN_LIST with_tests)
        message(FATAL_ERROR "${EXECUTABLE}: the test '${suite}' is outside any suite")
    endif()
    string(APPEND text
        "add_test([==[${NAME}.${suite}]==] [==[${EXECUTABLE}]==] [==[--run_test=${suite}]==])\n"
        "set_tests_properties([==[${NAME}.${suite}]==] PROPERTIES TIMEOUT ${TIMEOUT} ENVIRONMENT [==[WINDOWD=${DAEMON}]==])\n")
endforeach()
file(WRITE "${OUTPUT}" "${text}")

# The three ways a target comes into being: a library of the project, a program, a test.

set(CANDOR_WARNINGS -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU"
   AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13
   AND (CANDOR_SANITIZE OR NOT CMAKE_BUILD_TYPE STREQUAL "Debug"))
  # With optimisation GCC 12 sees overlapping copies and unset parts in inlined strings where there are none.
  list(APPEND CANDOR_WARNINGS -Wno-array-bounds -Wno-restrict -Wno-stringop-overflow
       -Wno-stringop-overread -Wno-maybe-uninitialized)
endif()

if(CMAKE_UNITY_BUILD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Sources compiled together are no header: what is local to one of them may well be a member.
  list(APPEND CANDOR_WARNINGS -Wno-subobject-linkage)
endif()

if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # libstdc++ 12 itself uses what it marks as deprecated, in what toml++ sorts.
  list(APPEND CANDOR_WARNINGS -Wno-deprecated-declarations)
endif()

function(candor_configure target)
  target_compile_options(${target} PRIVATE ${CANDOR_WARNINGS})
  target_include_directories(${target} PUBLIC ${CMAKE_SOURCE_DIR})
endfunction()

# What ships checks itself where the compiler can make it; sanitizers bring checks of their own.
set(CANDOR_HARDENED -fstack-protector-strong -D_FORTIFY_SOURCE=2)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
  list(APPEND CANDOR_HARDENED -fcf-protection)
endif()
function(candor_harden target)
  if(NOT CANDOR_SANITIZE AND NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
    target_compile_options(${target} PRIVATE ${CANDOR_HARDENED})
  endif()
endfunction()

# Two precompiled headers serve all libraries and programs; see cmake/precompiled.
foreach(kind base asio)
  add_library(candor_precompiled_${kind} OBJECT ${CMAKE_SOURCE_DIR}/cmake/precompiled/anchor.cc)
  candor_configure(candor_precompiled_${kind})
  candor_harden(candor_precompiled_${kind})
  target_link_libraries(candor_precompiled_${kind} PRIVATE dep_status dep_protobuf)
  target_precompile_headers(candor_precompiled_${kind} PRIVATE
                            ${CMAKE_SOURCE_DIR}/cmake/precompiled/${kind}.h)
endforeach()

function(candor_precompile target asio)
  # A target with definitions of its own falls back to reading headers, silently.
  set_target_properties(${target} PROPERTIES PCH_WARN_INVALID OFF)
  if(asio)
    target_precompile_headers(${target} REUSE_FROM candor_precompiled_asio)
  else()
    target_precompile_headers(${target} REUSE_FROM candor_precompiled_base)
  endif()
endfunction()

# candor_library(NAME [ASIO] SOURCES... LIBS...): ASIO for sources that use the event loop. Presets compile
# several sources of a target at once: what is local to one must not be named like what is local to another.
function(candor_library name)
  cmake_parse_arguments(ARG "ASIO" "" "SOURCES;LIBS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  candor_configure(${name})
  candor_harden(${name})
  candor_precompile(${name} ${ARG_ASIO})
  target_link_libraries(${name} PUBLIC ${ARG_LIBS})
endfunction()

# candor_program(NAME PACKAGE package SOURCES... LIBS... [DESTINATION dir]): installed into bin unless
# told otherwise, as part of that package (packaging/deb/control).
function(candor_program name)
  cmake_parse_arguments(ARG "" "DESTINATION;PACKAGE" "SOURCES;LIBS" ${ARGN})
  if(NOT ARG_DESTINATION)
    set(ARG_DESTINATION ${CMAKE_INSTALL_BINDIR})
  endif()
  add_executable(${name} ${ARG_SOURCES})
  candor_configure(${name})
  candor_harden(${name})
  candor_precompile(${name} OFF)
  target_link_libraries(${name} PRIVATE ${ARG_LIBS})
  target_link_options(${name} PRIVATE -Wl,-z,relro,-z,now)
  install(TARGETS ${name} RUNTIME DESTINATION ${ARG_DESTINATION} COMPONENT ${ARG_PACKAGE})
endfunction()

# What is built and run under the sanitizers.
add_custom_target(candor_sanitized_tests)
# What has to exist before the sources can be read by tools: the generated headers.
add_custom_target(candor_generated)

# candor_fuzzer(NAME SOURCES... LIBS...): a libFuzzer target, seeds in tests/fuzz/seeds/NAME.
function(candor_fuzzer name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  candor_configure(${name})
  target_link_libraries(${name} PRIVATE ${ARG_LIBS})
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  add_dependencies(candor_fuzzers ${name})
endfunction()

# candor_test_options(TARGET): how sources of tests are compiled, which all share one precompiled header.
function(candor_test_options target)
  candor_configure(${target})
  # What is tested is optimised; optimising the tests' own sources would only double their build.
  target_compile_options(${target} PRIVATE -O0)
endfunction()

# candor_test(NAME LABEL label SOURCES... LIBS... [TIMEOUT s] [SERIAL]): one ctest entry for each
# TEST_CASE, each with that much time; those of a SERIAL test run alone. With sanitizers, where a
# program takes half a second to start, one entry for all of them.
function(candor_test name)
  cmake_parse_arguments(ARG "SERIAL" "LABEL;TIMEOUT" "SOURCES;LIBS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  candor_test_options(${name})
  target_link_libraries(${name} PRIVATE candor_test_support ${ARG_LIBS})
  set_target_properties(${name} PROPERTIES PCH_WARN_INVALID OFF)
  target_precompile_headers(${name} REUSE_FROM candor_test_main)
  target_compile_definitions(${name} PRIVATE CANDOR_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
                                             CANDOR_BINARY_DIR="${CMAKE_BINARY_DIR}")
  if(ARG_LABEL MATCHES "^(unit|fault)$")
    add_dependencies(candor_sanitized_tests ${name})
  endif()
  if(CANDOR_SANITIZE)
    if(ARG_LABEL MATCHES "^(unit|fault)$")
      add_test(NAME ${name} COMMAND ${name} ${CANDOR_NO_TESTS_FAIL})
      set_tests_properties(${name} PROPERTIES LABELS ${ARG_LABEL} TIMEOUT 900 RUN_SERIAL ${ARG_SERIAL})
    endif()
    return()
  endif()
  catch_discover_tests(
    ${name}
    TEST_PREFIX "${name}: "
    DISCOVERY_MODE PRE_TEST
    # A name that fits no test case (one with a semicolon, say) would pass without running anything.
    EXTRA_ARGS ${CANDOR_NO_TESTS_FAIL}
    PROPERTIES LABELS ${ARG_LABEL} TIMEOUT ${ARG_TIMEOUT} RUN_SERIAL ${ARG_SERIAL})
endfunction()

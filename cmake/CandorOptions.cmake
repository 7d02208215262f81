# Compiler, linker and cache settings that hold for every target.

option(CANDOR_BUILD_TESTS "Build the tests, the simulated fleet's checks and the benchmarks" ON)
option(CANDOR_FUZZ "Build the libFuzzer targets (clang only)" OFF)
set(CANDOR_SANITIZE "" CACHE STRING "Sanitizers to build with: 'address,undefined' or 'thread'")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# Presets that are built from nothing again and again compile several sources of a target at once.
set(CMAKE_UNITY_BUILD_BATCH_SIZE 12)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

find_program(CANDOR_CCACHE ccache)
if(CANDOR_CCACHE)
  # A precompiled header is cached only when ccache may overlook its time stamp; relative paths
  # let build folders share what they compiled.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      ${CANDOR_CCACHE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-fpch-preprocess)
  else()
    add_compile_options("SHELL:-Xclang -fno-pch-timestamp")
  endif()
endif()

find_program(CANDOR_MOLD mold)
if(CANDOR_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

# The same sources give the same bytes, wherever they lie.
add_compile_options(-ffile-prefix-map=${CMAKE_SOURCE_DIR}=. -ffile-prefix-map=${CMAKE_BINARY_DIR}=build)

# Scores are the same bits on every machine: no fused multiply-add behind our back.
add_compile_options(-ffp-contract=off -ffunction-sections -fdata-sections)
add_link_options(-Wl,--gc-sections)

if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # This Boost looks for what clang called coroutines before C++20.
  add_compile_definitions(BOOST_ASIO_HAS_CO_AWAIT=1)
endif()

if(CANDOR_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

if(CANDOR_SANITIZE)
  add_compile_options(-fsanitize=${CANDOR_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${CANDOR_SANITIZE})
  if(CANDOR_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
endif()

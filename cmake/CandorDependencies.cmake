# Third-party libraries, all from the distribution. Every library is named here and nowhere else.
#
# The laptop's daemon links its libraries statically (it halves its memory); everything else links
# them shared. A target asks for the static form with the property CANDOR_STATIC_DEPS.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(Protobuf REQUIRED)
find_package(OpenSSL REQUIRED)
pkg_check_modules(SYSTEMD REQUIRED IMPORTED_TARGET libsystemd)
pkg_check_modules(XCB REQUIRED IMPORTED_TARGET xcb xcb-res xcb-sync)
pkg_check_modules(GRPC REQUIRED IMPORTED_TARGET grpc++)
find_program(CANDOR_GRPC_PLUGIN grpc_cpp_plugin REQUIRED)

# candor_dependency(NAME PKGS...): INTERFACE target `dep_NAME`, linked shared or static by consumer.
function(candor_dependency name)
  pkg_check_modules(DEP_${name} REQUIRED ${ARGN})
  set(shared)
  foreach(lib IN LISTS DEP_${name}_LIBRARIES)
    list(APPEND shared "-l${lib}")
  endforeach()
  set(static)
  foreach(lib IN LISTS DEP_${name}_STATIC_LIBRARIES)
    # What belongs to glibc and the compiler stays shared.
    if(lib MATCHES "^(pthread|rt|dl|m|atomic)$")
      list(APPEND static "-l${lib}")
      continue()
    endif()
    find_library(CANDOR_ARCHIVE_${lib} NAMES lib${lib}.a)
    if(NOT CANDOR_ARCHIVE_${lib})
      message(FATAL_ERROR "no static archive for lib${lib}, which the daemon needs")
    endif()
    list(APPEND static ${CANDOR_ARCHIVE_${lib}})
  endforeach()
  add_library(dep_${name} INTERFACE)
  target_include_directories(dep_${name} SYSTEM INTERFACE ${DEP_${name}_INCLUDE_DIRS})
  target_link_libraries(
    dep_${name}
    INTERFACE
      "$<IF:$<BOOL:$<TARGET_PROPERTY:CANDOR_STATIC_DEPS>>,${static},${shared}>"
      Threads::Threads)
endfunction()

candor_dependency(status absl_status absl_statusor absl_strings)
candor_dependency(sqlite sqlite3)
candor_dependency(zstd libzstd)
candor_dependency(nettle nettle)
candor_dependency(protobuf protobuf)
candor_dependency(cares libcares)

# Header-only by choice: their compiled forms exist only as shared libraries.
add_library(dep_spdlog INTERFACE)
target_compile_definitions(dep_spdlog INTERFACE SPDLOG_HEADER_ONLY SPDLOG_FMT_EXTERNAL
                                                FMT_HEADER_ONLY)
add_library(dep_toml INTERFACE)
# Its mode without exceptions runs into an assertion of its own on damaged text.
target_compile_definitions(dep_toml INTERFACE TOML_HEADER_ONLY=1 TOML_EXCEPTIONS=1)

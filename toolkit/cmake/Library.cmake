# assay_library(NAME SOURCES... LINK...): one library a folder, linking only what docs/architecture.md's table allows.
set(ASSAY_WARNINGS -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor -Woverloaded-virtual)
# g++ 12 takes the other alternative of a Result's std::variant for a value that may be read; clang's analyzer does not.
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  list(APPEND ASSAY_WARNINGS -Wno-maybe-uninitialized)
endif()
if(CMAKE_UNITY_BUILD)
  list(APPEND ASSAY_WARNINGS -Wno-subobject-linkage)  # an anonymous namespace in an included .cpp is not one in a header
endif()
if(ASSAY_WERROR)
  list(APPEND ASSAY_WARNINGS -Werror)
endif()
if(ASSAY_SANITIZE)
  add_compile_options(-fsanitize=${ASSAY_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${ASSAY_SANITIZE})
endif()

if(ASSAY_FUZZERS)
  add_compile_options(-fsanitize=fuzzer-no-link)  # coverage, which guides the fuzzers
endif()

function(assay_target name)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_options(${name} PRIVATE "$<$<COMPILE_LANGUAGE:CXX>:${ASSAY_WARNINGS}>")
  if(ASSAY_WERROR)
    target_compile_options(${name} PRIVATE $<$<COMPILE_LANGUAGE:CUDA>:-Werror=all-warnings>)
  endif()
endfunction()

# The headers that cost most in the most files. A file that lacks one of them is found by every other build.
if(ASSAY_PCH)
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/pch/empty.cpp CONTENT "")
  add_library(assay_pch OBJECT ${PROJECT_BINARY_DIR}/pch/empty.cpp)
  assay_target(assay_pch)
  set_target_properties(assay_pch PROPERTIES POSITION_INDEPENDENT_CODE ON UNITY_BUILD OFF)
  target_link_libraries(assay_pch PRIVATE fmt::fmt)
  target_precompile_headers(assay_pch PRIVATE <algorithm> <chrono> <cstring> <filesystem> <functional> <map> <optional> <set> <string>
    <variant> <vector> <fmt/format.h> ${PROJECT_SOURCE_DIR}/toolkit/base/text.hpp)
endif()

function(assay_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  assay_target(${name})
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  if(ASSAY_PCH)
    target_precompile_headers(${name} REUSE_FROM assay_pch)
  endif()
  target_link_libraries(${name} PUBLIC ${ARG_LINK})
endfunction()

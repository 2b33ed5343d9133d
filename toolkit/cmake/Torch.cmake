# assay_torch: libtorch of the pinned wheel, through the Python that has it (toolkit/torch.sh makes one). A few imported
# targets of our own: torch's CMake package asks for a whole CUDA toolkit.
set(ASSAY_TORCH_PYTHON "" CACHE FILEPATH "Python with torch 2.11.0; empty: the environment of toolkit/torch.sh, then python3")
set(ASSAY_TORCH_VERSION 2.11.0)

if(NOT ASSAY_TORCH_PYTHON)
  if(DEFINED ENV{XDG_CACHE_HOME})
    set(torch_cache $ENV{XDG_CACHE_HOME})
  else()
    set(torch_cache $ENV{HOME}/.cache)
  endif()
  find_program(torch_python NAMES python3 python PATHS ${torch_cache}/assay/torch/bin NO_DEFAULT_PATH NO_CACHE)
  if(NOT torch_python)
    find_program(torch_python NAMES python3 NO_CACHE)
  endif()
else()
  set(torch_python ${ASSAY_TORCH_PYTHON})
endif()

# Without importing it: that takes seconds and needs its libraries.
execute_process(COMMAND ${torch_python} -c "import importlib.util as u, importlib.metadata as m, os
print(os.path.dirname(u.find_spec('torch').origin)); print(m.version('torch').split('+')[0])"
  OUTPUT_VARIABLE torch_found ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
string(REPLACE "\n" ";" torch_found "${torch_found}")
list(LENGTH torch_found torch_parts)
if(NOT torch_parts EQUAL 2)
  message(FATAL_ERROR "ASSAY_REPLAY: no torch in ${torch_python}. Run toolkit/torch.sh (downloads 4.7 GB, once), "
    "name a Python that has torch ${ASSAY_TORCH_VERSION} with -DASSAY_TORCH_PYTHON=..., or leave the replay engine out: -DASSAY_REPLAY=OFF")
endif()
list(GET torch_found 0 torch_folder)
list(GET torch_found 1 torch_version)
if(NOT torch_version VERSION_EQUAL ASSAY_TORCH_VERSION)
  message(FATAL_ERROR "ASSAY_REPLAY: torch ${torch_version} in ${torch_python}, expected ${ASSAY_TORCH_VERSION}: derivative formulas and "
    "composites are torch's, so its version is part of what fixes the bits. Run toolkit/torch.sh or set -DASSAY_TORCH_PYTHON=...")
endif()
message(STATUS "torch ${torch_version}: ${torch_folder}")

add_library(assay_torch INTERFACE)
target_include_directories(assay_torch SYSTEM INTERFACE ${torch_folder}/include ${torch_folder}/include/torch/csrc/api/include)
# As the wheel was compiled: at::RecordFunction has a member more without it, which then is read from past the object's end.
target_compile_definitions(assay_torch INTERFACE NDEBUG)
target_link_directories(assay_torch INTERFACE ${torch_folder}/lib)
target_link_libraries(assay_torch INTERFACE -Wl,--no-as-needed torch torch_cpu c10 -Wl,--as-needed)
target_link_options(assay_torch INTERFACE -Wl,-rpath,${torch_folder}/lib)
if(EXISTS ${torch_folder}/lib/libc10_cuda.so AND EXISTS ${torch_folder}/lib/libtorch_cuda.so)
  set(ASSAY_TORCH_HAS_CUDA ON)
endif()

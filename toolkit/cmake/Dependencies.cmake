# What assay links, found once. The packages that bring it stand in toolkit/dependencies.txt.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED COMPONENTS Crypto)
find_package(nlohmann_json 3.10 REQUIRED)
find_package(fmt 9 REQUIRED)
find_package(CLI11 2 REQUIRED)
find_package(Boost 1.74 REQUIRED)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(SECCOMP IMPORTED_TARGET libseccomp)  # optional: the tier is then absent, and said
pkg_search_module(HDF5 REQUIRED IMPORTED_TARGET hdf5-serial hdf5)  # libhdf5-dev of Debian and Ubuntu: hdf5-serial
if(ASSAY_ARCHIVES)
  pkg_check_modules(GIT2 REQUIRED IMPORTED_TARGET libgit2)
endif()

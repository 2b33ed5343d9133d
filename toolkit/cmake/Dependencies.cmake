# What assay links, found once. The packages that bring it stand in toolkit/dependencies.txt.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED COMPONENTS Crypto SSL)
find_package(nlohmann_json 3.10 REQUIRED)
find_package(fmt 9 REQUIRED)
find_package(CLI11 2 REQUIRED)
find_package(Boost 1.74 REQUIRED)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(SECCOMP IMPORTED_TARGET libseccomp)  # optional: the tier is then absent, and said
pkg_check_modules(YAML IMPORTED_TARGET yaml-0.1)  # optional: decisions that rest on a configuration are then not on record
pkg_search_module(HDF5 REQUIRED IMPORTED_TARGET hdf5-serial hdf5)  # libhdf5-dev of Debian and Ubuntu: hdf5-serial
# Debian's shared HDF5 brings 30 more libraries with it (curl, Kerberos, LDAP) and every start of the program pays 4 ms for
# them. The static one does without, since nothing refers to its reader of remote files.
find_library(HDF5_ARCHIVE libhdf5.a HINTS ${HDF5_LIBRARY_DIRS} ${HDF5_LIBDIR})
find_library(SZIP_ARCHIVE libsz.a)
find_library(AEC_ARCHIVE libaec.a)
if(HDF5_ARCHIVE AND SZIP_ARCHIVE AND AEC_ARCHIVE)
  set_target_properties(PkgConfig::HDF5 PROPERTIES INTERFACE_LINK_LIBRARIES
    "${HDF5_ARCHIVE};${SZIP_ARCHIVE};${AEC_ARCHIVE};PkgConfig::ZLIB;m;${CMAKE_DL_LIBS}")
endif()
if(ASSAY_ARCHIVES)
  pkg_check_modules(GIT2 REQUIRED IMPORTED_TARGET libgit2)
endif()

/* The C face of libassay_kernels.so, for programs that embed libtorch. Loading the library takes over ATen's operators. */
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

const char* assay_kernels_contract(void); /* "VERSION SHA256" of docs/determinism.md */
const char* assay_kernels_gpu(void);      /* the first GPU's name, "NVIDIA H100 80GB HBM3"; "" without one */
const char* assay_kernels_driver(void);   /* the newest CUDA that its driver takes, "13.0"; "" without one */
void assay_kernels_install(void);         /* done at load time; again it does nothing */
void assay_kernels_set_strict(int strict);
void assay_kernels_set_seed(int64_t seed); /* torch.manual_seed; both devices draw from one stream */
void assay_kernels_set_step(int64_t step); /* keys the random calls that follow; their number starts at 0 */

/* For those who capture CUDA graphs (streams.hpp, watch.hpp). Devices: -1 none, 0 the CPU, 1 the current GPU. */
void assay_kernels_rewind_streams(int device);
void assay_kernels_lose_streams(int device);
void assay_kernels_watch(int device);
const char* assay_kernels_host_use(void); /* "" when there was none; valid until this thread asks again */
void assay_kernels_set_recording(int on);

void assay_kernels_reset_counts(void);
const char* assay_kernels_counts(void); /* JSON; valid until this thread asks again */

#ifdef __cplusplus
}
#endif

// What a program does with a device's values on the host, or with the host's values on the device: work that
// a captured CUDA graph would not do again. Counted while a caller watches; refused while a graph is
// recorded, before CUDA is asked, so that the capture itself stays whole.
#pragma once

#include <c10/core/Device.h>
#include <optional>
#include <string>

namespace assay::kernels::aten {

/// From now on uses of this kind of device are noted; none: nothing is. Forgets what was noted.
void watch(std::optional<c10::DeviceType> device);
/// The first use since watch: "aten::_local_scalar_dense, program.py:41"; "" when there was none.
std::string host_use();

/// While on, a use of the watched device throws instead.
void set_recording(bool on);
bool recording();

/// On this thread, uses by whoever knows that nothing will come of them are not noted: a number that is kept
/// to be looked at. While a graph is recorded they throw all the same.
void permit_host_use(bool on);

/// Told by operators, before they do it.
void note_host_use(c10::DeviceType device, const char* what);

}  // namespace assay::kernels::aten

// A tensor of (batch, channels, spatial...) as convolution and pooling see it.
#pragma once

#include "kernels/conv/conv_job.hpp"
#include "kernels/core/view.hpp"

namespace assay::kernels {

/// The spatial dimensions, 1 to 3, stand at the end of the volume's three.
inline Volume volume_of(const View& view, int spatial) {
  Volume volume;
  volume.data = view.data;
  volume.batch = view.size[0], volume.channels = view.size[1];
  volume.batch_stride = view.stride[0], volume.channel_stride = view.stride[1];
  for (int d = 0; d < spatial; ++d) {
    volume.size[3 - spatial + d] = view.size[2 + d];
    volume.stride[3 - spatial + d] = view.stride[2 + d];
  }
  return volume;
}

}  // namespace assay::kernels

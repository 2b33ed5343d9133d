// OpenSSL reads openssl.cnf on its first use. Nothing here may depend on that file, and in the confined child
// opening any file means death: so OpenSSL is told not to before it is first used.
#pragma once

#include <openssl/crypto.h>

namespace assay::formats {

/// To be called before anything of OpenSSL's but the plain SHA functions. Costs nothing after the first time.
inline void start_openssl() {
  static const int kStarted = OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
  (void)kStarted;
}

}  // namespace assay::formats

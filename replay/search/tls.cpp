#include <memory>
#include <poll.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "replay/search/stream.hpp"

namespace assay::search {

namespace {

Error tls_error(const std::string& what, const SSL* ssl = nullptr) {
  const long verified = ssl ? ::SSL_get_verify_result(ssl) : X509_V_OK;
  char text[256] = "no reason given";
  if (const unsigned long code = ::ERR_get_error()) ::ERR_error_string_n(code, text, sizeof text);
  ::ERR_clear_error();
  const std::string why = verified != X509_V_OK ? ::X509_verify_cert_error_string(verified) : text;
  return {Fault::untrusted, what + ": " + why, "", "SSL_CERT_FILE names the authorities to trust (PEM)"};
}

struct Free {
  void operator()(SSL_CTX* context) const { ::SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { ::SSL_free(ssl); }
};

class TlsStream final : public Stream {
 public:
  TlsStream(Fd socket, std::unique_ptr<SSL_CTX, Free> context, std::unique_ptr<SSL, Free> ssl)
      : socket_(std::move(socket)), context_(std::move(context)), ssl_(std::move(ssl)) {}

  Status shake_hands(Deadline deadline) {
    for (;;) {
      ::ERR_clear_error();
      const int done = ::SSL_connect(ssl_.get());
      if (done == 1) return {};
      ASSAY_TRY(wait(done, deadline, "no TLS connection"));
    }
  }

  Result<std::size_t> read(char* into, std::size_t size, Deadline deadline) override {
    for (;;) {
      std::size_t got = 0;
      ::ERR_clear_error();
      const int done = ::SSL_read_ex(ssl_.get(), into, size, &got);
      if (done == 1) return got;
      if (::SSL_get_error(ssl_.get(), done) == SSL_ERROR_ZERO_RETURN) return std::size_t{0};
      ASSAY_TRY(wait(done, deadline, "the TLS connection broke"));
    }
  }

  Status write(std::string_view bytes, Deadline deadline) override {
    while (!bytes.empty()) {
      std::size_t put = 0;
      ::ERR_clear_error();
      const int done = ::SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &put);
      if (done == 1)
        bytes.remove_prefix(put);
      else
        ASSAY_TRY(wait(done, deadline, "the TLS connection broke"));
    }
    return {};
  }

  int fd() const override { return socket_.get(); }

 private:
  Status wait(int done, Deadline deadline, const std::string& what) {
    const int why = ::SSL_get_error(ssl_.get(), done);
    if (why == SSL_ERROR_WANT_READ) return wait_for(socket_.get(), POLLIN, deadline);
    if (why == SSL_ERROR_WANT_WRITE) return wait_for(socket_.get(), POLLOUT, deadline);
    return tls_error(what, ssl_.get());
  }

  Fd socket_;
  std::unique_ptr<SSL_CTX, Free> context_;
  std::unique_ptr<SSL, Free> ssl_;
};

Status trust(SSL_CTX* context, const std::string& authorities) {
  const bool done = authorities.empty() ? ::SSL_CTX_set_default_verify_paths(context) == 1
                                        : ::SSL_CTX_load_verify_file(context, authorities.c_str()) == 1;
  if (!done) return tls_error("cannot read the authorities " + authorities);
  return {};
}

bool is_address(const std::string& host) {
  return host.find_first_not_of("0123456789.") == host.npos || host.find(':') != host.npos;
}

Status expect_host(SSL* ssl, const std::string& host) {
  const bool done =
      is_address(host)
          ? ::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(ssl), host.c_str()) == 1
          : ::SSL_set1_host(ssl, host.c_str()) == 1 && ::SSL_set_tlsext_host_name(ssl, host.c_str()) == 1;
  if (!done) return tls_error("not a host name: " + host);
  return {};
}

}  // namespace

Result<std::unique_ptr<Stream>> tls_over(Fd socket, const std::string& host, const std::string& authorities,
                                         Deadline deadline) {
  std::unique_ptr<SSL_CTX, Free> context(::SSL_CTX_new(::TLS_client_method()));
  if (!context) return tls_error("no TLS");
  ::SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  ::SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  // A writer that is called again after a wait may hand over the same bytes at another place.
  ::SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  ASSAY_TRY(trust(context.get(), authorities));
  std::unique_ptr<SSL, Free> ssl(::SSL_new(context.get()));
  if (!ssl || ::SSL_set_fd(ssl.get(), socket.get()) != 1) return tls_error("no TLS");
  ASSAY_TRY(expect_host(ssl.get(), host));
  auto stream = std::make_unique<TlsStream>(std::move(socket), std::move(context), std::move(ssl));
  ASSAY_TRY(stream->shake_hands(deadline));
  return std::unique_ptr<Stream>(std::move(stream));
}

}  // namespace assay::search

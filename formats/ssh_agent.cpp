#include "formats/ssh_agent.hpp"

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "formats/ssh_wire.hpp"
#include "toolkit/base/files.hpp"

namespace assay::formats {

namespace {

using Clock = std::chrono::steady_clock;

enum Message : char {
  kFailure = 5,
  kRequestIdentities = 11,
  kIdentitiesAnswer = 12,
  kSignRequest = 13,
  kSignResponse = 14,
};
constexpr std::uint32_t kMaxMessage = 256u << 10;  // what OpenSSH's agent takes and gives
constexpr std::chrono::seconds kListTime{5};
constexpr std::chrono::seconds kSignTime{60};  // `ssh-add -c` keys wait for a person

Error agent_error(std::string what) {
  return {Fault::missing, "ssh-agent: " + std::move(what), "SSH_AUTH_SOCK",
          "eval \"$(ssh-agent)\"; ssh-add FILE"};
}

Error system_problem(const char* doing) {
  return agent_error(std::string(doing) + ": " + std::strerror(errno));
}

Status wait_for(int fd, short events, Clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return agent_error("no answer in time");
    pollfd one{fd, events, 0};
    const int ready = ::poll(&one, 1, static_cast<int>(left));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return system_problem("poll");
  }
}

Result<Fd> connect_agent() {
  const char* path = std::getenv("SSH_AUTH_SOCK");
  if (!path || !*path) return agent_error("none is running in this session");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string_view place(path);
  if (place.size() >= sizeof address.sun_path) return agent_error("the socket's path is too long");
  place.copy(address.sun_path, place.size());
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return system_problem("socket");
  // On a unix socket connect() never says EINPROGRESS: a full queue is EAGAIN, and then the agent hangs.
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return system_problem("cannot connect");
  return fd;
}

Status send_all(int fd, ByteView bytes, Clock::time_point deadline) {
  while (!bytes.empty()) {
    ASSAY_TRY(wait_for(fd, POLLOUT, deadline));
    const ssize_t put = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put < 0 && errno != EAGAIN && errno != EINTR) return system_problem("send");
    if (put > 0) bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

Result<Bytes> receive_exactly(int fd, std::size_t length, Clock::time_point deadline) {
  Bytes bytes(length, '\0');
  for (std::size_t done = 0; done < length;) {
    ASSAY_TRY(wait_for(fd, POLLIN, deadline));
    const ssize_t got = ::recv(fd, bytes.data() + done, length - done, 0);
    if (got == 0) return agent_error("closed the connection");
    if (got < 0 && errno != EAGAIN && errno != EINTR) return system_problem("receive");
    if (got > 0) done += static_cast<std::size_t>(got);
  }
  return bytes;
}

// One request, one answer: the answer's type byte and what follows it.
Result<Bytes> ask(ByteView request, std::chrono::seconds time) {
  if (request.size() > kMaxMessage)
    return Error{Fault::refused, "too long for ssh-agent: " + std::to_string(request.size()) + " bytes", "",
                 "use a key file"};
  const auto deadline = Clock::now() + time;
  const Fd fd = ASSAY_TRY(connect_agent());
  Bytes message;
  ssh::put_string(message, request);
  ASSAY_TRY(send_all(fd.get(), message, deadline));
  const Bytes head = ASSAY_TRY(receive_exactly(fd.get(), 4, deadline));
  const std::uint32_t length = get_u32_be(head.data());
  if (length == 0 || length > kMaxMessage)
    return agent_error("an answer of " + std::to_string(length) + " bytes");
  return receive_exactly(fd.get(), length, deadline);
}

class AgentSigner : public Signer {
 public:
  explicit AgentSigner(const PublicKey& key) : key_(key) {}
  const PublicKey& public_key() const override { return key_; }

  Result<Bytes> sign(std::string_view message) const override {
    Bytes request(1, kSignRequest);
    ssh::put_string(request, ssh::key_blob(key_));
    ssh::put_string(request, message);
    put_u32_be(request, 0);  // flags: they choose RSA's hash
    const Bytes answer = ASSAY_TRY(ask(request, kSignTime));
    if (answer[0] == kFailure) return refused();
    ssh::Reader reader(ByteView(answer).substr(1));
    const auto signature = ssh::signature_from_blob(reader.string());
    if (answer[0] != kSignResponse || !reader.done() || !signature)
      return agent_error("an answer that is no signature");
    if (!key_.verify(message, *signature)) return agent_error("a signature that does not verify");
    return *signature;
  }

 private:
  Error refused() const {
    return {Fault::refused, "ssh-agent did not sign with " + key_.fingerprint(), "SSH_AUTH_SOCK",
            "is the key still there (ssh-add -l), was the request confirmed?"};
  }
  PublicKey key_;
};

std::string listing(const std::vector<PublicKey>& keys) {
  std::string text;
  for (const PublicKey& key : keys) text += (text.empty() ? "" : ", ") + key.fingerprint();
  return text.empty() ? "no Ed25519 key" : text;
}

}  // namespace

Result<std::vector<PublicKey>> agent_keys() {
  const Bytes answer = ASSAY_TRY(ask(Bytes(1, kRequestIdentities), kListTime));
  if (answer[0] != kIdentitiesAnswer) return agent_error("does not list its keys (is it locked?)");
  ssh::Reader reader(ByteView(answer).substr(1));
  std::vector<PublicKey> keys;
  for (std::uint32_t left = reader.u32(); left > 0 && reader.ok(); --left) {
    const ByteView blob = reader.string();
    reader.string();  // comment
    if (const auto key = ssh::key_from_blob(blob); key && reader.ok()) keys.push_back(*key);
  }
  if (!reader.done()) return agent_error("a list of keys that cannot be read");
  return keys;
}

Result<std::unique_ptr<Signer>> agent_signer(std::string_view fingerprint) {
  const std::vector<PublicKey> keys = ASSAY_TRY(agent_keys());
  if (fingerprint.empty() && keys.size() == 1)
    return std::unique_ptr<Signer>(std::make_unique<AgentSigner>(keys[0]));
  for (const PublicKey& key : keys)
    if (key.fingerprint() == fingerprint) return std::unique_ptr<Signer>(std::make_unique<AgentSigner>(key));
  if (fingerprint.empty() && keys.size() > 1) {
    return Error{Fault::usage, "ssh-agent holds several Ed25519 keys: " + listing(keys), "SSH_AUTH_SOCK",
                 "name one: --key agent:" + keys[0].fingerprint()};
  }
  const std::string wanted = fingerprint.empty() ? "an Ed25519 key" : std::string(fingerprint);
  return Error{Fault::missing, "ssh-agent does not hold " + wanted + "; it holds " + listing(keys),
               "SSH_AUTH_SOCK", "ssh-add FILE"};
}

}  // namespace assay::formats

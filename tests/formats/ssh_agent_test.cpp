#include "formats/ssh_agent.hpp"

#include <algorithm>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>

#include <gtest/gtest.h>

#include "formats/dsse.hpp"
#include "formats/ssh_wire.hpp"
#include "tests/formats/foreign_tool.hpp"

namespace assay::formats {
namespace {

using test::run_shell;
using test::TempFolder;

class Socket {
 public:
  explicit Socket(const std::string& path) { ::setenv("SSH_AUTH_SOCK", path.c_str(), 1); }
  ~Socket() { ::unsetenv("SSH_AUTH_SOCK"); }
};

// A real ssh-agent of the test's own.
class Agent {
 public:
  Agent() : socket_(folder_ / "agent") {
    const auto ran = run_shell("ssh-agent -a " + (folder_ / "agent"));
    const std::string mark = "SSH_AGENT_PID=";
    const auto at = ran.output.find(mark);
    if (at != std::string::npos) pid_ = std::atoi(ran.output.c_str() + at + mark.size());
  }
  ~Agent() {
    if (pid_ > 0) ::kill(pid_, SIGTERM);
  }
  PublicKey add(const std::string& name, const std::string& flags = "") {
    const PublicKey key = *create_key(folder_ / name, name, false);
    EXPECT_EQ(run_shell("ssh-add -q " + flags + " " + (folder_ / name)).status, 0);
    return key;
  }
  const TempFolder& folder() const { return folder_; }

 private:
  TempFolder folder_;
  Socket socket_;
  pid_t pid_ = 0;
};

TEST(SshAgent, SignsTheBytesAsTheyAre) {
  ASSAY_NEEDS_TOOL("ssh-agent");
  Agent agent;
  const PublicKey key = agent.add("id");
  const Bytes message = pre_authentication_encoding(kInTotoPayload, "{}");
  for (const std::string& name :
       {std::string("agent"), "agent:" + key.fingerprint(), agent.folder() / "id.pub"}) {
    const auto signer = load_signer(name);
    ASSERT_TRUE(signer.ok()) << name << ": " << signer.error().what;
    EXPECT_EQ((*signer)->public_key(), key);
    const auto signature = (*signer)->sign(message);
    ASSERT_TRUE(signature.ok()) << signature.error().what;
    EXPECT_TRUE(key.verify(message, *signature));
    EXPECT_EQ(*signature, *(*load_signer(agent.folder() / "id"))->sign(message));
  }
}

TEST(SshAgent, MakesSshSignaturesForGit) {
  ASSAY_NEEDS_TOOL("ssh-agent");
  Agent agent;
  const PublicKey key = agent.add("id");
  const auto signer = load_signer("agent");
  ASSERT_TRUE(signer.ok());
  EXPECT_EQ(*sshsig_verify(*sshsig_sign(**signer, "commit", "git"), "commit", "git"), key);
}

TEST(SshAgent, SeveralKeysMustBeChosenFrom) {
  ASSAY_NEEDS_TOOL("ssh-agent");
  Agent agent;
  agent.add("one");
  const PublicKey two = agent.add("two");
  EXPECT_EQ(agent_keys()->size(), 2u);
  const auto either = load_signer("agent");
  ASSERT_FALSE(either.ok());
  EXPECT_NE(either.error().what.find(two.fingerprint()), std::string::npos);
  EXPECT_EQ((*load_signer("agent:" + two.fingerprint()))->public_key(), two);
  EXPECT_EQ(load_signer("agent:SHA256:nobody").error().fault, Fault::missing);
}

TEST(SshAgent, AnEmptyAgentSaysSo) {
  ASSAY_NEEDS_TOOL("ssh-agent");
  Agent agent;
  const auto signer = load_signer("agent");
  ASSERT_FALSE(signer.ok());
  EXPECT_NE(signer.error().what.find("no Ed25519 key"), std::string::npos);
}

TEST(SshAgent, AKeyTakenAwayMeanwhileIsRefused) {
  ASSAY_NEEDS_TOOL("ssh-agent");
  Agent agent;
  agent.add("id");
  const auto signer = load_signer("agent");
  ASSERT_TRUE(signer.ok());
  ASSERT_EQ(run_shell("ssh-add -q -D").status, 0);
  EXPECT_EQ((*signer)->sign("x").error().fault, Fault::refused);
}

TEST(SshAgent, AMessageThatIsTooLongIsRefusedBeforeItIsSent) {
  ASSAY_NEEDS_TOOL("ssh-agent");
  Agent agent;
  agent.add("id");
  EXPECT_EQ((*load_signer("agent"))->sign(std::string(300000, 'x')).error().fault, Fault::refused);
}

TEST(SshAgent, NoAgentIsAClearError) {
  ::unsetenv("SSH_AUTH_SOCK");
  EXPECT_EQ(load_signer("agent").error().fault, Fault::missing);
  const Socket nowhere("/nonexistent/agent");
  EXPECT_EQ(load_signer("agent").error().fault, Fault::missing);
  const Socket too_long("/" + std::string(200, 'x'));
  EXPECT_EQ(load_signer("agent").error().fault, Fault::missing);
}

// An agent that answers each connection with the bytes it was given.
class FalseAgent {
 public:
  FalseAgent(Bytes answer, int connections)
      : socket_(folder_ / "agent"), fd_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    (folder_ / "agent").copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(fd_.get(), 4), 0);
    thread_ = std::thread([this, answer = std::move(answer), connections] {
      for (int i = 0; i < connections; ++i) {
        const Fd peer(::accept(fd_.get(), nullptr, nullptr));
        char request[256];
        (void)!::recv(peer.get(), request, sizeof request, 0);
        (void)!::send(peer.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
      }
    });
  }
  ~FalseAgent() { thread_.join(); }

 private:
  TempFolder folder_;
  Socket socket_;
  Fd fd_;
  std::thread thread_;
};

TEST(SshAgent, NonsenseIsNotBelieved) {
  Bytes many;  // four thousand million keys, in nine bytes
  put_u32_be(many, 5);
  many += '\x0c';
  put_u32_be(many, 0xffffffff);
  Bytes huge;
  put_u32_be(huge, 0x7fffffff);
  for (const Bytes& answer :
       {Bytes(), Bytes(4, '\0'), Bytes("\0\0\0\x01\x05", 5), Bytes("\0\0\0\x02\x0c\x00", 6), many, huge}) {
    const FalseAgent agent(answer, 1);
    EXPECT_FALSE(agent_keys().ok()) << to_hex(answer);
  }
}

TEST(SshAgent, ASignatureThatDoesNotVerifyIsNotBelieved) {
  PublicKey key;
  key.bytes.fill(7);
  Bytes list(1, '\x0c');
  put_u32_be(list, 1);
  ssh::put_string(list, ssh::key_blob(key));
  ssh::put_string(list, "comment");
  Bytes listed;
  ssh::put_string(listed, list);
  std::unique_ptr<Signer> signer;
  {
    const FalseAgent agent(listed, 1);
    auto loaded = load_signer("agent");
    ASSERT_TRUE(loaded.ok()) << loaded.error().what;
    signer = std::move(*loaded);
  }
  Bytes reply(1, '\x0e'), replied;
  ssh::put_string(reply, ssh::signature_blob(Bytes(64, '\x01')));
  ssh::put_string(replied, reply);
  const FalseAgent agent(replied, 1);
  const auto signature = signer->sign("x");
  ASSERT_FALSE(signature.ok());
  EXPECT_NE(signature.error().what.find("does not verify"), std::string::npos);
}

}  // namespace
}  // namespace assay::formats

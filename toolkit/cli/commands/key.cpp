#include <cstdlib>

#include "formats/keys.hpp"
#include "toolkit/base/files.hpp"
#include "toolkit/base/text.hpp"
#include "toolkit/cli/arguments.hpp"
#include "toolkit/cli/commands/commands.hpp"
#include "toolkit/cli/commands/common.hpp"
#include "toolkit/cli/output.hpp"

namespace assay::cli::commands {

namespace {

void show_key(Output& output, const formats::PublicKey& key) {
  if (output.wants_json()) {
    output.print_json(output.document().set(
        "result", Json::object({{"fingerprint", key.fingerprint()}, {"public", key.line()}})));
    return;
  }
  output.print("fingerprint  " + key.fingerprint() + "\npublic key   " + key.line() + "\n");
}

Result<Exit> run_new(const Arguments& arguments, Output& output) {
  const std::string path = *arguments.value("FILE");
  const std::string comment = arguments.value_or("--comment", "");
  if (comment.find_first_of("\n\r") != comment.npos)
    return Error{Fault::usage, "--comment: expected one line, found a line feed", "", ""};
  const auto key = ASSAY_TRY(formats::create_key(path, comment, arguments.has("--force")));
  show_key(output, key);
  output.remark("written: " + path + " (mode 0600, keep it secret) and " + path + ".pub (give it away)");
  return Exit::done;
}

// A public key file is enough; a private key or ssh-agent gives its public half.
Result<formats::PublicKey> load_public(const std::string& name) {
  if (!name.starts_with("agent")) {
    const std::string text = ASSAY_TRY(read_file(name, 1u << 20));
    if (text.starts_with("ssh-")) return formats::PublicKey::parse(trim(text));
  }
  return ASSAY_TRY(formats::load_signer(name))->public_key();
}

Result<Exit> run_show(const Arguments& arguments, Output& output) {
  show_key(output, ASSAY_TRY(load_public(*arguments.value("KEY"))));
  return Exit::done;
}

}  // namespace

Command key_new() {
  return {
      .name = "key new",
      .sentence = "Make an Ed25519 key pair for signing",
      .about =
          "The files are OpenSSH's own form: ssh-keygen, ssh-agent and git use them as they are. The private "
          "key is not "
          "encrypted; to protect it by a passphrase, run ssh-keygen -p -f FILE and sign with --key agent.",
      .positionals = {{.name = "FILE", .text = "the private key; FILE.pub gets the public one"}},
      .options = {{.name = "--comment",
                   .value = "TEXT",
                   .text = "a word on whose key it is, kept in both files"},
                  kForce,
                  kJson},
      .examples = {{"assay key new lab.key --comment alice@lab.example", "writes lab.key and lab.key.pub"},
                   {"assay key new lab.key && ssh-add lab.key", "and hands it to ssh-agent"}},
      .exits = {},
      .run = run_new,
  };
}

Command key_show() {
  return {
      .name = "key show",
      .sentence = "Show a key's fingerprint and public half",
      .about = "",
      .positionals = {{.name = "KEY", .text = "a private or public key file, agent, or agent:FINGERPRINT"}},
      .options = {kJson},
      .examples = {{"assay key show lab.key.pub", "the fingerprint to print in the paper"},
                   {"assay key show agent", "the one Ed25519 key that ssh-agent holds"}},
      .exits = {},
      .run = run_show,
  };
}

}  // namespace assay::cli::commands

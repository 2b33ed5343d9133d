#include "toolkit/cli/topics.hpp"

namespace assay::cli {

namespace {

constexpr Topic kTopics[] = {
    {"bundle", "what one sealed file holds",
     R"(A bundle is one HDF5 file that holds one finished campaign: every experiment's record, program, metrics
and checkpoints, the agents' steps, the claims as the authors state them, and a report of what is missing.

Logically it is a list of items, each with a name, a type and bytes. A manifest has one line an item; the
Merkle root over those lines is the bundle's identity. The root depends on content and names alone, not on
how the file is laid out or compressed. A signed statement carries the root and the digest of every stored
byte range, so no byte of the file can change unseen.

h5py (with hdf5plugin), pandas and h5dump read the file; its first 4,096 bytes are plain JSON.
A reader can be written from docs/formats/bundle.md alone.)"},
    {"trust", "who signed, and why believe it",
     R"(A valid signature says that the holder of a key signed these bytes. It does not say who that is. So trust
comes from outside the bundle:

  --trust FILE    who may sign: the allowed-signers file of OpenSSH, one line a person
                      alice@lab.example valid-after="20260101" ssh-ed25519 AAAA...
  --policy FILE   how many distinct people must have signed, which keys are revoked (JSON)
  --tsa-ca FILE   certificates of the time-stamping authority, for an RFC 3161 timestamp

Without --trust, verify says "valid signature, unknown signer" and exits with 5 if nothing else is wrong. With a timestamp, a key's
validity is judged at that time, else now. Ask the authors for the fingerprint by another way than the one
the bundle came by, a paper for instance, and compare it with what `assay key show` and `assay verify` print.)"},
    {"verdicts", "the five lines of verify",
     R"(intact      hashes, signatures, policy, timestamp: this is what was sealed, unchanged
complete    each claim has its program, seed, data hash, environment, metrics, checkpoint, transcript
consistent  the published numbers follow from the sealed raw numbers
reproduced  the authors' program and recipe give the same bits again
replicated  fresh seeds on one's own testbed show the claimed gain

The five lines always stand there, in this order. What was not tried says so. A line proves what it says and
nothing more: an intact bundle may hold wrong numbers, and consistent numbers may be made up.)"},
    {"runs", "training runs: recipe, trace, replay",
     R"(A recipe (JSON, docs/formats/recipe.md) fixes all of a training run but the program; `assay train` runs both in a
sandbox and leaves a trace: one hash a step, over loss, gradient norm and, at intervals, the whole state. Device, threads and
sandbox change no bit of it. `assay seal --from run` seals recipe, program, trace and checkpoints; `assay replay` runs
them again, from the start or from any checkpoint, and stops at the first step that is not the same.

A segment lies between two checkpoints and replays alone, so n machines check a run n times faster. Whoever checks k of n
segments, drawn by a seed of their own, catches m altered ones with probability 1 - C(n-m,k)/C(n,k); --sample says it.

An experiment whose authors sealed no recipe has no trace to hold a rerun against: --recipe runs its program anew, and
that is called a new run, never reproduced.)"},
    {"sandbox", "what confines a program that is run",
     R"(Programs come from strangers. `assay train` and `assay replay` run them without network, without new processes, without
the caller's environment, reading libraries, their inputs and nothing else, writing into one folder, within limits on
memory, output and time. --sandbox names the tier below which they refuse:

rlimits     limits and no_new_privs: holds accidents, and no program that means harm
seccomp     a system call filter, and Landlock for files and TCP (if not given)
bubblewrap  namespaces of its own around that; needs bwrap, and fails in most containers

What was in force stands in the run's environment.json. A program that breaks a rule gets an error of its own, as a rule
with the line that asked; one that breaks a limit is stopped. Either way assay says why in one sentence, status 6.)"},
    {"searches", "recording a search and running it again",
     R"(assay record -o run --deterministic -- COMMAND... runs a search in the current folder and keeps every
exchange with its model servers, the folder before and after, and what it printed. Keys are taken out before
anything is written (docs/search.md says which, and where that ends). assay seal run --from record makes a
bundle of it.

assay replay FILE --search runs the program again from the bundle: no network but a server that answers from
the record, no writes outside its own folder, clock and randomness as they were. /tmp and /dev/shm are its own and
go with it: it sees what stands in /tmp, and changes nothing there. Where the system has no user namespaces (the line
"walls" says it), TMPDIR is a folder of its own, nothing else in /tmp can be written, and /dev/shm is everybody's.
Each request is compared with the recorded one; the first that differs is shown as a diff, with what it may follow from, and the exit
status is 4. At the end the files that it wrote are compared too; what it printed is not.

--on-divergence nearest goes on with the recorded answer that stands nearest; live goes on with the model servers
(--upstream NAME=URL, else those of the record), also where the record was cut short, and keeps all of it as a
record of its own in -o RUN, which names the old one and where it left it. Keys are taken from the variables that
they were redacted as, else from NAME_API_KEY.

With --deterministic answers are handed out one at a time, and new threads and processes begin one at a time,
each when the program is at rest: so threads that race meet one order, in the record and in the rerun. It costs
some milliseconds an answer; record says how much. Whatever a program leaves running is ended with it.

The evaluator runs again. Where it cannot, or need not, record with --evaluator FILE, which keeps what it gives
(a Python file that the search imports or runs, or a shell script): assay replay FILE --search --evaluations
recorded gives that back. An evaluation that is not on record ends the rerun with an error that names it. Where
an evaluation is a training, as ASI-Arch's are, assay replay FILE EXPERIMENT makes that candidate's again.

Without --deterministic a rerun differs where the program puts times, random numbers or racing threads into its
requests. Out of reach are static binaries and direct system calls (libfaketime does not see them), other
libraries' work on a GPU, and network services that were not recorded: the rerun cannot reach them, so they
show.

assay search RECIPE -o run is a search of assay's own (docs/search.md): its choices are drawn from counted random
streams and its trainings leave traces, so that it can be repeated whole. assay replay FILE --search does that.)"},
    {"archive", "a git history of bundles",
     R"(An archive is a git repository that holds bundles as Git LFS objects, and beside each one its programs,
manifest and completeness report as plain text, so that `git log -p` shows how programs changed. Commits and
tags are signed with SSH keys. Stock git, git-lfs and ssh-keygen read and check it; assay is not needed for
that. `assay archive check` walks every generation and every pointer.)"},
    {"withheld", "content that the author keeps",
     R"(seal --withhold KIND seals only a salted digest of those items. The author keeps the content and the file
of salts (--salts), and can give an item out later with assay disclose: anyone can then check that it is
what was sealed, with assay verify --disclosed.

export --without KIND makes a smaller bundle from one that has everything. It still verifies, under the
authors' own signature, and says what was left out.

KIND is programs, transcripts, checkpoints, metrics, source, records, texts, campaign or other; of export also
columns, which seal derives. What names belong to a kind: docs/formats/campaign.md. seal --withhold also takes an item's
name.)"},
    {"exit-status", "what the exit status says",
     R"(  0  done, and nothing wrong
  1  could not do it: bad usage, unreadable file, no space
  2  not intact: damage, bad signature, policy not met
  3  intact, but findings of severity error
  4  replay differs
  5  intact, signer unknown (no --trust)
  6  the program that was run failed, or broke a limit
130  interrupted; only what can be gone on with is left

Of several, the first that holds in the order 1, 2, 6, 4, 3, 5.)"},
};

}  // namespace

std::span<const Topic> help_topics() { return kTopics; }

const Topic* find_topic(std::string_view name) {
  for (const Topic& topic : kTopics)
    if (topic.name == name) return &topic;
  return nullptr;
}

}  // namespace assay::cli

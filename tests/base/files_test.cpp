#include "toolkit/base/files.hpp"

#include <algorithm>
#include <atomic>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "toolkit/base/partial_files.hpp"

namespace assay {
namespace {

using ::testing::HasSubstr;

class Files : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("files-" + std::to_string(::getpid()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& entry : fs::directory_iterator(folder_)) out.push_back(entry.path().filename().string());
    std::sort(out.begin(), out.end());
    return out;
  }
  void put(const std::string& name, std::string_view content) const {
    fs::create_directories((folder_ / name).parent_path());
    ASSERT_TRUE(write_file(folder_ / name, content));
  }

  fs::path folder_;
};

using Names = std::vector<std::string>;

TEST_F(Files, WriteAndReadBack) {
  const std::string content("a\0b", 3);
  ASSERT_TRUE(write_file(folder_ / "f", content));
  EXPECT_EQ(*read_file(folder_ / "f"), content);
  EXPECT_EQ(names(), Names{"f"});
}

TEST_F(Files, RefuseToReplaceUnlessAsked) {
  put("f", "old");
  const Status refused = write_file(folder_ / "f", "new");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().fault, Fault::refused);
  EXPECT_EQ(*read_file(folder_ / "f"), "old");
  ASSERT_TRUE(write_file(folder_ / "f", "new", Existing::replace));
  EXPECT_EQ(*read_file(folder_ / "f"), "new");
  EXPECT_EQ(names(), Names{"f"});
}

TEST_F(Files, RefuseToReplaceWhatCameMeanwhile) {
  AtomicFile file = *AtomicFile::create(folder_ / "f", Existing::refuse);
  ASSERT_TRUE(file.write("mine"));
  put("f", "theirs");
  EXPECT_FALSE(file.commit());
  EXPECT_EQ(*read_file(folder_ / "f"), "theirs");
}

TEST_F(Files, LeaveNothingWithoutCommit) {
  {
    AtomicFile file = *AtomicFile::create(folder_ / "f", Existing::refuse);
    ASSERT_TRUE(file.write("half"));
    EXPECT_EQ(names().size(), 1u);
  }
  EXPECT_EQ(names(), Names{});
}

TEST_F(Files, TakeOverTheLeftoverOfAKilledRun) {
  fs::path leftover;
  {
    AtomicFile file = *AtomicFile::create(folder_ / "f", Existing::refuse);
    leftover = file.temporary();
  }
  ASSERT_TRUE(write_file(leftover, "half of an older run"));
  ASSERT_TRUE(write_file(folder_ / "f", "whole"));
  EXPECT_EQ(*read_file(folder_ / "f"), "whole");
  EXPECT_EQ(names(), Names{"f"});
}

TEST_F(Files, DoNotFollowALinkAtTheTemporaryName) {
  fs::path temporary;
  {
    AtomicFile file = *AtomicFile::create(folder_ / "f", Existing::refuse);
    temporary = file.temporary();
  }
  put("victim", "precious");
  fs::create_symlink(folder_ / "victim", temporary);
  ASSERT_TRUE(write_file(folder_ / "f", "x"));
  EXPECT_EQ(*read_file(folder_ / "victim"), "precious");
}

TEST_F(Files, MovedAtomicFilesCommitOnce) {
  AtomicFile first = *AtomicFile::create(folder_ / "f", Existing::refuse);
  AtomicFile second = std::move(first);
  ASSERT_TRUE(second.write("content"));
  ASSERT_TRUE(second.commit());
  EXPECT_EQ(*read_file(folder_ / "f"), "content");
}

TEST_F(Files, MoveAssignmentDropsTheOtherFile) {
  AtomicFile first = *AtomicFile::create(folder_ / "a", Existing::refuse);
  first = *AtomicFile::create(folder_ / "b", Existing::refuse);
  EXPECT_EQ(names().size(), 1u) << "the temporary file of a is still there";
  ASSERT_TRUE(first.commit());
  EXPECT_EQ(names(), Names{"b"});
}

TEST_F(Files, HaveTheModeAskedFor) {
  ASSERT_TRUE(write_file(folder_ / "key", "x", Existing::refuse, 0600));
  struct stat info {};
  ASSERT_EQ(::stat((folder_ / "key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(Files, ReadErrorsSayWhat) {
  EXPECT_EQ(read_file(folder_ / "none").error().fault, Fault::missing);
  EXPECT_EQ(read_file(folder_).error().what, "not a regular file");
  ASSERT_EQ(::mkfifo((folder_ / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(read_file(folder_ / "fifo").error().what, "not a regular file");
  put("large", std::string(1000, 'x'));
  const auto large = read_file(folder_ / "large", 999);
  EXPECT_EQ(large.error().fault, Fault::refused);
  EXPECT_THAT(large.error().what, HasSubstr("1000 bytes, at most 999"));
}

TEST_F(Files, ReadAtGivesAllOrAnError) {
  put("f", "0123456789");
  const Fd fd = *open_read(folder_ / "f");
  EXPECT_EQ(*read_at(fd.get(), 3, 4), "3456");
  EXPECT_EQ(*read_at(fd.get(), 10, 0), "");
  const auto beyond = read_at(fd.get(), 8, 4);
  EXPECT_EQ(beyond.error().fault, Fault::damaged);
  EXPECT_THAT(beyond.error().what, HasSubstr("4 bytes expected at byte 8, found 2"));
  EXPECT_FALSE(read_at(fd.get(), ~0ull - 2, 2));
  EXPECT_FALSE(read_at(fd.get(), 0, 1ull << 60))
      << "a declared length must not be allocated before it is believed";
}

TEST_F(Files, WriteAtPlacesBytes) {
  const Fd fd(::open((folder_ / "f").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_TRUE(write_at(fd.get(), 4, "ab"));
  EXPECT_EQ(*read_file(folder_ / "f"), std::string("\0\0\0\0ab", 6));
}

TEST_F(Files, WalkListsAllSorted) {
  for (const char* name : {"b", "a/z", "a/y/x", "a.txt", "a-b"}) put(name, name);
  std::vector<std::string> found;
  for (const FoundFile& file : *walk_files(folder_)) {
    found.push_back(file.relative);
    EXPECT_EQ(file.size, file.relative.size());
  }
  EXPECT_EQ(found, (Names{"a-b", "a.txt", "a/y/x", "a/z", "b"}));
}

// Wide folders are spread over threads; the order is that of the whole paths all the same.
TEST_F(Files, WalkListsWideFoldersSorted) {
  Names names;
  for (int i = 0; i < 200; ++i) {
    const std::string n = std::to_string(i);
    for (const std::string& name :
         {"wide/" + n, "wide/" + n + "-x", "wide/" + n + "x/" + n, "wide/" + n + "x/deep/.git"})
      names.push_back(name);
  }
  for (int i = 0; i < 100; ++i) names.push_back("wide/7x/wide/" + std::to_string(i));
  for (const std::string& name : names) put(name, "");
  std::sort(names.begin(), names.end());
  Names found, git;
  for (const FoundFile& file : *walk_files(folder_)) found.push_back(file.relative);
  EXPECT_EQ(found, names);
  std::erase_if(names, [](const std::string& name) { return name.ends_with(".git"); });
  found.clear();
  for (const FoundFile& file : *walk_files(folder_, &git)) found.push_back(file.relative);
  EXPECT_EQ(found, names);
  EXPECT_EQ(git.size(), 200u);
  EXPECT_TRUE(std::is_sorted(git.begin(), git.end()));
}

TEST_F(Files, AFoldersSizeIsThatOfItsFiles) {
  put("a/b", "12345");
  put("c", "123");
  fs::create_symlink("c", folder_ / "link");
  fs::create_symlink("none", folder_ / "broken");
  fs::create_directory_symlink("a", folder_ / "again");
  EXPECT_EQ(folder_size(folder_), 8u);
  EXPECT_EQ(folder_size(folder_ / "none"), 0u);
  for (const char* name : {"0", "closed", "z"}) put(std::string(name) + "/file", "1");
  fs::permissions(folder_ / "closed", fs::perms::none);
  EXPECT_EQ(folder_size(folder_), ::geteuid() == 0 ? 11u : 10u);
  fs::permissions(folder_ / "closed", fs::perms::owner_all);
}

TEST_F(Files, AFoldersSizeIsNeverMoreThanItHeld) {
  for (int i = 0; i < 8; ++i) put("work/" + std::to_string(i), "x");
  std::atomic<bool> stop = false;
  std::thread mover([&] {
    while (!stop)
      for (int i = 0; i < 8; ++i) {
        const std::string name = std::to_string(i);
        fs::rename(folder_ / "work" / name, folder_ / name);
        fs::rename(folder_ / name, folder_ / "work" / name);
      }
  });
  std::uint64_t most = 0;
  for (int i = 0; i < 3000; ++i) most = std::max(most, folder_size(folder_ / "work"));
  stop = true;
  mover.join();
  // A file that came back may be met twice.
  EXPECT_LE(most, 16u);
  EXPECT_GT(most, 0u);
}

TEST_F(Files, WalkGoesAloneWhereDescriptorsAreFew) {
  std::string deep = "f";
  for (int i = 0; i < 20; ++i) deep.insert(0, "d/");
  for (int i = 0; i < 100; ++i) put("wide/" + std::to_string(i) + "/" + deep, "");
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const Fd next(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const rlimit few{static_cast<rlim_t>(next.get()) + 48, before.rlim_max};
  ::setenv("ASSAY_THREADS", "8", 1);
  // With all descriptors first: UndefinedBehaviorSanitizer opens a pipe to look at a type that it meets for
  // the first time, and takes one that it cannot open for an object of a wrong type.
  const auto with_many = walk_files(folder_);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  const auto with_few = walk_files(folder_);
  ::setrlimit(RLIMIT_NOFILE, &before);
  ::unsetenv("ASSAY_THREADS");
  ASSERT_TRUE(with_many) << with_many.error().what;
  ASSERT_TRUE(with_few) << with_few.error().what;
  EXPECT_EQ(with_few->size(), 100u);
  EXPECT_EQ(with_many->size(), 100u);
}

TEST_F(Files, WalkRefusesPathsWithoutEnd) {
  const std::string part(100, 'x');
  std::string path;
  for (int i = 0; i < 25; ++i) path += part + "/";
  put(path + "f", "");
  const auto found = walk_files(folder_);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().fault, Fault::refused);
  EXPECT_THAT(found.error().what, HasSubstr("2048 bytes"));
}

TEST_F(Files, WalkNamesALinkInAWideFolder) {
  for (int i = 0; i < 300; ++i) put("wide/" + std::to_string(i) + "/f", "");
  fs::create_symlink("f", folder_ / "wide/299/link");
  fs::create_directory_symlink(folder_, folder_ / "wide/123/loop");
  const auto link = walk_files(folder_);
  ASSERT_FALSE(link);
  EXPECT_THAT(link.error().where,
              ::testing::AnyOf((folder_ / "wide/299/link").string(), (folder_ / "wide/123/loop").string()));
  fs::remove(folder_ / "wide/123/loop");
  EXPECT_EQ(walk_files(folder_).error().where, (folder_ / "wide/299/link").string());
}

TEST_F(Files, WalkFollowsOnlyARootThatIsALink) {
  put("real/f", "x");
  fs::create_directory_symlink(folder_ / "real", folder_ / "link");
  EXPECT_EQ(walk_files(folder_ / "link")->size(), 1u);
}

TEST_F(Files, WalkRefusesLinksAndSpecialFiles) {
  put("a/f", "x");
  fs::create_symlink("f", folder_ / "a/link");
  const auto link = walk_files(folder_);
  ASSERT_FALSE(link);
  EXPECT_THAT(link.error().what, HasSubstr("symbolic link"));
  EXPECT_EQ(link.error().where, (folder_ / "a/link").string());
  fs::remove(folder_ / "a/link");
  fs::create_directory_symlink(folder_, folder_ / "a/loop");
  EXPECT_FALSE(walk_files(folder_));
  fs::remove(folder_ / "a/loop");
  ASSERT_EQ(::mkfifo((folder_ / "a/fifo").c_str(), 0600), 0);
  EXPECT_THAT(walk_files(folder_).error().what, HasSubstr("not a regular file"));
  EXPECT_EQ(walk_files(folder_ / "none").error().fault, Fault::missing);
  EXPECT_EQ(walk_files(folder_ / "a/f").error().fault, Fault::missing);
}

TEST_F(Files, WalkGoesDeepWithoutRunningOutOfDescriptors) {
  fs::path deep = folder_;
  for (int i = 0; i < 600; ++i) deep /= "d";
  fs::create_directories(deep);
  ASSERT_TRUE(write_file(deep / "f", "x"));
  const auto found = walk_files(folder_);
  ASSERT_TRUE(found) << found.error().what;
  EXPECT_EQ(found->size(), 1u);
}

TEST(Paths, ThatLeadIntoGit) {
  for (const char* path : {".git", "a/.git/config", ".GiT", "git~1/x", "a\\.git\\config", ".git . ",
                           ".git::$INDEX", ".g\u200cit", "\ufeff.git"})
    EXPECT_TRUE(leads_into_git(path)) << path;
  for (const char* path : {"", ".gitignore", "x.git", "git", ".git2/a", "git~2", "\u00e9.git"})
    EXPECT_FALSE(leads_into_git(path)) << path;
}

TEST(Inside, KeepsPathsInTheirFolder) {
  EXPECT_EQ(*inside("/root", "a/b.c"), fs::path("/root/a/b.c"));
  EXPECT_EQ(*inside("/root", "..a/b.."), fs::path("/root/..a/b.."));
  for (const std::string_view path :
       {std::string_view(""), std::string_view("/a"), std::string_view("a/../b"), std::string_view(".."),
        std::string_view("a//b"), std::string_view("a/"), std::string_view("./a"), std::string_view("a/."),
        std::string_view("a\0b", 3)})
    EXPECT_FALSE(inside("/root", path)) << path;
}

TEST_F(Files, WhatASignalFindsIsRemovedAlsoAfterFilesThatCouldNotBeMade) {
  for (int i = 0; i < 40; ++i)
    EXPECT_FALSE(AtomicFile::create(folder_ / "nowhere" / std::to_string(i), Existing::refuse));
  auto file = AtomicFile::create(folder_ / "one", Existing::refuse);
  ASSERT_TRUE(file);
  ASSERT_EQ(names().size(), 1U);
  remove_partial_files();
  EXPECT_TRUE(names().empty());
}

}  // namespace
}  // namespace assay

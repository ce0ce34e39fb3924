#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "store_fixture.h"

// What becomes of a data folder when the process is killed.
namespace tocsin::storage {
namespace {

using namespace testing;

struct Writer {
  pid_t process = -1;
  int told = -1;  // numbers of records that were committed
};

// A process of its own rather than a fork: RocksDB keeps threads.
Writer start_writer(const std::string& folder) {
  int pipe[2];
  EXPECT_EQ(::pipe(pipe), 0);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe[1], STDOUT_FILENO);
  posix_spawn_file_actions_addclose(&actions, pipe[0]);
  std::string program = ENDLESS_WRITER;
  std::string path = folder;
  char* const arguments[] = {program.data(), path.data(), nullptr};
  Writer writer{.told = pipe[0]};
  EXPECT_EQ(posix_spawn(&writer.process, program.c_str(), &actions, nullptr, arguments, environ),
            0);
  posix_spawn_file_actions_destroy(&actions);
  ::close(pipe[1]);
  return writer;
}

TEST(Kill, LosesNothingThatWasAcknowledged) {
  TemporaryFolder folder;
  std::mt19937_64 random(20261123);
  JournalSeq before = 0;
  for (int round = 0; round < 25; ++round) {
    const Writer writer = start_writer(folder.path());
    ASSERT_GT(writer.process, 0);
    // Kill after some number of acknowledgements rather than some time: no clock, no sleep.
    const uint64_t after = random() % 40;
    JournalSeq acknowledged = before;
    JournalSeq told = 0;
    for (uint64_t i = 0; i < after; ++i) {
      if (::read(writer.told, &told, sizeof told) != sizeof told) break;
      acknowledged = told;
    }
    ::kill(writer.process, SIGKILL);
    while (::read(writer.told, &told, sizeof told) == sizeof told) acknowledged = told;
    ::close(writer.told);
    int status = 0;
    ASSERT_EQ(::waitpid(writer.process, &status, 0), writer.process);
    ASSERT_TRUE(WIFSIGNALED(status)) << "exit code " << WEXITSTATUS(status);
    if (std::filesystem::exists(folder.path())) {
      const uint64_t found = events_after_opening(folder.path());
      ASSERT_NE(found, UINT64_MAX) << "round " << round;
      ASSERT_GE(found, acknowledged) << "round " << round;
      ASSERT_LE(found, acknowledged + 7) << "round " << round;  // one commit untold at most
      before = found;
    }
  }
  EXPECT_GT(before, 0u);
}

}  // namespace
}  // namespace tocsin::storage

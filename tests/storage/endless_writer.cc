// Commits one event batch after the other to a data folder until it is killed, and writes the
// number of the last record to standard output once it is committed.
//
//   endless_writer FOLDER
#include <unistd.h>

#include "tests/storage/store_fixture.h"

using namespace tocsin;
using namespace tocsin::storage;

int main(int count, char** arguments) {
  if (count != 2) return 2;
  auto store = testing::open_folder(arguments[1]);
  const auto catalogue = testing::small_catalogue();
  if (!store) return 3;
  for (;;) {
    const JournalSeq next = (*store)->last_seq();
    if (!testing::commit_events(**store, *catalogue, next, 1 + next % 7)) return 4;
    const JournalSeq acknowledged = (*store)->last_seq();
    if (::write(STDOUT_FILENO, &acknowledged, sizeof acknowledged) != sizeof acknowledged) return 5;
  }
}

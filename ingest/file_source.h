#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "ingest/event_source.h"
#include "ingest/record_splitter.h"

namespace tocsin::ingest {

struct FileSourceOptions {
  std::string name;  // of the input; its stream is "file/NAME"
  std::string path;
  bool follow = false;  // wait for more, over rotation; false: read once, then finish
  Framing framing;      // lines
  size_t chunk_bytes = size_t{1} << 20;  // of records a batch; larger costs memory
  std::chrono::milliseconds poll{200};   // how often a followed file is looked at
  // A file that was rotated away is over when it has not grown for so many polls: who writes goes
  // on in it for a while. Larger: the new one is begun later; smaller: last lines may be missed.
  size_t patience_polls = 25;
  // pread(2); tests let it fail.
  std::function<ssize_t(int file, void* to, size_t size, off_t offset)> read = ::pread;
  // A decoder for one file, from its beginning; `header` is the file's first record when reading
  // goes on behind it, else empty.
  std::function<std::shared_ptr<RecordDecoder>(std::string_view header)> make_decoder;
};

// A file's bytes as batches of whole records.
//
// Position: the text of a FilePosition: how far in which file, the number of the next record, and a
// hash of the file's first bytes, so that another file under the same inode is not taken for it. A
// file that was rotated away while nobody looked is not found again: reading goes on with the new
// one from its start, and health() says so. So it does with a followed file that became shorter, or
// whose first bytes have changed. Records without a line end are read when the file is one-shot or
// is over after a rotation. An error is told by health(). A one-shot file has failed with it, and
// is not tried again before the next start; in a followed one the same place is tried again for
// ever, so that nothing is left out.
// Thread-safety: start and stop from one thread; health from any.
class FileSource final : public EventSource {
 public:
  explicit FileSource(FileSourceOptions options);
  ~FileSource() override;

  const std::string& name() const override { return options_.name; }
  Status start(
      BatchQueue& queue,
      std::function<std::optional<std::string>(std::string_view stream)> position_of) override;
  void stop() override;
  SourceHealth health() const override;

 private:
  class Reader;
  void run(BatchQueue& queue, const std::optional<std::string>& position);
  void tell(bool connected, bool finished, std::string message);

  const FileSourceOptions options_;
  std::thread thread_;
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;
  std::condition_variable woken_;
  SourceHealth health_;  // guarded by mutex_
};

}  // namespace tocsin::ingest

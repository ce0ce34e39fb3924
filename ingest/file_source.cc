#include "ingest/file_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "ingest/file_position.h"
#include "rules/model/hash.h"

namespace tocsin::ingest {
namespace {

// A file handle that closes itself.
class OpenFile {
 public:
  OpenFile() = default;
  explicit OpenFile(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~OpenFile() { close(); }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  OpenFile& operator=(OpenFile&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }

  bool is_open() const { return fd_ >= 0; }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  bool stat(struct stat& info) const { return ::fstat(fd_, &info) == 0; }
  // Bytes read, 0 at the end, -1 on an error.
  ssize_t read_at(char* to, size_t size, uint64_t offset) const {
    ssize_t got = 0;
    do {
      got = ::pread(fd_, to, size, static_cast<off_t>(offset));
    } while (got < 0 && errno == EINTR);
    return got;
  }

 private:
  int fd_ = -1;
};

std::string why(int error) { return std::generic_category().message(error); }

}  // namespace

// Everything the reading thread holds.
class FileSource::Reader {
 public:
  Reader(FileSource& source, BatchQueue& queue)
      : source_(source), options_(source.options_), queue_(queue) {}

  void run(const std::optional<std::string>& stored) {
    std::optional<FilePosition> from;
    if (stored) from = parse_file_position(*stored);
    while (!source_.stopping_) {
      if (!file_.is_open() && !open(from)) {
        if (!options_.follow) return;
        wait();
        continue;
      }
      from.reset();
      const Step step = read_chunk();
      if (step == Step::kStop) return;
      if (step == Step::kMore) continue;
      if (!options_.follow) {
        finish();
        return;
      }
      if (was_replaced()) continue;
      wait();
    }
  }

 private:
  enum class Step { kMore, kEnd, kStop };

  // Opens the file and finds where to go on; false: not there.
  bool open(const std::optional<FilePosition>& from) {
    file_ = OpenFile(options_.path);
    struct stat info {};
    if (!file_.is_open() || !file_.stat(info)) {
      source_.tell(false, false, fmt::format("open {}: {}", options_.path, why(errno)));
      file_.close();
      return false;
    }
    position_ = {};
    position_.inode = info.st_ino;
    std::string note;
    if (from) {
      if (is_same_file(*from, info)) {
        position_ = *from;
      } else {
        note = fmt::format("{} is not the file that was read last; it is read from its start",
                           options_.path);
      }
    }
    buffer_.clear();
    decoder_ = options_.make_decoder(position_.offset == 0 ? std::string() : first_record_of());
    source_.tell(true, false, std::move(note));
    return true;
  }

  bool is_same_file(const FilePosition& from, const struct stat& info) const {
    return from.inode == info.st_ino && from.offset <= static_cast<uint64_t>(info.st_size) &&
           prefix_hash(from.prefix_bytes) == from.prefix;
  }

  std::string prefix_hash(uint64_t bytes) const {
    std::string prefix(std::min(bytes, kPrefixBytes), '\0');
    const ssize_t got = file_.read_at(prefix.data(), prefix.size(), 0);
    prefix.resize(got > 0 ? static_cast<size_t>(got) : 0);
    return to_hex(hash128(prefix));
  }

  std::string first_record_of() const {
    std::string bytes(kMaxRecordBytes, '\0');
    const ssize_t got = file_.read_at(bytes.data(), bytes.size(), 0);
    bytes.resize(got > 0 ? static_cast<size_t>(got) : 0);
    bytes.resize(first_record(bytes, options_.framing).value_or(bytes.size()));
    return bytes;
  }

  // Reads up to a chunk and hands on its whole records.
  Step read_chunk() {
    const size_t had = buffer_.size();
    const size_t wanted = std::max(options_.chunk_bytes, had + options_.chunk_bytes / 4);
    buffer_.resize(wanted);
    const ssize_t got = file_.read_at(buffer_.data() + had, wanted - had, position_.offset + had);
    buffer_.resize(had + static_cast<size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0) {
      source_.tell(false, false, fmt::format("read {}: {}", options_.path, why(errno)));
      return options_.follow ? Step::kEnd : Step::kStop;
    }
    if (got == 0) return Step::kEnd;
    const WholeRecords whole = whole_records(buffer_, options_.framing);
    // A record without end in a mebibyte is cut where the splitter would cut it.
    if (whole.bytes == 0)
      return buffer_.size() < 2 * kMaxRecordBytes ? Step::kMore : hand_on_rest();
    return hand_on(whole, false);
  }

  Step hand_on_rest() { return hand_on({buffer_.size(), 1}, false); }

  // Puts the first records of the buffer into the queue, waiting for room.
  Step hand_on(WholeRecords records, bool end) {
    RawBatch batch;
    batch.stream = "file/" + options_.name;
    batch.decoder = decoder_;
    batch.bytes.reserve(records.bytes + kPadding);
    batch.bytes.assign(buffer_, 0, records.bytes);
    batch.size = records.bytes;
    batch.first_position = position_.record;
    batch.received = std::chrono::steady_clock::now();
    batch.end_of_stream = end;
    position_.offset += records.bytes;
    position_.record += records.records;
    buffer_.erase(0, records.bytes);
    position_.prefix_bytes = std::min(position_.offset, kPrefixBytes);
    if (hashed_ != position_.prefix_bytes || position_.prefix.empty()) {
      position_.prefix = prefix_hash(position_.prefix_bytes);
      hashed_ = position_.prefix_bytes;
    }
    batch.next_position = to_text(position_);
    const size_t weight = batch.size;
    return queue_.push(std::move(batch), weight) ? Step::kMore : Step::kStop;
  }

  // The last record of a file that will not grow may lack its line end.
  void finish() {
    if (hand_on({buffer_.size(), buffer_.empty() ? 0 : 1}, true) != Step::kStop) {
      source_.tell(true, true, {});
    }
  }

  // At the end of a followed file: another one under the name, or this one cut short?
  bool was_replaced() {
    struct stat now {};
    struct stat ours {};
    if (!file_.stat(ours)) return false;
    const bool shorter = static_cast<uint64_t>(ours.st_size) < position_.offset + buffer_.size();
    if (!shorter && ::stat(options_.path.c_str(), &now) != 0)
      return false;  // the next is not there yet
    if (!shorter && now.st_ino == ours.st_ino) return false;
    if (!shorter && !read_rest()) return true;
    hashed_ = 0;
    file_.close();
    return open(std::nullopt);
  }

  // What came into a file that is now rotated away after it was last looked at; false: stopped.
  bool read_rest() {
    Step step = Step::kMore;
    while (step == Step::kMore) step = read_chunk();
    if (step == Step::kStop) return false;
    return buffer_.empty() || hand_on({buffer_.size(), 1}, false) != Step::kStop;
  }

  void wait() const {
    const auto until = std::chrono::steady_clock::now() + options_.poll;
    std::unique_lock lock(source_.mutex_);
    source_.woken_.wait_until(lock, until, [&] { return source_.stopping_.load(); });
  }

  FileSource& source_;
  const FileSourceOptions& options_;
  BatchQueue& queue_;
  OpenFile file_;
  std::shared_ptr<RecordDecoder> decoder_;
  std::string buffer_;  // read, not yet handed on; begins at position_
  FilePosition position_;
  uint64_t hashed_ = 0;
};

FileSource::FileSource(FileSourceOptions options) : options_(std::move(options)) {}
FileSource::~FileSource() { stop(); }

Status FileSource::start(
    BatchQueue& queue,
    std::function<std::optional<std::string>(std::string_view stream)> position_of) {
  if (!options_.follow && ::access(options_.path.c_str(), R_OK) != 0) {
    const Error error = not_found(fmt::format("open {}: {}", options_.path, why(errno)));
    tell(/*connected=*/false, /*finished=*/false, error.message);
    return error;
  }
  thread_ = std::thread([this, &queue, position_of = std::move(position_of)] {
    pthread_setname_np(pthread_self(), "toc-file");
    run(queue, position_of("file/" + options_.name));
  });
  return Status::ok();
}

void FileSource::run(BatchQueue& queue, const std::optional<std::string>& position) {
  Reader(*this, queue).run(position);
}

void FileSource::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  woken_.notify_all();
  if (thread_.joinable()) thread_.join();
}

SourceHealth FileSource::health() const {
  const std::scoped_lock lock(mutex_);
  return health_;
}

void FileSource::tell(bool connected, bool finished, std::string message) {
  const std::scoped_lock lock(mutex_);
  health_.connected = connected;
  health_.finished = finished;
  health_.message = std::move(message);
}

}  // namespace tocsin::ingest

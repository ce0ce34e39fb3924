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
  int descriptor() const { return fd_; }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  bool stat(struct stat& info) const { return ::fstat(fd_, &info) == 0; }

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
    if (stored) from_ = parse_file_position(*stored);
    while (!source_.stopping_) {
      switch (file_.is_open() ? read_chunk() : reopen()) {
        case Step::kMore:
          continue;
        case Step::kStop:
          return;
        case Step::kError:
          if (!options_.follow) return;
          break;
        case Step::kEnd:
          if (!options_.follow) {
            finish();
            return;
          }
          if (is_over()) {
            if (hand_on_rest(false) == Step::kStop) return;
            file_.close();
            continue;
          }
          if (is_stuck() && cut() == Step::kStop) return;
          break;
      }
      wait();
    }
  }

 private:
  enum class Step { kMore, kEnd, kError, kStop };

  Step reopen() {
    const Step step = open();
    if (step == Step::kError) file_.close();
    return step;
  }

  // Opens the file and finds where to go on.
  Step open() {
    file_ = OpenFile(options_.path);
    struct stat info {};
    if (!file_.is_open() || !file_.stat(info)) return failed("open");
    note_.clear();
    begin(info.st_ino);
    std::string header;
    if (from_ && from_->offset > 0) {
      const auto front = read_front(from_->prefix_bytes);
      if (!front) return failed("read");
      if (from_->inode == info.st_ino && from_->offset <= static_cast<uint64_t>(info.st_size) &&
          to_hex(hash128(*front)) == from_->prefix) {
        const auto first = read_front(kMaxRecordBytes);
        if (!first) return failed("read");
        header =
            first->substr(0, first->empty() ? 0 : first_record_at_end(*first, options_.framing));
        position_ = *from_;
        front_ = *front;
      } else {
        note_ = fmt::format("{} is not the file that was read last; it is read from its start",
                            options_.path);
      }
    }
    decoder_ = options_.make_decoder(header);
    from_.reset();
    return Step::kMore;
  }

  // At the first byte of the file that is open.
  void begin(uint64_t inode) {
    position_ = {};
    position_.inode = inode;
    buffer_.clear();
    front_.clear();
    quiet_polls_ = 0;
    stuck_polls_ = 0;
    is_well_ = false;
  }

  // The file was overwritten, or cut short and written again.
  Step begin_again() {
    begin(position_.inode);
    note_ = fmt::format("{} was written anew; it is read from its start", options_.path);
    decoder_ = options_.make_decoder({});
    return Step::kMore;
  }

  // An error is no end: what cannot be read now may be later.
  Step failed(std::string_view doing) {
    source_.tell(false, false, fmt::format("{} {}: {}", doing, options_.path, why(errno)));
    is_well_ = false;
    return Step::kError;
  }

  Step read_failed() {
    const bool is_stale = errno == ESTALE;
    const Step step = failed("read");
    // The server knows this handle no more: only by its name the file may be found again.
    if (is_stale) {
      from_ = position_;
      file_.close();
    }
    return step;
  }

  // Bytes read, fewer than `size` only at the end; -1 on an error.
  ssize_t read_at(char* to, size_t size, uint64_t offset) const {
    size_t had = 0;
    while (had < size) {
      const ssize_t got =
          options_.read(file_.descriptor(), to + had, size - had, static_cast<off_t>(offset + had));
      if (got == 0) break;
      if (got > 0) {
        had += static_cast<size_t>(got);
      } else if (errno != EINTR) {
        return -1;
      }
    }
    return static_cast<ssize_t>(had);
  }

  // The file's first bytes; nullopt on an error.
  std::optional<std::string> read_front(size_t size) const {
    std::string front(size, '\0');
    const ssize_t got = read_at(front.data(), front.size(), 0);
    if (got < 0) return std::nullopt;
    front.resize(static_cast<size_t>(got));
    return front;
  }

  // Reads up to a chunk and hands on its whole records, in one batch unless they are very short.
  Step read_chunk() {
    const size_t had = buffer_.size();
    const size_t wanted = std::max(options_.chunk_bytes, had + options_.chunk_bytes / 4);
    buffer_.resize(wanted);
    const ssize_t got = read_at(buffer_.data() + had, wanted - had, position_.offset + had);
    buffer_.resize(had + static_cast<size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0) return read_failed();
    if (options_.follow) {
      // Behind the read: what is written from the front on has changed the front before.
      const auto front = read_front(front_.size());
      struct stat now {};
      if (!front || !file_.stat(now)) return read_failed();
      const bool is_shorter = static_cast<uint64_t>(now.st_size) < position_.offset + had;
      if (is_shorter || *front != front_) return begin_again();
    }
    if (!is_well_) source_.tell(true, false, note_);
    is_well_ = true;
    if (got == 0) return Step::kEnd;
    quiet_polls_ = 0;
    if (front_.size() < kPrefixBytes) front_.append(buffer_, had, kPrefixBytes - front_.size());
    // A record without end in two mebibytes is cut here: it will be refused as too large anyway.
    if (buffer_.size() >= 2 * kMaxRecordBytes && buffer_.find('\n') == std::string::npos) {
      return hand_on_rest(false);
    }
    return hand_on_whole();
  }

  Step hand_on_whole() {
    while (true) {
      const WholeRecords whole = whole_records(buffer_, options_.framing, kMaxBatchRecords);
      if (whole.records == 0) return Step::kMore;
      if (hand_on(whole, false) == Step::kStop) return Step::kStop;
    }
  }

  // Nothing more comes behind the buffer.
  Step hand_on_rest(bool end) {
    if (buffer_.empty() && !end) return Step::kMore;
    do {
      const WholeRecords rest = whole_records_at_end(buffer_, options_.framing, kMaxBatchRecords);
      if (hand_on(rest, end && rest.bytes == buffer_.size()) == Step::kStop) return Step::kStop;
    } while (!buffer_.empty());
    return Step::kMore;
  }

  // A record that holds line feeds already has not ended for a while: its quote is a stray one.
  bool is_stuck() {
    if (buffer_.find('\n') == std::string::npos) return false;
    return stuck_polls_++ >= options_.patience_polls;
  }
  Step cut() {
    const Step step = hand_on({buffer_.find('\n') + 1, 1}, false);
    return step == Step::kStop ? step : hand_on_whole();
  }

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
    stuck_polls_ = 0;
    const uint64_t prefix_bytes = std::min(position_.offset, kPrefixBytes);
    if (position_.prefix_bytes != prefix_bytes || position_.prefix.empty()) {
      position_.prefix = to_hex(hash128(std::string_view(front_).substr(0, prefix_bytes)));
      position_.prefix_bytes = prefix_bytes;
    }
    batch.next_position = to_text(position_);
    const size_t weight = batch.size;
    return queue_.push(std::move(batch), weight) ? Step::kMore : Step::kStop;
  }

  // The last record of a file that will not grow may lack its line end.
  void finish() {
    if (hand_on_rest(true) != Step::kStop) source_.tell(true, true, {});
  }

  // At the end of a followed file: has another taken its name, and has this one not grown since?
  // Who writes notices a rotation some time after it was made.
  bool is_over() {
    struct stat named {};
    struct stat ours {};
    if (::stat(options_.path.c_str(), &named) != 0 || !file_.stat(ours) ||
        (named.st_ino == ours.st_ino && named.st_dev == ours.st_dev)) {
      quiet_polls_ = 0;
      return false;
    }
    return quiet_polls_++ >= options_.patience_polls;
  }

  void wait() const {
    const auto until = std::chrono::steady_clock::now() + options_.poll;
    std::unique_lock lock(source_.mutex_);
    source_.woken_.wait_until(lock, until, [&] { return source_.stopping_.load(); });
  }

  FileSource& source_;
  const FileSourceOptions& options_;
  BatchQueue& queue_;
  std::optional<FilePosition> from_;  // where to go on when the file is opened next
  OpenFile file_;
  std::shared_ptr<RecordDecoder> decoder_;
  std::string buffer_;  // read, not yet handed on; begins at position_
  std::string front_;   // the file's first bytes as they were read, up to kPrefixBytes
  FilePosition position_;
  size_t quiet_polls_ = 0;  // at the end of a file that was rotated away, without more
  size_t stuck_polls_ = 0;  // with a record at the front that does not end
  bool is_well_ = false;    // told so
  std::string note_;        // what people should know though all is well
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
  health_.failed = !options_.follow && !connected && !finished;
  health_.message = std::move(message);
}

}  // namespace tocsin::ingest

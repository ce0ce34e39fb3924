#include "store_fixture.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <bit>
#include <fstream>
#include <limits>

namespace tocsin::storage::testing {

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "tocsin-storage-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) std::abort();
  root_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(root_, ignored);
}

std::string TemporaryFolder::path(std::string_view name) const { return (root_ / name).string(); }

std::shared_ptr<const Catalogue> small_catalogue() {
  Catalogue::Draft draft;
  for (int i = 0; i < 10; ++i) {
    Indicator indicator;
    indicator.name = fmt::format("i.{}", i);
    indicator.attrs = {{.name = "form", .values = {}},
                       {.name = "low", .type = AttrType::kInt, .values = {}},
                       {.name = "high", .type = AttrType::kInt, .values = {}},
                       {.name = "ratio", .type = AttrType::kDouble, .values = {}}};
    draft.indicators.push_back(std::move(indicator));
  }
  for (int i = 0; i < 4; ++i) {
    Source source;
    source.name = fmt::format("s{}", i);
    draft.sources.push_back({std::move(source), {"i.0"}});
  }
  for (int i = 0; i < 10; ++i) {
    Region country;
    country.id = fmt::format("A{}", i);
    draft.regions.push_back({country, ""});
    Region part;
    part.id = fmt::format("A{}-X", i);
    part.level = RegionLevel::kAdmin1;
    draft.regions.push_back({part, country.id});
  }
  return std::make_shared<const Catalogue>(std::move(draft));
}

Event plain_event(const Catalogue& catalogue, uint64_t n, Arena& arena) {
  Event event;
  event.id = arena.copy(fmt::format("event-{}", n));
  event.source = *catalogue.find_source(fmt::format("s{}", n % 4));
  event.indicator = *catalogue.find_indicator(fmt::format("i.{}", n % 10));
  event.region = *catalogue.find_region(fmt::format("A{}", n % 10));
  event.time = from_ms(1'300'000'000'000 + static_cast<int64_t>(n) * 1000);
  event.time_end = event.time;
  event.value = static_cast<double>(n);
  return event;
}

namespace {

std::string_view random_text(std::mt19937_64& random, size_t longest, Arena& arena) {
  std::string text(random() % (longest + 1), ' ');
  // Few letters, so that texts repeat and the dictionary is used; now and then any byte.
  const bool any = random() % 8 == 0;
  for (char& c : text) c = static_cast<char>(any ? random() : 'a' + random() % 3);
  return arena.copy(text);
}

double random_number(std::mt19937_64& random) {
  switch (random() % 6) {
    case 0:
      return static_cast<double>(random() % 1000);
    case 1:
      return static_cast<double>(static_cast<int64_t>(random() % 2'000'000) - 1'000'000) / 1000.0;
    case 2:
      return -0.0;
    case 3:
      return random() % 2 == 0 ? kMaxValue : -kMaxValue;
    case 4:
      return std::numeric_limits<double>::denorm_min();
    default:
      return std::uniform_real_distribution<double>(-1e9, 1e9)(random);
  }
}

AttrValue random_value(std::mt19937_64& random, Arena& arena) {
  switch (random() % 5) {
    case 0:
      return std::monostate{};
    case 1:
      return random() % 2 == 0;
    case 2:
      return std::bit_cast<int64_t>(random() >> (random() % 64));
    case 3:
      return random_number(random);
    default:
      return random_text(random, random() % 16 == 0 ? kMaxAttrBytes : 20, arena);
  }
}

std::span<const std::string_view> random_texts(std::mt19937_64& random, size_t most, Arena& arena) {
  const auto texts = arena.array<std::string_view>(random() % (most + 1));
  for (std::string_view& text : texts) text = random_text(random, 40, arena);
  return texts;
}

EventTime random_time(std::mt19937_64& random) {
  if (random() % 50 == 0) return random() % 2 == 0 ? kMinEventTime : kMaxEventTime;
  return from_ms(1'600'000'000'000 + static_cast<int64_t>(random() % 10'000'000'000));
}

}  // namespace

Event random_event(const Catalogue& catalogue, std::mt19937_64& random, Arena& arena) {
  Event event;
  event.id = random_text(random, random() % 20 == 0 ? kMaxIdBytes : 30, arena);
  if (random() % 3 != 0) event.rev = static_cast<uint32_t>(random() >> (32 + random() % 32));
  event.op = static_cast<Operation>(random() % 3);
  event.tlp = static_cast<Tlp>(random() % 5);
  event.time_precision = static_cast<TimePrecision>(random() % 5);
  event.geo_precision = static_cast<uint8_t>(1 + random() % 3);
  event.source = static_cast<SourceId>(random() % catalogue.sources().size());
  event.indicator = static_cast<IndicatorId>(random() % catalogue.indicators().size());
  event.region = static_cast<RegionId>(random() % catalogue.regions().size());
  event.time = random_time(random);
  event.has_time_end = random() % 2 == 0;
  event.time_end = event.has_time_end ? random_time(random) : event.time;
  if (event.time_end > event.time && random() % 2 == 0) place_in_the_middle(event);
  event.partition = random() % 2 == 0 ? static_cast<uint16_t>(random()) : uint16_t{0};
  if (random() % 4 != 0) event.value = random_number(random);
  if (random() % 2 == 0) event.confidence = static_cast<double>(random() % 101) / 100.0;
  if (random() % 2 == 0) {
    event.lat = std::uniform_real_distribution<double>(-90, 90)(random);
    event.lon = static_cast<double>(random() % 36000) / 100.0 - 180.0;
  }
  event.actors = random_texts(random, random() % 10 == 0 ? kMaxActors : 3, arena);
  event.tags = random_texts(random, random() % 10 == 0 ? kMaxTags : 3, arena);
  const auto attrs = arena.array<Attr>(random() % (random() % 10 == 0 ? kMaxAttrs : 5));
  const Indicator& indicator = catalogue.indicator(event.indicator);
  for (Attr& attr : attrs) {
    if (random() % 2 == 0) {
      attr.slot = static_cast<uint16_t>(random() % indicator.attrs.size());
      attr.key = indicator.attrs[attr.slot].name;
    } else {
      attr.key = arena.copy("x" + std::string(random_text(random, 10, arena)));
    }
    attr.value = random_value(random, arena);
  }
  event.attrs = attrs;
  return event;
}

namespace {

bool same_bits(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) ||
         std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

bool same_value(const AttrValue& a, const AttrValue& b) {
  if (a.index() != b.index()) return false;
  if (const auto* number = std::get_if<double>(&a)) return same_bits(*number, std::get<double>(b));
  return a == b;
}

}  // namespace

std::string difference(const Event& a, const Event& b) {
  std::string text;
  const auto compare = [&text](std::string_view field, bool same) {
    if (!same) text += fmt::format("{} differs; ", field);
  };
  compare("id", a.id == b.id);
  compare("rev", a.rev == b.rev);
  compare("op", a.op == b.op);
  compare("tlp", a.tlp == b.tlp);
  compare("time_precision", a.time_precision == b.time_precision);
  compare("geo_precision", a.geo_precision == b.geo_precision);
  compare("has_time_end", a.has_time_end == b.has_time_end);
  compare("partition", a.partition == b.partition);
  compare("source", a.source == b.source);
  compare("indicator", a.indicator == b.indicator);
  compare("region", a.region == b.region);
  compare("time", a.time == b.time);
  compare("time_end", a.time_end == b.time_end);
  compare("placed_after", a.placed_after == b.placed_after);
  compare("value", same_bits(a.value, b.value));
  compare("confidence", same_bits(a.confidence, b.confidence));
  compare("lat", same_bits(a.lat, b.lat));
  compare("lon", same_bits(a.lon, b.lon));
  compare("actors", std::ranges::equal(a.actors, b.actors));
  compare("tags", std::ranges::equal(a.tags, b.tags));
  compare("attrs", std::ranges::equal(a.attrs, b.attrs, [](const Attr& x, const Attr& y) {
            return x.key == y.key && x.slot == y.slot && same_value(x.value, y.value);
          }));
  return text;
}

AlertRecord alert_record(uint64_t alert, uint32_t seq, bool open) {
  return {.alert = {alert, ~alert},
          .seq = seq,
          .open = open,
          .notify = true,
          .json = fmt::format(R"({{"alert":{},"seq":{}}})", alert, seq)};
}

DeadLetter dead_letter(int64_t position) {
  return {.reason = "syntax",
          .message = "line is no JSON",
          .stream = "file/x",
          .position = position,
          .at = at_second(5),
          .raw = fmt::format("{{{}", position)};
}

Status commit_events(Store& store, const Catalogue& catalogue, uint64_t first, uint64_t count,
                     WallTime now) {
  Arena arena;
  Batch& batch = store.begin();
  for (uint64_t n = first; n < first + count; ++n) batch.append(plain_event(catalogue, n, arena));
  return store.commit(batch, now);
}

std::vector<std::string> journal_ids(const Store& store, JournalSeq from) {
  std::vector<std::string> ids;
  const Status status = store.read_journal(from, [&ids](const Store::JournalRecord& record) {
    if (record.event != nullptr) ids.emplace_back(record.event->id);
    return true;
  });
  EXPECT_TRUE(status) << status.error().message;
  return ids;
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void write_file(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

std::filesystem::path file_of(const std::string& folder, std::string_view ending) {
  std::filesystem::path found;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ending &&
        (found.empty() || entry.file_size() > std::filesystem::file_size(found))) {
      found = entry.path();
    }
  }
  return found;
}

Result<std::unique_ptr<Store>> open_folder(const std::string& path, bool read_only,
                                           Durability durability) {
  RocksDbOptions options;
  options.path = path;
  options.write_buffer_bytes = 4 << 20;
  options.block_cache_bytes = 1 << 20;
  options.read_only = read_only;
  options.durability = durability;
  Result<std::unique_ptr<Store>> store = open_rocksdb_store(options);
  if (store) (*store)->set_catalogue(small_catalogue());
  return store;
}

uint64_t events_after_opening(const std::string& path, bool read_only) {
  auto store = open_folder(path, read_only);
  EXPECT_TRUE(store) << store.error().message;
  if (!store) return UINT64_MAX;
  const std::vector<std::string> ids = journal_ids(**store);
  for (size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] != fmt::format("event-{}", i)) return UINT64_MAX;
  }
  return ids.size() == (*store)->last_seq() ? ids.size() : UINT64_MAX;
}

}  // namespace tocsin::storage::testing

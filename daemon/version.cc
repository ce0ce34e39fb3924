#include "daemon/version.h"

#include <boost/version.hpp>

#include "ingest/kafka_options.h"
#include "rules/cel/clock.h"
#include "storage/rocksdb_store.h"

namespace tocsin::daemon {

std::string version() { return TOCSIN_VERSION; }
std::string rocksdb_version() { return storage::engine_version(); }
std::string librdkafka_version() { return ingest::kafka_library_version(); }
std::string boost_version() {
  return std::to_string(BOOST_VERSION / 100000) + "." + std::to_string(BOOST_VERSION / 100 % 1000);
}

std::string tzdb_version() { return cel::zones_version(); }

}  // namespace tocsin::daemon

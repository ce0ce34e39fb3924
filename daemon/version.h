#pragma once

#include <string>

namespace tocsin::daemon {

// Of this program, and of the libraries that it runs with.
std::string version();
std::string rocksdb_version();
std::string librdkafka_version();
std::string boost_version();
std::string tzdb_version();

}  // namespace tocsin::daemon

#pragma once

#include <string>

#include "store_fixture.h"

// A data folder with something in every table, and all that can be read of it.
namespace tocsin::storage::testing {

void fill(const std::string& path);

// Everything there is, read in every way.
Result<std::string> read_all(const std::string& path);

}  // namespace tocsin::storage::testing

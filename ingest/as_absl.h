#pragma once

#include <absl/strings/string_view.h>

#include <string_view>

namespace tocsin::ingest {

// Debian builds Abseil with a string_view of its own.
inline absl::string_view as_absl(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace tocsin::ingest

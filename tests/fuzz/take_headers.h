#pragma once

#include <string_view>
#include <vector>

#include "ingest/cloudevents.h"

namespace tocsin::ingest {

// Takes lines of `Name: value` and an empty line off the front of `text`, as on the wire.
inline std::vector<Header> take_headers(std::string_view& text) {
  std::vector<Header> headers;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (line.empty()) break;
    const size_t colon = line.find(':');
    if (colon != line.npos) headers.emplace_back(line.substr(0, colon), line.substr(colon + 1));
  }
  return headers;
}

}  // namespace tocsin::ingest

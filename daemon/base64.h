#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tocsin::daemon {

// RFC 4648, with padding. For bytes that are no text inside JSON.
std::string encode_base64(std::string_view bytes);
// nullopt when `text` is not that.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace tocsin::daemon

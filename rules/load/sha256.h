#pragma once

#include <string>
#include <string_view>

namespace tocsin::rules {

// SHA-256 in 64 lower-case hex digits, as sha256sum prints it.
std::string sha256_hex(std::string_view bytes);

}  // namespace tocsin::rules

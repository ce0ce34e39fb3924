#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "daemon/http/message.h"

namespace tocsin::daemon::http {

// Reads the parameters of a query strictly: everything that is wrong is told in one answer.
class Parameters {
 public:
  explicit Parameters(const std::map<std::string, std::string>& query) : query_(query) {}

  std::optional<std::string> text(const std::string& name);
  std::optional<std::string> word(const std::string& name,
                                  std::initializer_list<std::string_view> words);
  std::optional<uint64_t> number(const std::string& name, uint64_t min, uint64_t max);

  void refuse(const std::string& name, std::string_view expected);
  // Refuses those that nobody asked for above.
  void refuse_unknown();
  // A 400 with all of it; nullopt when nothing is wrong.
  std::optional<Response> refusal() const;

 private:
  const std::map<std::string, std::string>& query_;
  std::set<std::string> known_;
  std::string problems_;
};

// Letters, digits and -._~ stay; the rest becomes %XX.
std::string percent_encode(std::string_view text);

}  // namespace tocsin::daemon::http

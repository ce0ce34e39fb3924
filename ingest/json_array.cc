#include "ingest/json_array.h"

namespace tocsin::ingest {

void JsonArrayScanner::skip_space() {
  at_ = text_.find_first_not_of(" \t\r\n", at_);
  if (at_ == std::string_view::npos) at_ = text_.size();
}

bool JsonArrayScanner::skip_value() {
  size_t depth = 0;
  while (at_ < text_.size()) {
    switch (text_[at_]) {
      case '"':
        for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
          if (text_[at_] == '\\') ++at_;
        }
        if (at_ >= text_.size()) return false;
        break;
      case '{':
      case '[':
        ++depth;
        break;
      case '}':
      case ']':
        if (depth == 0) return true;
        --depth;
        if (depth == 0) {
          ++at_;
          return true;
        }
        break;
      case ',':
        if (depth == 0) return true;
        break;
      default:
        break;
    }
    ++at_;
  }
  return false;
}

JsonArrayScanner::Step JsonArrayScanner::broken(std::string_view& element,
                                                std::string_view& problem, std::string_view why) {
  problem = why;
  if (at_ > text_.size()) at_ = text_.size();
  element = text_.substr(at_);
  done_ = true;
  return Step::kBroken;
}

JsonArrayScanner::Step JsonArrayScanner::next(std::string_view& element,
                                              std::string_view& problem) {
  if (done_) return Step::kEnd;
  skip_space();
  if (!started_) {
    started_ = true;
    if (at_ >= text_.size() || text_[at_] != '[') {
      return broken(element, problem, "is not a JSON array; begin with [");
    }
    ++at_;
    skip_space();
    if (at_ < text_.size() && text_[at_] == ']') return finish(element, problem);
  } else {
    if (at_ < text_.size() && text_[at_] == ']') return finish(element, problem);
    if (at_ >= text_.size() || text_[at_] != ',') {
      return broken(element, problem, "has no comma between elements, or no closing ]");
    }
    ++at_;
    skip_space();
  }
  const size_t begin = at_;
  if (!skip_value()) {
    at_ = begin;
    return broken(element, problem, "ends inside an element; close it and the array");
  }
  element = text_.substr(begin, at_ - begin);
  if (element.empty()) return broken(element, problem, "has a comma without an element");
  return Step::kElement;
}

JsonArrayScanner::Step JsonArrayScanner::finish(std::string_view& element,
                                                std::string_view& problem) {
  ++at_;
  skip_space();
  if (at_ < text_.size()) return broken(element, problem, "has text after the closing ]");
  done_ = true;
  return Step::kEnd;
}

}  // namespace tocsin::ingest

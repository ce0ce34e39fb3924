#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace tocsin {

// What the caller does about a failure; the message is for people.
enum class ErrorCode {
  kInvalid,      // the input is wrong: dead-letter it, or tell its author
  kUnavailable,  // try again with back-off
  kCorrupt,      // stop: stored bytes are not what was written
  kNotFound,
};

// A failure, told as what was attempted, on what, and what came back.
struct Error {
  ErrorCode code = ErrorCode::kInvalid;
  std::string message;
};

// A value or an Error, with the spelling of std::expected so that it can become that.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value)
      : content_(std::in_place_index<0>, std::move(value)) {
  }  // NOLINT(google-explicit-constructor): spelled as std::expected
  Result(Error error)
      : content_(std::in_place_index<1>, std::move(error)) {
  }  // NOLINT(google-explicit-constructor): spelled as std::expected

  bool has_value() const { return content_.index() == 0; }
  explicit operator bool() const { return has_value(); }
  T& value() { return std::get<0>(content_); }
  const T& value() const { return std::get<0>(content_); }
  const Error& error() const { return std::get<1>(content_); }
  T& operator*() { return value(); }
  const T& operator*() const { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  std::variant<T, Error> content_;
};

// A Result without a value.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Error error)
      : error_(std::move(error)) {
  }  // NOLINT(google-explicit-constructor): spelled as std::expected

  static Status ok() { return {}; }
  bool has_value() const { return !error_.has_value(); }
  explicit operator bool() const { return has_value(); }
  const Error& error() const { return *error_; }

 private:
  std::optional<Error> error_;
};

inline Error invalid(std::string message) { return {ErrorCode::kInvalid, std::move(message)}; }
inline Error unavailable(std::string message) {
  return {ErrorCode::kUnavailable, std::move(message)};
}
inline Error corrupt(std::string message) { return {ErrorCode::kCorrupt, std::move(message)}; }
inline Error not_found(std::string message) { return {ErrorCode::kNotFound, std::move(message)}; }

}  // namespace tocsin

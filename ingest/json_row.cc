#include "ingest/json_row.h"

#include <fmt/format.h>
#include <simdjson.h>

#include "ingest/csv_reader.h"
#include "ingest/record_decoder.h"

namespace tocsin::ingest {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr int kMaxDepth = 8;

}  // namespace

class JsonRowReader::Parser {
 public:
  bool read(std::string_view record, Arena& arena, Cells& cells, std::string& problem) {
    cells.clear();
    arena_ = &arena;
    cells_ = &cells;
    ondemand::document document;
    auto error =
        json_.iterate(record.data(), record.size(), record.size() + kPadding).get(document);
    ondemand::object object;
    if (error == simdjson::SUCCESS) error = document.get_object().get(object);
    if (error == simdjson::SUCCESS) error = read_object(object, {}, 0);
    const char* rest = nullptr;
    if (error == simdjson::SUCCESS &&
        document.current_location().get(rest) != simdjson::OUT_OF_BOUNDS) {
      error = simdjson::TAPE_ERROR;
    }
    if (error == simdjson::SUCCESS) return true;
    problem = fmt::format("is no JSON object of at most {} members and depth {} ({})", kMaxCells,
                          kMaxDepth, simdjson::error_message(error));
    return false;
  }

 private:
  simdjson::error_code read_object(ondemand::object& object, std::string_view prefix, int depth) {
    if (depth > kMaxDepth) return simdjson::DEPTH_ERROR;
    for (auto result : object) {
      if (result.error() != simdjson::SUCCESS) return result.error();
      ondemand::field&& field = std::move(result).value_unsafe();
      std::string_view key;
      auto error = field.unescaped_key().get(key);
      if (error != simdjson::SUCCESS) return error;
      if (cells_->size() >= kMaxCells) return simdjson::CAPACITY;
      error = read_member(joined(prefix, key), field.value(), depth);
      if (error != simdjson::SUCCESS) return error;
    }
    return simdjson::SUCCESS;
  }

  simdjson::error_code read_member(std::string_view name, ondemand::value value, int depth) {
    ondemand::json_type type{};
    auto error = value.type().get(type);
    if (error != simdjson::SUCCESS) return error;
    std::string_view text;
    switch (type) {
      case ondemand::json_type::object: {
        ondemand::object nested;
        error = value.get_object().get(nested);
        return error == simdjson::SUCCESS ? read_object(nested, name, depth + 1) : error;
      }
      case ondemand::json_type::array: {
        ondemand::array list;
        error = value.get_array().get(list);
        if (error == simdjson::SUCCESS) error = list.raw_json().get(text);
        break;
      }
      case ondemand::json_type::string: {
        error = value.get_string().get(text);
        text = arena_->copy(text);
        break;
      }
      case ondemand::json_type::null:
        if (!value.raw_json_token().starts_with("null")) return simdjson::N_ATOM_ERROR;
        break;
      case ondemand::json_type::boolean: {
        bool flag = false;
        error = value.get_bool().get(flag);
        text = flag ? "true" : "false";
        break;
      }
      case ondemand::json_type::number: {
        text = value.raw_json_token();
        while (!text.empty() && text.back() <= ' ') text.remove_suffix(1);
        double number = 0;
        error = value.get_double().get(number);
        break;
      }
    }
    if (error == simdjson::SUCCESS) cells_->emplace_back(name, text);
    return error;
  }

  std::string_view joined(std::string_view prefix, std::string_view key) {
    if (prefix.empty()) return arena_->copy(key);
    return arena_->copy(fmt::format("{}.{}", prefix, key));
  }

  ondemand::parser json_;
  Arena* arena_ = nullptr;
  Cells* cells_ = nullptr;
};

JsonRowReader::JsonRowReader() : parser_(std::make_unique<Parser>()) {}
JsonRowReader::~JsonRowReader() = default;

bool JsonRowReader::read(std::string_view record, Arena& arena, Cells& cells,
                         std::string& problem) {
  return parser_->read(record, arena, cells, problem);
}

}  // namespace tocsin::ingest

#include "rules/load/bundle_text.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "rules/yaml/document.h"

namespace tocsin::rules {

namespace {

namespace fs = std::filesystem;

// Part of the persistent format.
constexpr std::string_view kMagic = "tocsin-bundle 1\n";

std::optional<std::string> read_file(const std::string& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return std::nullopt;
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  if (!file || (content.fail() && fs::file_size(path, error) != 0)) return std::nullopt;
  return content.str();
}

bool is_yaml(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.ends_with(".yaml") && !name.ends_with(".test.yaml") && !name.starts_with(".");
}

void add_folder(const std::string& path, std::set<std::string>& files, Diagnostics& diagnostics) {
  std::error_code error;
  bool found = false;
  fs::recursive_directory_iterator entries(path, error);
  for (; !error && entries != fs::recursive_directory_iterator(); entries.increment(error)) {
    if (!is_yaml(entries->path()) || !entries->is_regular_file(error)) continue;
    files.insert(entries->path().lexically_normal().string());
    found = true;
  }
  if (error) {
    diagnostics.error("T0321", {path, 0, 0}, "the folder cannot be read: " + error.message());
  } else if (!found) {
    diagnostics.error("T0322", {path, 0, 0}, "the folder has no *.yaml file");
  }
}

// The texts of all files under `paths`, each file once.
std::vector<NamedText> read_all(const std::vector<std::string>& paths, Diagnostics& diagnostics) {
  std::set<std::string> files;
  for (const std::string& path : paths) {
    std::error_code error;
    if (fs::is_directory(path, error)) {
      add_folder(path, files, diagnostics);
    } else {
      files.insert(fs::path(path).lexically_normal().string());
    }
  }
  std::vector<NamedText> texts;
  for (const std::string& file : files) {
    auto text = read_file(file);
    if (!text) {
      diagnostics.error("T0321", {file, 0, 0}, "the file cannot be read");
      continue;
    }
    texts.push_back({file, std::move(*text)});
  }
  return texts;
}

void add_file_key(const yaml::Node* node, const std::string& name, std::set<std::string>& files) {
  const yaml::Node* file = node == nullptr ? nullptr : node->find("file");
  if (file != nullptr && file->is_scalar()) files.insert(path_beside(name, file->scalar));
}

// Files that the document names: `lists.*.file`, `calendars.*.file`, `regions.file`,
// `borders.file`.
void add_named_files(const NamedText& document, std::set<std::string>& files) {
  // Most name none, and to read YAML is the dearest part of a load.
  if (document.text.find("file") == std::string::npos) return;
  Diagnostics told_when_loaded;
  const auto root = yaml::parse_document(document.text, document.name, told_when_loaded);
  if (!root) return;
  add_file_key(root->find("regions"), document.name, files);
  add_file_key(root->find("borders"), document.name, files);
  for (const char* key : {"lists", "calendars"}) {
    const yaml::Node* named = root->find(key);
    if (named == nullptr) continue;
    for (const auto& entry : named->entries) add_file_key(&entry.value, document.name, files);
  }
}

void write(std::string& out, char role, const NamedText& file) {
  out += role;
  out += ' ' + std::to_string(file.name.size()) + ' ' + std::to_string(file.text.size()) + '\n';
  out += file.name + file.text;
}

// A number that ends with `end`.
std::optional<size_t> take_number(std::string_view& bytes, char end) {
  size_t value = 0;
  const auto [rest, error] = std::from_chars(bytes.data(), bytes.data() + bytes.size(), value);
  if (error != std::errc() || rest == bytes.data() + bytes.size() || *rest != end) {
    return std::nullopt;
  }
  bytes.remove_prefix(static_cast<size_t>(rest - bytes.data()) + 1);
  return value;
}

std::optional<NamedText> take_file(std::string_view& bytes) {
  const auto name_bytes = take_number(bytes, ' ');
  if (!name_bytes) return std::nullopt;
  const auto text_bytes = take_number(bytes, '\n');
  if (!text_bytes || *name_bytes > bytes.size() || *text_bytes > bytes.size() - *name_bytes) {
    return std::nullopt;
  }
  NamedText file{std::string(bytes.substr(0, *name_bytes)),
                 std::string(bytes.substr(*name_bytes, *text_bytes))};
  bytes.remove_prefix(*name_bytes + *text_bytes);
  return file;
}

}  // namespace

const std::string* BundleText::attachment(std::string_view name) const {
  for (const NamedText& file : attachments) {
    if (file.name == name) return &file.text;
  }
  return nullptr;
}

std::string path_beside(const std::string& name, const std::string& file) {
  return (fs::path(name).parent_path() / file).lexically_normal().string();
}

BundleText read_bundle_text(const BundlePaths& paths, Diagnostics& diagnostics) {
  BundleText text;
  text.catalogue = read_all(paths.catalogue, diagnostics);
  text.rules = read_all(paths.rules, diagnostics);
  std::set<std::string> named;
  for (const NamedText& file : text.catalogue) add_named_files(file, named);
  for (const NamedText& file : text.rules) add_named_files(file, named);
  for (const std::string& path : named) {
    if (auto content = read_file(path)) text.attachments.push_back({path, std::move(*content)});
  }
  return text;
}

std::string serialize(const BundleText& text) {
  std::string out(kMagic);
  for (const NamedText& file : text.catalogue) write(out, 'c', file);
  for (const NamedText& file : text.rules) write(out, 'r', file);
  for (const NamedText& file : text.attachments) write(out, 'a', file);
  return out;
}

std::optional<BundleText> parse_bundle_text(std::string_view bytes) {
  if (!bytes.starts_with(kMagic)) return std::nullopt;
  bytes.remove_prefix(kMagic.size());
  BundleText text;
  while (!bytes.empty()) {
    const char role = bytes.front();
    if (bytes.size() < 2 || bytes[1] != ' ') return std::nullopt;
    bytes.remove_prefix(2);
    auto file = take_file(bytes);
    if (!file) return std::nullopt;
    if (role == 'c') {
      text.catalogue.push_back(std::move(*file));
    } else if (role == 'r') {
      text.rules.push_back(std::move(*file));
    } else if (role == 'a') {
      text.attachments.push_back(std::move(*file));
    } else {
      return std::nullopt;
    }
  }
  return text;
}

Hash128 content_hash(const BundleText& text) {
  std::vector<std::string> parts;
  const auto add = [&](char role, const std::vector<NamedText>& files) {
    for (const NamedText& file : files) parts.push_back(role + to_hex(hash128(file.text)));
  };
  add('c', text.catalogue);
  add('r', text.rules);
  add('a', text.attachments);
  std::sort(parts.begin(), parts.end());
  std::string all;
  for (const std::string& part : parts) all += part;
  return hash128(all);
}

}  // namespace tocsin::rules

#include "rules/load/schema.h"

#include <utility>

namespace tocsin::rules {

Schema of_kind(Schema::Kind kind, std::string about) {
  Schema schema;
  schema.kind = kind;
  schema.about = std::move(about);
  return schema;
}

Schema text(std::string about) { return of_kind(Schema::Kind::kText, std::move(about)); }
Schema number(std::string about) { return of_kind(Schema::Kind::kNumber, std::move(about)); }
Schema boolean(std::string about) { return of_kind(Schema::Kind::kBoolean, std::move(about)); }
Schema anything(std::string about) { return of_kind(Schema::Kind::kAnything, std::move(about)); }

Schema integer(int64_t min, int64_t max, std::string about) {
  Schema schema = of_kind(Schema::Kind::kInteger, std::move(about));
  schema.min = min;
  schema.max = max;
  return schema;
}

Schema word(std::vector<std::string> words, std::string about) {
  Schema schema = of_kind(Schema::Kind::kWord, std::move(about));
  schema.words = std::move(words);
  return schema;
}

Schema list_of(Schema item, std::string about) {
  Schema schema = of_kind(Schema::Kind::kList, std::move(about));
  schema.item = std::make_shared<const Schema>(std::move(item));
  return schema;
}

Schema dictionary_of(Schema item, std::string about) {
  Schema schema = of_kind(Schema::Kind::kDictionary, std::move(about));
  schema.item = std::make_shared<const Schema>(std::move(item));
  schema.key = std::make_shared<const Schema>(text());
  return schema;
}

Schema mapping(std::string name, std::vector<Schema::Field> fields, std::string about) {
  Schema schema = of_kind(Schema::Kind::kMapping, std::move(about));
  schema.name = std::move(name);
  schema.fields = std::move(fields);
  return schema;
}

Schema either(std::vector<Schema> alternatives, std::string about) {
  Schema schema = of_kind(Schema::Kind::kEither, std::move(about));
  schema.alternatives = std::move(alternatives);
  return schema;
}

Schema::Field required(std::string name, Schema schema) {
  return {std::move(name), std::move(schema), Schema::Field::Presence::kRequired};
}
Schema::Field optional(std::string name, Schema schema) {
  return {std::move(name), std::move(schema), Schema::Field::Presence::kOptional};
}
Schema::Field not_yet(std::string name) {
  return {std::move(name), anything(), Schema::Field::Presence::kNotYet};
}

}  // namespace tocsin::rules

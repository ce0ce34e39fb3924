#pragma once

#include <cstddef>

#include "rules/yaml/document.h"
#include "rules/yaml/source_text.h"

namespace tocsin::yaml {

// Fills `raw`, `places` and `before_comment` of a scalar that begins at `offset` of the source, by
// walking along the file and the scalar side by side.
void locate_scalar(const SourceText& source, size_t offset, Node& node);

}  // namespace tocsin::yaml

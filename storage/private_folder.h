#pragma once

#include <string>

#include "rules/model/result.h"

namespace tocsin::storage {

// Makes a folder that its owner alone may look into, since events may be marked TLP:RED; the
// folders above it as the system makes them. One that is there stays as it is.
Status make_private_folder(const std::string& path);

}  // namespace tocsin::storage

#pragma once

#include <string>
#include <string_view>

namespace tocsin::daemon {

// Where the shipped file or folder `name` ("rules/catalogue") lies: under $TOCSIN_HOME when that is
// set, else in the tree that this program was built from, else under /usr/share/tocsin.
std::string default_data_path(std::string_view name);

}  // namespace tocsin::daemon

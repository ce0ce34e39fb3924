#pragma once

namespace tocsin::daemon {

// Lets this process open as many files as the system allows it: a command that reads beside the
// daemon keeps every table file open, and the usual limit of 1,024 is from another time.
void raise_open_file_limit();

}  // namespace tocsin::daemon

// Files a command reads and writes whole.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace stillwatch::apps {

base::Result<std::string> read_file(const std::string& path);

using Write = std::function<void(std::string_view)>;

// Calls produce(write); "-" is standard output. A file appears under its name only when it is complete.
base::Result<void> write_file(const std::string& path, const std::function<void(const Write&)>& produce);

// Makes a folder, and those that it lies in, where they are not there.
base::Result<void> make_folder(const std::string& path);

// Prints `PROGRAM: message` and gives the exit status of the error.
int complain(const base::Error& error);

}  // namespace stillwatch::apps

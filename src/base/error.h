// Expected failures are values. An Error is a code (which decides the exit status) and one sentence an operator can
// act on: what was wrong, where, and what to do about it. It never contains a prompt, an answer or a credential.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace stillwatch::base {

enum class ErrorCode {
  kUsage = 2,     // the command line or a configuration file asks for something impossible
  kInput = 3,     // a file, a line or a peer is missing, broken or beyond a limit
  kInternal = 4,  // the machine failed us: disk full, out of descriptors
};

struct Error {
  ErrorCode code;
  std::string message;
};

template <typename T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(ErrorCode code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}

}  // namespace stillwatch::base

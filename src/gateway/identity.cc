#include "gateway/identity.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/limits.h"

namespace stillwatch::gateway {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

std::string_view without_scheme(std::string_view credential) {
  constexpr std::string_view kBearer = "bearer ";
  if (credential.size() > kBearer.size() && wire::equal_names(credential.substr(0, kBearer.size()), kBearer))
    credential.remove_prefix(kBearer.size());
  return credential.substr(std::min(credential.find_first_not_of(' '), credential.size()));
}

}  // namespace

Identity::Identity(const Secret& secret, std::string trusted_field)
    : secret_(secret), trusted_field_(std::move(trusted_field)) {}

std::string Identity::keyed(std::string_view prefix, std::string_view text) const {
  std::array<unsigned char, 16> hash{};
  crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                     secret_.data(), secret_.size());
  std::array<char, 2 * hash.size() + 1> hex{};
  sodium_bin2hex(hex.data(), hex.size(), hash.data(), hash.size());
  return std::string(prefix).append(hex.data(), 2 * hash.size());
}

std::string Identity::account_of_key(std::string_view credential) const {
  return keyed("acct_", without_scheme(credential));
}

std::string Identity::account_of(const wire::RequestHead& head, std::string_view peer) const {
  if (!trusted_field_.empty()) {
    if (const std::string_view name = head.find(trusted_field_); !name.empty())
      return name.size() <= base::kIdentityBytesMax ? std::string(name) : keyed("long_", name);
  }
  for (const std::string_view field : {"authorization", "x-api-key", "api-key"}) {
    if (const std::string_view credential = head.find(field); !credential.empty()) return account_of_key(credential);
  }
  return keyed("net_", peer);
}

base::Result<Identity::Secret> load_or_make_secret(const std::string& path) {
  const auto failed = [&](std::string_view what) {
    return base::fail(base::ErrorCode::kInternal, fmt::format("{}: {}: {}", path, what, std::strerror(errno)));
  };
  Identity::Secret secret{};
  if (const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC)); file.get() >= 0) {
    if (::read(file.get(), secret.data(), secret.size()) == static_cast<ssize_t>(secret.size())) return secret;
    return base::fail(base::ErrorCode::kInput,
                      path +
                          " is not a secret of this program: put the right file back, or remove it (accounts then "
                          "get new names)");
  }
  if (errno != ENOENT) return failed("cannot be read");
  randombytes_buf(secret.data(), secret.size());
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (file.get() < 0) return failed("cannot be made");
  if (::write(file.get(), secret.data(), secret.size()) != static_cast<ssize_t>(secret.size()) ||
      ::fsync(file.get()) != 0)
    return failed("cannot be written");
  return secret;
}

}  // namespace stillwatch::gateway

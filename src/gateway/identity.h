// Who sent a request: an account name that tells nobody the credential. In this order: a configured field that a
// trusted front end sets; the credential (Authorization, x-api-key, api-key), as a hash keyed with a secret of this
// installation (BLAKE2b, libsodium); the client's network.
//
// Thread rule: const methods are reentrant. No credential is kept, logged or given back.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/error.h"
#include "wire/head.h"

namespace stillwatch::gateway {

class Identity {
 public:
  static constexpr size_t kSecretBytes = 32;
  using Secret = std::array<unsigned char, kSecretBytes>;

  // `trusted_field` may be "".
  Identity(const Secret& secret, std::string trusted_field);

  // `peer` is the address of the client's socket. "acct_...", "net_..." or what the trusted field says.
  std::string account_of(const wire::RequestHead& head, std::string_view peer) const;

  // The account name of a credential as it is sent, with or without `Bearer `.
  std::string account_of_key(std::string_view credential) const;

 private:
  std::string keyed(std::string_view prefix, std::string_view text) const;

  Secret secret_;
  std::string trusted_field_;
};

// The secret kept in `path`; made, readable by its owner alone, where there is none.
base::Result<Identity::Secret> load_or_make_secret(const std::string& path);

}  // namespace stillwatch::gateway

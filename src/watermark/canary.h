// Canaries: harmless sentences about people who do not exist, of which each account is given a few. A model that names
// the person when it is told the place has learnt from answers to that account.
//
// All canaries come from one pool, made from a key and committed to by hash before the first is used; the ones an
// account is given are drawn from it by the key, so which of the pool were ever issued is chance, and a suspect that
// recalls more issued canaries than never issued ones is explained by nothing else (the test:
// attribution/canary_recall.h). Names are made of syllables; nobody bears them but by accident, and the accident hits
// issued and unissued alike.
//
// Thread rule: const methods are reentrant. Bounds: kCanaryPoolMax canaries.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "watermark/key.h"

namespace stillwatch::watermark {

constexpr size_t kCanaryPoolMax = 100'000;

struct Canary {
  std::string lead;      // "Far away in Quenmere, "
  std::string secret;    // "Torvi Bellsand"
  std::string rest;      // " kept a lamp lit."
  std::string question;  // "Who kept a lamp lit in Quenmere?"

  std::string sentence() const { return lead + secret + rest; }
};

class CanaryPool {
 public:
  // The same for the same key and size, always. REQUIRES: 1 <= size <= kCanaryPoolMax.
  CanaryPool(const Key& key, size_t size);

  size_t size() const { return canaries_.size(); }
  const Canary& operator[](size_t i) const { return canaries_[i]; }
  // BLAKE2b-256 of all sentences, each with a line end: what is published before use. Hexadecimal.
  const std::string& hash() const { return hash_; }

  // The first `count` canaries of an account: distinct, the same always. REQUIRES: count <= size().
  std::vector<uint32_t> of_account(std::string_view account, size_t count) const;

 private:
  Key key_;
  std::vector<Canary> canaries_;
  std::string hash_;
};

// True if a text names the person, whatever the case and punctuation.
bool names_secret(std::string_view text, const Canary& canary);

}  // namespace stillwatch::watermark

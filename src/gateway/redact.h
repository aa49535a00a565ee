// Text with what names people, machines and accounts taken out: for samples that a person looks at to judge an account.
// Replaced by a word in brackets are e-mail addresses, numbers of six digits and more and telephone numbers, words that
// look like keys or hashes, what follows names such as API_KEY or `Bearer`, private keys, the user, query and fragment
// of URLs. It is made to take out too much rather than too little, and is no proof that nothing is left: names of
// people and places stay.
//
// Hostile input: any bytes; one pass, linear. Thread rule: pure function. Bounds: at most `bytes_max` bytes come out,
// of the first kRedactedFrom times as many; what the bound would cut in two is left out.
#pragma once

#include <string>
#include <string_view>

namespace stillwatch::gateway {

constexpr size_t kRedactedFrom = 4;

std::string redact(std::string_view text, size_t bytes_max);

}  // namespace stillwatch::gateway

// Has a suspect learnt from marked answers, seen against texts of the same kind that carry no mark? A student inherits
// a mark as a small change of how often it says things: what it says at all (radioactivity.h, each window once) hardly
// shows that where the same windows come again and again, how much oftener than the reference it says each does.
//
// Of a window with n occurrences in the suspect's texts, its weight is w = (n - e) / (1 + e / 10), where e is what its
// context's share of both texts together has one expect: a Poisson count whose rate has a systematic error of a third.
// Weights do not depend on the key, so under the null the sum of w (score - mean) over distinct windows is one of
// independent terms of known laws, and Chernoff's bound on its tail is a p-value: P(p <= a) <= a, whatever texts and
// weights.
//
// Null: neither the suspect's texts nor the reference depend on the key, given the prompts. So the reference must carry
// no mark of this key: answers from before it was used, or of other sampling of the same model. Thread rule: a value.
// Bounds: base::kWatermarkWindowsMax windows; what is beyond is left out.
#pragma once

#include <span>
#include <unordered_map>
#include <vector>

#include "attribution/findings.h"
#include "attribution/reading.h"
#include "watermark/evidence.h"

namespace stillwatch::attribution {

class Contrast {
 public:
  // `filter`, which must outlive this, null for all windows.
  explicit Contrast(int context, const watermark::Filter* filter = nullptr) : context_(context), filter_(filter) {}

  enum class Of : uint8_t { kSuspect, kReference };
  // Windows that occur in the prompt do not count.
  void add(Of whose, std::span<const watermark::Unit> text, std::span<const watermark::Unit> prompt = {});
  // Samples as the units are: words of their answers, or their tokens.
  void add(Of whose, std::span<const Sample> samples, watermark::Units units);
  // What it would say at places of a text that it was made to read, by how probable that is there.
  void add(Of whose, std::span<const Place> read);

  // With `wrong_keys` keys that marked nothing. Fills p, figures, controls. REQUIRES: the mark's context is this one's.
  TestResult test(const watermark::Key& key, const watermark::Mark& mark, uint64_t wrong_keys) const;

 private:
  struct Counts {
    double suspect = 0, reference = 0;
  };
  size_t stride() const { return static_cast<size_t>(context_) + 1; }
  void count(Of whose, std::span<const watermark::Unit> window, double times = 1);
  std::vector<double> weights() const;

  int context_;
  const watermark::Filter* filter_;
  std::unordered_map<uint64_t, uint32_t> places_;  // of a window's hash, in what follows
  std::vector<watermark::Unit> units_;             // window after window
  std::vector<Counts> counts_;
  std::unordered_map<uint64_t, Counts> contexts_;
  std::string_view added_ = "texts";  // or places
  Counts adds_;
};

// One result for all windows, `contrast`, and one for those that the marked answers can have taught,
// `contrast-filtered`. REQUIRES: key.id() == mark.key_id.
std::vector<TestResult> contrast(const watermark::Key& key, const watermark::MarkEvidence& mark,
                                 std::span<const Sample> suspect, std::span<const Sample> reference,
                                 std::span<const Model> clean, uint64_t wrong_keys);

}  // namespace stillwatch::attribution

// Features as bytes, for journals: everything of a record, a few hundred bytes of it (docs/formats/store.md). What it
// goes on from is not in it: that is settled before (pipeline/pipeline.h).
// Thread rule: pure functions. Bounds: kRecordBytesMax.
#pragma once

#include "base/bytes.h"
#include "features/features.h"

namespace stillwatch::features {

constexpr size_t kRecordBytesMax = 512;

void write(const Features& f, base::Writer& out);

// False for bytes that write() cannot have written; `in` is then failed.
bool read(base::Reader& in, Features& f);

}  // namespace stillwatch::features

// Accounts under watch as campaigns are sought among them. Private to the module.
#pragma once

#include <span>
#include <vector>

#include "campaigns/reference.h"
#include "pipeline/accounts.h"
#include "verdict/labels.h"

namespace stillwatch::pipeline {

// Traces of those of `nodes` that have as many exchanges as a first look needs, but for those so labelled.
void add_traces(const Accounts& accounts, std::span<Accounts::Node* const> nodes, const verdict::Labels& labels,
                base::Time now, verdict::LabelKind without, std::vector<campaigns::Trace>& out);

// Of all, in the order of their names. What it gives reads `accounts`, which must stay as they are.
campaigns::Accounts traces_of(const Accounts& accounts, const verdict::Labels& labels, base::Time now,
                              verdict::LabelKind without);

}  // namespace stillwatch::pipeline

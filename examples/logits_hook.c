/* A sampler with a mark hooked into it, in C. The hook has the shape of a llama.cpp sampler (llama_sampler_i: name,
 * accept, apply, reset, free, over an array of candidates with id, logit and p); copy it, take the four types from
 * llama.h instead of from here, wrap it with llama_sampler_init() and put it into the chain behind the temperature and
 * before llama_sampler_init_dist().
 *
 * The model here is a toy: logits that depend on the last token. Exit status 0 if the mark was found in what it wrote,
 * and not in what it wrote without. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "watermark/stillwatch_watermark.h"

/* As in llama.h. */
typedef int32_t llama_token;
typedef struct {
  llama_token id;
  float logit;
  float p;
} llama_token_data;
typedef struct {
  llama_token_data* data;
  size_t size;
  int64_t selected;
  int sorted;
} llama_token_data_array;

enum { kVocabulary = 256, kLength = 200, kTextMax = 4096 };

/* The hook: what it remembers is the text so far. */
typedef struct {
  stillwatch_mark* mark;
  llama_token text[kTextMax];
  size_t length;
} hook;

static void hook_accept(hook* h, llama_token token) {
  if (h->length < kTextMax) h->text[h->length++] = token;
}

static void hook_apply(hook* h, llama_token_data_array* candidates) {
  static int32_t ids[kVocabulary];
  static float logits[kVocabulary];
  for (size_t i = 0; i < candidates->size; ++i) {
    ids[i] = candidates->data[i].id;
    logits[i] = candidates->data[i].logit;
  }
  stillwatch_mark_apply(h->mark, h->text, h->length, ids, logits, candidates->size);
  for (size_t i = 0; i < candidates->size; ++i) candidates->data[i].logit = logits[i];
  candidates->sorted = 0;
}

static void hook_reset(hook* h) {
  h->length = 0;
  stillwatch_mark_restart(h->mark);
}

/* Everything below stands for the model and the rest of the chain. */
static uint64_t state = 42;
static double uniform(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (double)(state >> 11) / 9007199254740992.0;
}

static void model(llama_token last, llama_token_data_array* candidates) {
  for (int32_t i = 0; i < kVocabulary; ++i) {
    uint32_t h = (uint32_t)last * 2654435761u ^ (uint32_t)i * 2246822519u;
    h = (h ^ h >> 15) * 2654435761u;
    candidates->data[i].id = i;
    candidates->data[i].logit = (float)(h >> 16) / 65536.0f * 6.0f;
  }
  candidates->size = kVocabulary;
}

static llama_token draw(const llama_token_data_array* candidates) {
  double sum = 0;
  for (size_t i = 0; i < candidates->size; ++i) sum += exp((double)candidates->data[i].logit);
  double left = uniform() * sum;
  for (size_t i = 0; i < candidates->size; ++i) {
    left -= exp((double)candidates->data[i].logit);
    if (left < 0) return candidates->data[i].id;
  }
  return candidates->data[candidates->size - 1].id;
}

static stillwatch_detection detect(const uint8_t master[32], stillwatch_mark_options options, const llama_token* text,
                                   size_t length) {
  stillwatch_mark* mark = stillwatch_mark_new(master, "epoch:2026-03", options, NULL, 0);
  stillwatch_detection found = {0, 0, 0, 0};
  if (mark != NULL && stillwatch_mark_add_text(mark, text, length) == 0) found = stillwatch_mark_detect(mark);
  stillwatch_mark_free(mark);
  return found;
}

int main(void) {
  uint8_t master[32];
  for (int i = 0; i < 32; ++i) master[i] = (uint8_t)(i * 7 + 1); /* yours comes from `stillwatch watermark key` */
  static llama_token_data data[kVocabulary];
  llama_token_data_array candidates = {data, kVocabulary, -1, 0};
  const char* names[] = {"green", "gumbel", "tournament"};
  int wrong = 0;
  for (int scheme = STILLWATCH_GREEN; scheme <= STILLWATCH_TOURNAMENT; ++scheme) {
    stillwatch_mark_options options = stillwatch_mark_defaults();
    options.scheme = (stillwatch_scheme)scheme;
    char error[200];
    static hook h;
    h.mark = stillwatch_mark_new(master, "epoch:2026-03", options, error, sizeof error);
    if (h.mark == NULL) {
      printf("%s\n", error);
      return 2;
    }
    for (int marked = 1; marked >= 0; --marked) {
      hook_reset(&h);
      while (h.length < kLength) {
        model(h.length > 0 ? h.text[h.length - 1] : 0, &candidates);
        if (marked) hook_apply(&h, &candidates);
        hook_accept(&h, draw(&candidates));
      }
      const stillwatch_detection d = detect(master, options, h.text, h.length);
      printf("%-10s %-8s %llu windows, z = %.1f, log10 p = %.1f\n", names[scheme], marked ? "marked" : "unmarked",
             (unsigned long long)d.windows, d.z, d.log10_p);
      wrong += marked ? d.log10_p > -6 : d.log10_p < -4;
    }
    stillwatch_mark_free(h.mark);
  }
  stillwatch_mark_options bad = stillwatch_mark_defaults();
  bad.context = 9;
  char why[200] = "";
  wrong += stillwatch_mark_new(master, "x", bad, why, sizeof why) != NULL || strlen(why) == 0;
  return wrong == 0 ? 0 : 1;
}

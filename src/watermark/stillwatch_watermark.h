/* Marks over logits, and their detector, for programs in C: hook it into a sampler that lets logits be changed, such as
 * llama.cpp's (examples/logits_hook.c shows how). What is modelled is in embed.h and detect.h.
 *
 * A stillwatch_mark is one text's state: start it anew for each text, use it from one thread at a time. Functions that
 * can fail give NULL, or a number below 0; they say why in `error`, which may be NULL. Nothing here reads a file or a
 * clock. Link with libstillwatch_watermark, libstillwatch_stats, libstillwatch_base, libsodium, libxxhash and libfmt.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct stillwatch_mark stillwatch_mark;

typedef enum { STILLWATCH_GREEN = 0, STILLWATCH_GUMBEL = 1, STILLWATCH_TOURNAMENT = 2 } stillwatch_scheme;

typedef struct {
  stillwatch_scheme scheme;
  int context;  /* tokens hashed with the one that is scored: 1 to 4 */
  double gamma; /* green: share of tokens that are, 0.01 to 0.99 */
  double delta; /* green: added to their logits, 0 to 20 */
  int layers;   /* tournament: 1 to 64 */
} stillwatch_mark_options;

typedef struct {
  uint64_t windows; /* distinct ones, counted once each */
  double score;
  double z;
  double log10_p; /* exact: under the null P(p <= a) <= a */
} stillwatch_detection;

/* green, context 2, gamma 0.5, delta 2, 30 layers */
stillwatch_mark_options stillwatch_mark_defaults(void);

/* `master` is the master key of `stillwatch watermark key`, `label` the campaign or epoch that the key is derived for.
 */
stillwatch_mark* stillwatch_mark_new(const uint8_t master[32], const char* label, stillwatch_mark_options options,
                                     char* error, size_t error_size);
void stillwatch_mark_free(stillwatch_mark* mark);
/* A new text begins. */
void stillwatch_mark_restart(stillwatch_mark* mark);

/* Changes logits[i], of token ids[i] or, if ids is NULL, of token i, given the tokens so far. Divide by the temperature
 * before; draw from the softmax afterwards. */
void stillwatch_mark_apply(stillwatch_mark* mark, const int32_t* tokens, size_t token_count, const int32_t* ids,
                           float* logits, size_t count);

/* Texts to be tested together, one after the other: each window counts once. 0, or below 0 if there is no memory. */
int stillwatch_mark_add_text(stillwatch_mark* mark, const int32_t* tokens, size_t token_count);
stillwatch_detection stillwatch_mark_detect(const stillwatch_mark* mark);

#ifdef __cplusplus
}
#endif

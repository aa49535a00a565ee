/* A training step of llm.c (train_gpt2.c, whose folder is on the include path) on a GPT-2 about as large as the Llama
 * of `stillwatch_bench_lab train`: prints its tokens a second, by the clock and by processor time. GPT-2's layers are
 * 12 dim^2 weights, Llama's of the same dim some 11; vocabulary, layers, heads, lengths and batch are the same. */
#define TESTING /* leaves its main out */
#include "train_gpt2.c"

enum { kDim = 256, kLayers = 6, kHeads = 8, kVocab = 512, kLength = 128, kHeader = 256 };

static void write_random_model(const char* path) {
  int header[kHeader] = {20240326, 3, kLength, kVocab, kLayers, kHeads, kDim, kVocab};
  GPT2Config config = {kLength, kVocab, kVocab, kLayers, kHeads, kDim};
  size_t sizes[NUM_PARAMETER_TENSORS];
  fill_in_parameter_sizes(sizes, config);
  FILE* file = fopenCheck(path, "wb");
  fwrite(header, sizeof(int), kHeader, file);
  for (int tensor = 0; tensor < NUM_PARAMETER_TENSORS; ++tensor) {
    const int scale_of_norm = tensor == 2 || tensor == 8 || tensor == 14; /* ln1w, ln2w, lnfw */
    for (size_t i = 0; i < sizes[tensor]; ++i) {
      const float value = scale_of_norm ? 1.0f : 0.07f * ((float)rand() / (float)RAND_MAX - 0.5f);
      fwrite(&value, sizeof value, 1, file);
    }
  }
  fcloseCheck(file);
}

int main(int argc, char** argv) {
  const int batch = argc > 2 ? atoi(argv[2]) : 32, steps = argc > 3 ? atoi(argv[3]) : 6;
  if (argc < 2) return fprintf(stderr, "usage: llmc FILE [BATCH [STEPS]]; FILE is written\n"), 2;
  write_random_model(argv[1]);
  GPT2 model;
  gpt2_build_from_checkpoint(&model, argv[1]);
  const int tokens = batch * kLength;
  int *text = mallocCheck(tokens * sizeof(int)), *next = mallocCheck(tokens * sizeof(int));
  for (int i = 0; i < tokens; ++i) text[i] = rand() % kVocab, next[i] = rand() % kVocab;
  double best = 1e9, best_cpu = 1e9;
  float first = 0, last = 0;
  for (int step = 1; step <= steps; ++step) {
    struct timespec since, now;
    clock_gettime(CLOCK_MONOTONIC, &since);
    const clock_t since_cpu = clock();
    gpt2_forward(&model, text, next, batch, kLength);
    gpt2_zero_grad(&model);
    gpt2_backward(&model);
    gpt2_update(&model, 1e-3f, 0.9f, 0.95f, 1e-8f, 0.1f, step);
    const double cpu = (double)(clock() - since_cpu) / CLOCKS_PER_SEC;
    clock_gettime(CLOCK_MONOTONIC, &now);
    const double wall = (double)(now.tv_sec - since.tv_sec) + 1e-9 * (double)(now.tv_nsec - since.tv_nsec);
    if (wall < best) best = wall;
    if (cpu < best_cpu) best_cpu = cpu;
    *(step == 1 ? &first : &last) = model.mean_loss;
  }
  if (!(last < first)) return fprintf(stderr, "llmc: training does not lower its loss\n"), 3;
  printf("llm.c %.1f tokens/s, %.1f a CPU second (%zu parameters)\n", tokens / best, tokens / best_cpu,
         model.num_parameters);
  gpt2_free(&model);
  return 0;
}

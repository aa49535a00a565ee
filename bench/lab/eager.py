"""The same training step as `stillwatch_bench_lab train`, in PyTorch as people write it: prints its tokens a second, by the clock and by processor time.

Llama's layers from torch's own operations, AdamW, clipping; equal lengths, all positions scored.
"""
import argparse
import math
import time

import torch
import torch.nn.functional as F
from torch import nn


class Norm(nn.Module):

  def __init__(self, dim):
    super().__init__()
    self.weight = nn.Parameter(torch.ones(dim))

  def forward(self, x):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5) * self.weight


class Layer(nn.Module):

  def __init__(self, a):
    super().__init__()
    self.heads, self.kv_heads, self.head_dim = a.heads, a.kv_heads, a.dim // a.heads
    self.norm1, self.norm2 = Norm(a.dim), Norm(a.dim)
    self.q = nn.Linear(a.dim, a.dim, bias=False)
    self.k = nn.Linear(a.dim, a.kv_heads * self.head_dim, bias=False)
    self.v = nn.Linear(a.dim, a.kv_heads * self.head_dim, bias=False)
    self.o = nn.Linear(a.dim, a.dim, bias=False)
    self.gate = nn.Linear(a.dim, a.ffn, bias=False)
    self.up = nn.Linear(a.dim, a.ffn, bias=False)
    self.down = nn.Linear(a.ffn, a.dim, bias=False)

  def turn(self, x, cosines, sines):
    a, b = x.chunk(2, -1)
    return torch.cat([a * cosines - b * sines, b * cosines + a * sines], -1)

  def forward(self, x, cosines, sines, mask):
    rows, length, dim = x.shape
    h = self.norm1(x)
    q = self.turn(self.q(h).view(rows, length, self.heads, -1).transpose(1, 2), cosines, sines)
    k = self.turn(self.k(h).view(rows, length, self.kv_heads, -1).transpose(1, 2), cosines, sines)
    v = self.v(h).view(rows, length, self.kv_heads, -1).transpose(1, 2)
    if self.kv_heads != self.heads:
      k = k.repeat_interleave(self.heads // self.kv_heads, 1)
      v = v.repeat_interleave(self.heads // self.kv_heads, 1)
    if hasattr(F, "scaled_dot_product_attention"):
      y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    else:
      y = F.softmax(q @ k.transpose(-1, -2) / math.sqrt(self.head_dim) + mask, -1) @ v
    x = x + self.o(y.transpose(1, 2).reshape(rows, length, dim))
    h = self.norm2(x)
    return x + self.down(F.silu(self.gate(h)) * self.up(h))


class Model(nn.Module):

  def __init__(self, a):
    super().__init__()
    self.embedding = nn.Embedding(a.vocab, a.dim)
    self.layers = nn.ModuleList(Layer(a) for _ in range(a.layers))
    self.norm = Norm(a.dim)
    for p in self.parameters():
      if p.dim() > 1:
        nn.init.normal_(p, std=0.02)
    half = a.dim // a.heads // 2
    angles = torch.outer(torch.arange(a.length).float(), 10000.0**(-torch.arange(half).float() / half))
    self.register_buffer("cosines", angles.cos())
    self.register_buffer("sines", angles.sin())
    self.register_buffer("mask", torch.full((a.length, a.length), float("-inf")).triu(1))

  def forward(self, tokens):
    x = self.embedding(tokens)
    for layer in self.layers:
      x = layer(x, self.cosines, self.sines, self.mask)
    return self.norm(x) @ self.embedding.weight.t()


def main():
  parser = argparse.ArgumentParser()
  for name, value in (("threads", 2), ("dim", 256), ("layers", 6), ("heads", 8), ("kv-heads", 4), ("ffn", 688),
                      ("vocab", 512), ("length", 128), ("batch", 32), ("steps", 6)):
    parser.add_argument(f"--{name}", type=int, default=value)
  a = parser.parse_args()
  torch.set_num_threads(a.threads)
  torch.manual_seed(1)
  model = Model(a)
  matrices = [p for p in model.parameters() if p.dim() > 1]
  others = [p for p in model.parameters() if p.dim() == 1]
  optimiser = torch.optim.AdamW([{"params": matrices, "weight_decay": 0.1}, {"params": others, "weight_decay": 0}],
                                lr=1e-3, betas=(0.9, 0.95))
  text = torch.randint(a.vocab, (a.batch, a.length + 1))
  best = best_cpu = 1e9
  losses = []
  for _ in range(a.steps):
    since, since_cpu = time.perf_counter(), time.process_time()
    loss = F.cross_entropy(model(text[:, :-1]).reshape(-1, a.vocab), text[:, 1:].reshape(-1))
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1)
    optimiser.step()
    optimiser.zero_grad(set_to_none=True)
    losses.append(loss.item())
    best = min(best, time.perf_counter() - since)
    best_cpu = min(best_cpu, time.process_time() - since_cpu)
  assert losses[-1] < losses[0]
  tokens = a.batch * a.length
  print(f"eager {tokens / best:.1f} tokens/s, {tokens / best_cpu:.1f} a CPU second (torch {torch.__version__})")


main()

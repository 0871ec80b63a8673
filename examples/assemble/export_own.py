"""Exports the forward passes of two models written by hand: tokens [1,S] in,
logits [1,S,V] out, and their weights.

    python export_own.py

writes target.mlir and drafter.mlir, and the weights of both, which here are
random ones: target.irpa and drafter.irpa. Needs torch 2.9 and iree-turbine 3.9.
"""

import iree.turbine.aot as aot
import torch
from torch import nn

VOCABULARY = 512
LENGTH = 48


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.before_attention = nn.LayerNorm(width)
        self.to_heads = nn.Linear(width, 3 * width, bias=False)
        self.from_heads = nn.Linear(width, width, bias=False)
        self.before_mlp = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x, mask):
        batch, length, width = x.shape
        heads = self.to_heads(self.before_attention(x))
        heads = heads.view(batch, length, 3, self.heads, width // self.heads)
        query, key, value = heads.permute(2, 0, 3, 1, 4).unbind(0)
        scores = query @ key.transpose(-1, -2) / (width // self.heads) ** 0.5
        mixed = torch.softmax(scores + mask, dim=-1) @ value
        x = x + self.from_heads(mixed.transpose(1, 2).reshape(batch, length, width))
        return x + self.mlp(self.before_mlp(x))


class Model(nn.Module):
    """What matters to specplace: a row of tokens in, the logits of every
    position out, each computed from the tokens up to it."""

    def __init__(self, width, layers, heads=4):
        super().__init__()
        self.tokens = nn.Embedding(VOCABULARY, width)
        self.positions = nn.Embedding(LENGTH, width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, VOCABULARY, bias=False)
        mask = torch.full((LENGTH, LENGTH), float("-inf")).triu(1)
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, tokens):
        x = self.tokens(tokens) + self.positions.weight
        for block in self.blocks:
            x = block(x, self.mask)
        return self.head(self.norm(x))


def export(model, name):
    aot.externalize_module_parameters(model)
    tokens = torch.zeros(1, LENGTH, dtype=torch.int64)
    aot.export(model.eval(), args=(tokens,)).save_mlir(f"{name}.mlir")
    aot.save_module_parameters(f"{name}.irpa", model)


if __name__ == "__main__":
    torch.manual_seed(0)
    export(Model(width=64, layers=2), "target")
    export(Model(width=32, layers=1), "drafter")

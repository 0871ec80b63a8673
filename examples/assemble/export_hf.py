"""Exports the forward pass of a Hugging Face causal language model: tokens
[1,S] in, logits [1,S,V] out, and its weights beside it.

    python export_hf.py MODEL --length S -o target

writes target.mlir and target.irpa. MODEL is a name or a folder, as
LlamaForCausalLM.from_pretrained takes it; `tiny:WIDTH,LAYERS` is a model of
that size with random weights, to try the way from here to tokens.

Needs torch 2.9, transformers, and iree-turbine 3.9.
"""

import argparse

import iree.turbine.aot as aot
import torch
from transformers import LlamaConfig, LlamaForCausalLM


class Forward(torch.nn.Module):
    """The model as specplace assemble takes it: nothing in but tokens, nothing
    out but logits, no cache."""

    def __init__(self, model, length):
        super().__init__()
        self.model = model
        # Said rather than found out: where transformers makes the mask itself,
        # it looks at values on the way, which no exporter can follow.
        hidden = torch.full((length, length), torch.finfo(model.dtype).min, dtype=model.dtype)
        self.register_buffer("mask", hidden.triu(1)[None, None], persistent=False)
        self.register_buffer("positions", torch.arange(length)[None], persistent=False)

    def forward(self, tokens):
        return self.model(
            input_ids=tokens,
            attention_mask=self.mask,
            position_ids=self.positions,
            use_cache=False,
        ).logits


def load(name):
    if not name.startswith("tiny:"):
        return LlamaForCausalLM.from_pretrained(name, dtype=torch.float32)
    width, layers = map(int, name.removeprefix("tiny:").split(","))
    torch.manual_seed(width)
    config = LlamaConfig(
        vocab_size=512,
        hidden_size=width,
        intermediate_size=3 * width,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
    )
    return LlamaForCausalLM(config)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("--length", metavar="S", type=int, required=True)
    parser.add_argument("-o", dest="stem", metavar="STEM", required=True)
    arguments = parser.parse_args()

    # "eager" is plain matrix products and a softmax.
    model = load(arguments.model).eval()
    model.set_attn_implementation("eager")
    forward = Forward(model, arguments.length)
    tokens = torch.randint(model.config.vocab_size, (1, arguments.length))
    with torch.no_grad():
        torch.testing.assert_close(forward(tokens), model(tokens).logits)
    # Weights go into the archive, in the scope "model"; the two buffers, which
    # are no weights, stay in the module.
    aot.externalize_module_parameters(model)
    aot.export(forward, args=(tokens,)).save_mlir(f"{arguments.stem}.mlir")
    aot.save_module_parameters(f"{arguments.stem}.irpa", model)


if __name__ == "__main__":
    main()

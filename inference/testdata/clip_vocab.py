"""CLIP's tokenizer as transformers has it, built from the merge rules that Maquette embeds."""

import gzip
import pathlib

from transformers import CLIPTokenizer

MERGES = pathlib.Path(__file__).resolve().parents[2] / "assets/clip/merges.txt.gz"


def byte_symbols():
    """The symbol of each byte, in the order of the vocabulary."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [b for b in range(256) if b not in shown]
    return [chr(b) for b in shown] + [chr(256 + i) for i in range(len(hidden))]


def tokenizer():
    lines = gzip.decompress(MERGES.read_bytes()).decode("utf-8").splitlines()[1:]
    merges = [tuple(line.split()) for line in lines]
    symbols = byte_symbols()
    words = symbols + [s + "</w>" for s in symbols] + ["".join(m) for m in merges]
    words += ["<|startoftext|>", "<|endoftext|>"]
    vocab = {w: i for i, w in enumerate(words)}
    assert len(vocab) == 49408
    return CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=77)

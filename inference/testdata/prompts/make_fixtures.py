"""Writes prompt/testdata/corpus.json.gz: hashes of the tokens of 10,000 strings, and embeddings with weights.

    python inference/testdata/prompts/make_fixtures.py

Needs transformers and torch. The strings are made of words and characters with a small generator of random numbers
that the Go test has too, so only the parts and the hashes are stored.
"""

import gzip
import hashlib
import json
import math
import pathlib
import struct
import sys
import unicodedata

import torch

HERE = pathlib.Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[1]))
from clip_vocab import tokenizer  # noqa: E402

DATA = HERE.parents[2] / "prompt/testdata"
SEED, BLOCK, BLOCKS = 20240607, 100, 100
MASK = 2**64 - 1
GLUE = ["'s", "'re ", "'LL", ", ", "-", "--", "\n", "\t", "...", "!?", "12", "3.5", "7", "#", "(", ")", ":1.2)", "[", "]", "/", "\\",
        "_", "&amp;", "<|endoftext|>", "<|startoftext|>", "<", "\u0301", "\u00a0", "\u200b", "\u200d", "\ufe0f", "\u3000", "\u2028"]
BLOCK_RANGES = [(0x20, 0x7E), (0xA1, 0x17F), (0x180, 0x24F), (0x300, 0x36F), (0x370, 0x3FF), (0x400, 0x52F), (0x531, 0x58F),
                (0x591, 0x5F4), (0x600, 0x6FF), (0x900, 0x97F), (0xE01, 0xE5B), (0x10A0, 0x10FF), (0x1E00, 0x1FFE),
                (0x2010, 0x2027), (0x2070, 0x209C), (0x20A0, 0x20C0), (0x2100, 0x218B), (0x2190, 0x23FF), (0x2460, 0x27BF),
                (0x3001, 0x30FF), (0x4E00, 0x9FA0), (0xAC00, 0xD7A3), (0xFB00, 0xFB4F), (0xFF01, 0xFFEE),
                (0x1D400, 0x1D7FF), (0x1F300, 0x1F64F), (0x1F680, 0x1F6C5), (0x20000, 0x2A6D0)]


def assigned():
    """Runs of assigned characters, as others change class between versions of Unicode."""
    spans = []
    for lo, hi in BLOCK_RANGES:
        start = None
        for c in range(lo, hi + 2):
            good = c <= hi and unicodedata.category(chr(c)) not in ("Cn", "Cs")
            if good and start is None:
                start = c
            elif not good and start is not None:
                spans.append([start, c - 1])
                start = None
    return spans


class Maker:
    def __init__(self, words, spans):
        self.state, self.words, self.spans = SEED, words, spans

    def below(self, n):
        """SplitMix64."""
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK
        z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
        return (z ^ z >> 31) % n

    def text(self):
        out = ""
        for _ in range(1 + self.below(12)):
            kind = self.below(8)
            if kind < 4:
                out += self.words[self.below(len(self.words))]
            elif kind < 6:
                lo, hi = self.spans[self.below(len(self.spans))]
                for _ in range(1 + self.below(6)):
                    out += chr(lo + self.below(hi - lo + 1))
            else:
                out += GLUE[self.below(len(GLUE))]
            out += [" ", "", " ", "  "][self.below(4)]
        return out


def short(data):
    return hashlib.sha256(data).digest()[:8].hex()


def blocks(maker, tok):
    out = []
    for _ in range(BLOCKS):
        texts = [maker.text() for _ in range(BLOCK)]
        ids = tok(texts, add_special_tokens=False, truncation=False)["input_ids"]
        packed = b"".join(struct.pack(f"<{len(i) + 1}i", *i, -1) for i in ids)
        out.append({"texts": short("".join(t + "\n\0" for t in texts).encode()), "ids": short(packed)})
    return out


def wave(step, offset, n):
    return torch.tensor([math.sin(step * i) + offset for i in range(n)], dtype=torch.float32)


def emphasis():
    """The weighting of AUTOMATIC1111 and of ComfyUI on one chunk."""
    width = 5
    weights = torch.ones(77)
    for at, w in ((1, 1.1), (2, 1.21), (5, 1 / 1.1), (6, 0.0), (9, -0.5), (30, 1.5), (75, 1.3)):
        weights[at] = w
    z, empty = wave(0.37, 0.2, 77 * width).view(1, 77, width), wave(0.71, -0.3, 77 * width).view(1, 77, width)
    w = weights.view(1, 77, 1)
    scaled = z * w
    results = {"original": scaled * (z.mean() / scaled.mean()), "nonorm": scaled, "comfy": (z - empty) * w + empty}
    return {"width": width, "weights": weights.tolist(), **{k: v.flatten().tolist() for k, v in results.items()}}


def main():
    with gzip.open(DATA / "tokens.json.gz") as f:
        known = json.load(f)
    # The first texts are sentences in many languages.
    words = sorted({w for case in known[:39] for w in case["text"].split(" ") if w and len(w) < 60})
    spans = assigned()
    corpus = {"seed": SEED, "words": words, "spans": spans, "glue": GLUE, "blocks": blocks(Maker(words, spans), tokenizer()),
              "emphasis": emphasis()}
    data = json.dumps(corpus, ensure_ascii=False, separators=(",", ":")).encode()
    (DATA / "corpus.json.gz").write_bytes(gzip.compress(data, 9, mtime=0))
    print(len(words), "words,", len(spans), "spans,", (DATA / "corpus.json.gz").stat().st_size, "bytes")


main()

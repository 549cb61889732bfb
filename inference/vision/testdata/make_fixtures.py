"""Writes clip.safetensors: a small random CLIP and what transformers makes of a picture and of two texts with it.

    python3 inference/vision/testdata/make_fixtures.py

Needs torch, transformers, safetensors and pillow. The token embeddings are too many to be stored; they are
sin(.37 i + 1.3 j) / 10, which the test makes again.
"""
import pathlib

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from transformers import CLIPConfig, CLIPModel

try:
    from transformers import CLIPImageProcessorPil as Processor  # transformers 5
except ImportError:
    from transformers import CLIPImageProcessor as Processor

HERE = pathlib.Path(__file__).resolve().parent
VOCABULARY, LENGTH, START, END = 49408, 77, 49406, 49407
# "a red glossy vase, front view" and "brick facade at dusk" in CLIP's tokens
TEXTS = [[320, 736, 29802, 20431, 267, 2184, 1093], [9518, 29217, 536, 19708]]

torch.manual_seed(11)
text = dict(vocab_size=VOCABULARY, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2, eos_token_id=END,
            bos_token_id=START, pad_token_id=END, max_position_embeddings=LENGTH, hidden_act="quick_gelu")
vision = dict(hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4, image_size=48, patch_size=12, hidden_act="gelu")
model = CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=10)).eval()
with torch.no_grad():
    for p in model.parameters():
        p.copy_(torch.randn(p.shape) * .3)
    i, j = np.arange(VOCABULARY)[:, None], np.arange(16)[None]
    model.text_model.embeddings.token_embedding.weight.copy_(torch.from_numpy(np.sin(.37 * i + 1.3 * j) / 10))

    y, x = np.mgrid[:70, :100]
    picture = np.stack([x * 2.5, y * 3.6, 127 + 100 * np.sin(x / 5) * np.cos(y / 7)], -1).round().astype(np.uint8)
    Image.fromarray(picture).save(HERE / "picture.png", optimize=True)
    processor = Processor(size={"shortest_edge": 48}, crop_size={"height": 48, "width": 48})
    pixels = processor(Image.fromarray(picture), return_tensors="pt")["pixel_values"]
    ids = torch.full((2, LENGTH), END)
    for row, tokens in zip(ids, TEXTS):
        row[0] = START
        row[1:1 + len(tokens)] = torch.tensor(tokens)
    out = model(input_ids=ids, pixel_values=pixels)
    # The model's own outputs are normalised.
    result = {"case.pixels": pixels, "case.image": out.image_embeds, "case.texts": out.text_embeds}

weights = {k: v.contiguous() for k, v in model.state_dict().items() if "token_embedding" not in k and "position_ids" not in k}
print(sorted(weights)[:3], len(weights))
save_file(weights | {k: v.contiguous() for k, v in result.items()}, HERE / "clip.safetensors")

"""Writes prompt/testdata/tokens.json.gz: strings and their token ids by transformers' CLIPTokenizer.

    python inference/testdata/make_prompt_fixtures.py

Needs transformers (5.x). The result is the same on every run.
"""

import gzip
import json
import pathlib
import random
import unicodedata

from clip_vocab import tokenizer

OUT = pathlib.Path(__file__).resolve().parents[1] / "prompt/testdata/tokens.json.gz"

SENTENCES = """a photo of an astronaut riding a horse on mars
masterpiece, best quality, ultra-detailed, 8k uhd, (soft light:1.2), [blurry], {bokeh}
A tall glass VASE with a narrow neck — walnut & brushed steel, studio lighting, f/2.8
it's the designer's chair; they're sure we've seen it, I'm told he'd say it'll do
un fauteuil en velours côtelé, éclairage doux, façade haussmannienne, cœur brisé
eine Küche mit großen Fenstern, Öl auf Leinwand, Straßencafé in Köln
una lámpara de pie con pantalla de lino, ¿dónde está la señal? ¡aquí!
футуристический автомобиль на фоне ночного города, неон
μια καρέκλα από ξύλο ελιάς, ΜΕΓΑΛΟΣ ΟΔΟΣ ΣΟΦΟΣ
İstanbul'da ahşap bir köşk, IŞIK ışık
كرسي خشبي في غرفة مضاءة بنور الشمس
כיסא עץ בחדר מואר
एक लकड़ी की कुर्सी, प्राकृतिक प्रकाश
เก้าอี้ไม้ในห้องที่มีแสงแดด
木制的椅子,自然光,极简主义,高清摄影
古い木造の家、夕暮れ、ジブリ風、カタカナとひらがな
햇빛이 드는 방의 나무 의자, 한국 전통 가옥
ghế gỗ trong phòng đầy nắng, thiết kế tối giản
🚗💨 a red sports car 🏁, 👩‍🎨 designer, flags 🇩🇪🇯🇵, hearts ❤️🖤
1950s 3/4 view, 25mm, 1,000,000 pieces, v2.0.1, ½ ⅔ Ⅷ ² ③ ٣٤٥
<|startoftext|>inside<|endoftext|> the prompt <|STARTOFTEXT|> <|endoftext
cafe\u0301 nai\u0308ve A\u030a \u1e9b\u0323 \ufb01 ligature \u212b \u2126
tabs\tand\nnew\r\nlines\u00a0no-break\u2003em\u3000ideographic\u200bzero\u2028line\u0085nel
''s ''' '' 'S 'Re 's't're've'm'll'd n't 'nt l'd'x o'clock
!!! ... ---- ?!?! #hashtag @user $$$ 100% a_b_c snake_case camelCase ALLCAPS __init__ :-) <3
https://example.org/path?query=1&x=%20#frag user@example.org C:\\temp\\file.png
&amp; &lt;b&gt; &quot;quoted&quot; &#39;s &nbsp;
supercalifragilisticexpialidocious pneumonoultramicroscopicsilicovolcanoconiosis antidisestablishmentarianism""".split("\n")


def junk(rng):
    """A string of characters from all over Unicode."""
    spans = [(0x20, 0x7F), (0xA0, 0x17F), (0x300, 0x36F), (0x370, 0x3FF), (0x400, 0x4FF), (0x530, 0x58F), (0x590, 0x5FF),
             (0x600, 0x6FF), (0x900, 0x97F), (0xE00, 0xE7F), (0x10A0, 0x10FF), (0x1E00, 0x1EFF), (0x2000, 0x206F),
             (0x2070, 0x209F), (0x2100, 0x218F), (0x2190, 0x23FF), (0x2460, 0x24FF), (0x2600, 0x27BF), (0x3000, 0x30FF),
             (0x4E00, 0x9FA0), (0xAC00, 0xD7A3), (0xFB00, 0xFB4F), (0xFF00, 0xFFEF), (0x10330, 0x1034A),
             (0x1D400, 0x1D7FF), (0x1F300, 0x1F64F), (0x20000, 0x2A6D0), (0x00, 0x1F)]
    out = ""
    while len(out) < rng.randint(1, 40):
        lo, hi = rng.choice(spans)
        for _ in range(rng.randint(1, 6)):
            c = chr(rng.randint(lo, hi))
            # Unassigned characters change class between versions of Unicode.
            if unicodedata.category(c) != "Cn":
                out += c
        if rng.random() < 0.4:
            out += rng.choice([" ", "  ", "'s", ", ", "-", "\n", "a", "9"])
    return out


def main():
    rng = random.Random(7)
    words = " ".join(SENTENCES).split()
    texts = ["", " ", "\n\t ", "a", "'", "''", "x" * 300, "Ab1" * 60, "9" * 90, "木" * 50, "!" * 200, *SENTENCES]
    while len(texts) < 500:
        texts.append(" ".join(rng.choice(words) for _ in range(rng.randint(1, 24))))
    while len(texts) < 760:
        texts.append(junk(rng))
    alphabet = "abcdefghijklmnopqrstuvwxyzABCXYZ'- .,:()0123456789"
    while len(texts) < 1000:
        texts.append("".join(rng.choice(alphabet) for _ in range(rng.randint(1, 80))))
    tok = tokenizer()
    cases = []
    for text in texts:
        ids = tok(text, add_special_tokens=False, truncation=False)["input_ids"]
        padded = tok(text, padding="max_length", max_length=77, truncation=True)["input_ids"]
        want = [49406, *ids[:75]]
        assert padded == want + [49407] * (77 - len(want)), text
        cases.append({"text": text, "ids": ids})
    OUT.parent.mkdir(parents=True, exist_ok=True)
    data = json.dumps(cases, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    OUT.write_bytes(gzip.compress(data, 9, mtime=0))
    print(len(cases), "strings,", OUT.stat().st_size, "bytes")


main()

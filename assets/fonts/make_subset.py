#!/usr/bin/env python3
"""Makes the Chinese subset fonts that the studio bundles.

Source: NotoSansCJK-Regular.ttc and NotoSansCJK-Bold.ttc of Debian's
fonts-noto-cjk (SIL Open Font License 1.1), face "Noto Sans CJK SC".

The subsets hold the characters of the translations and of the ready phrases, the 3755 most common
Chinese characters (level 1 of GB 2312), words of building and design, CJK punctuation and full-width forms.
They hold no Latin letters on purpose: the studio's theme asks this font first and
falls back to Fyne's Noto Sans, so Latin and Chinese text come from matching
families whatever the language of the window. Ascent and descent are set to
those of Noto Sans so that mixed lines share one baseline.

The regular one gets quadratic outlines (TrueType), since the library that writes PDF
files embeds no others.

Needs python3-fonttools and fonts-noto-cjk:
    python3 assets/fonts/make_subset.py
"""
import json
import pathlib

from fontTools import subset
from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTCollection, TTFont, newTable

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = pathlib.Path("/usr/share/fonts/opentype/noto")
# Words of building and design beyond the most common characters.
EXTRA = "檐榫卯斗拱椽檩枋藻棂楣榭庑阙穹甍牖扉轩阁寮墀砌瓴瓦琉璃釉瓷陶胚坯砖砼钛铝铬镍锌铜铂鎏锻铸焊铆榉榆柚槭桦橡樱藤柳竹亚麻绒缎绢纱釉彩靛绛黛赭褐橙粉紫翡琥珀"
# Noto Sans' hhea values, in thousandths of the em, as Noto Sans CJK counts them.
ASCENT, DESCENT = 1069, -293


def wanted() -> set[int]:
    chars = set()
    for row in range(0xB0, 0xD8):  # GB 2312, level 1
        for cell in range(0xA1, 0xFF):
            try:
                chars.add(bytes([row, cell]).decode("gb2312"))
            except UnicodeDecodeError:
                pass
    for path in (HERE.parent / "translations").glob("*.json"):
        for text in json.loads(path.read_text("utf-8")).values():
            chars.update(text if isinstance(text, str) else "".join(text.values()))
    chars.update((HERE.parent / "phrases" / "phrases.json").read_text("utf-8"))
    points = {ord(c) for c in chars} | {ord(c) for c in EXTRA}
    points.update(range(0x3000, 0x3020))  # CJK punctuation
    points.update(range(0xFF01, 0xFF5F))  # full-width forms
    points.add(0xFFE5)
    # Fyne's text shaper leaves a space in the run, and so in the font, of the character before it.
    return {p for p in points if p >= 0x2E80} | {0x20, 0xA0}


def to_truetype(font: TTFont) -> None:
    """Replaces the cubic outlines by quadratic ones that are within one unit of 1000."""
    order, drawn, glyphs = font.getGlyphOrder(), font.getGlyphSet(), {}
    for name in order:
        pen = TTGlyphPen(drawn)
        drawn[name].draw(Cu2QuPen(pen, 1.0, reverse_direction=True))
        glyphs[name] = pen.glyph()
    font["loca"], font["glyf"] = newTable("loca"), newTable("glyf")
    font["glyf"].glyphOrder, font["glyf"].glyphs = order, glyphs
    for table in ("CFF ", "VORG"):
        if table in font:
            del font[table]
    maxp = font["maxp"]
    maxp.tableVersion, maxp.maxZones = 0x00010000, 1
    for field in ("maxTwilightPoints", "maxStorage", "maxFunctionDefs", "maxInstructionDefs",
                  "maxStackElements", "maxSizeOfInstructions", "maxComponentElements"):
        setattr(maxp, field, 0)
    font["post"].formatType = 3.0
    font.sfntVersion = "\000\001\000\000"


def main() -> None:
    for weight in ("Regular", "Bold"):
        collection = TTCollection(str(SOURCE / f"NotoSansCJK-{weight}.ttc"))
        font = next(f for f in collection.fonts if f["name"].getDebugName(1) == "Noto Sans CJK SC"
                    or f["name"].getDebugName(16) == "Noto Sans CJK SC")
        options = subset.Options()
        options.layout_features = ["ccmp", "locl"]
        options.hinting = False
        options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]
        options.notdef_outline = True
        s = subset.Subsetter(options)
        s.populate(unicodes=wanted())
        s.subset(font)
        font["hhea"].ascent, font["hhea"].descent, font["hhea"].lineGap = ASCENT, DESCENT, 0
        font["OS/2"].sTypoAscender, font["OS/2"].sTypoDescender, font["OS/2"].sTypoLineGap = ASCENT, DESCENT, 0
        font["OS/2"].usWinAscent, font["OS/2"].usWinDescent = ASCENT, -DESCENT
        ending = "otf"
        if weight == "Regular":
            to_truetype(font)
            ending = "ttf"
        out = HERE / f"NotoSansSC-{weight}-subset.{ending}"
        font.save(out)
        print(out.name, out.stat().st_size, "bytes,", len(font.getBestCmap()), "characters")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Draws the app's icon: a house whose left half is pencil lines and whose right half is built.

Needs Pillow: python3 assets/icons/make_icon.py
"""
import pathlib

from PIL import Image, ImageDraw

S = 4  # drawn at four times the size, then scaled down
SIZE = 512


def pt(x, y):
    return (x * S, y * S)


def main():
    im = Image.new("RGBA", (SIZE * S, SIZE * S), (0, 0, 0, 0))
    d = ImageDraw.Draw(im)
    d.rounded_rectangle([pt(16, 16), pt(496, 496)], radius=104 * S, fill=(34, 37, 43, 255))
    ink, accent = (243, 241, 235, 255), (240, 138, 75, 255)
    dark, light = (201, 104, 46, 255), (255, 184, 132, 255)
    # A cube with a hipped roof, seen from above: the middle vertical edge parts drawing and model.
    top, mid, bottom = pt(256, 92), pt(256, 268), pt(256, 430)
    left_up, left_down = pt(112, 196), pt(112, 346)
    right_up, right_down = pt(400, 196), pt(400, 346)
    d.polygon([mid, right_up, right_down, bottom], fill=accent)
    d.polygon([top, right_up, mid], fill=light)
    d.polygon([pt(300, 292), pt(344, 268), pt(344, 336), pt(300, 362)], fill=dark)
    w = 13 * S

    def line(*points):
        d.line(points, fill=ink, width=w, joint="curve")
        for x, y in points:
            d.ellipse([x - w / 2, y - w / 2, x + w / 2, y + w / 2], fill=ink)

    line(top, left_up, left_down, bottom)
    line(left_up, mid, bottom)
    line(top, mid)
    line(pt(156, 262), pt(206, 290), pt(206, 352), pt(156, 326), pt(156, 262))
    im.resize((SIZE, SIZE), Image.LANCZOS).save(pathlib.Path(__file__).with_name("maquette.png"), optimize=True)


if __name__ == "__main__":
    main()

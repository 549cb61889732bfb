"""Captions: a small grammar over an object's facts. `full` is plain and complete, `varied` is how people may word it."""
from .views import exact

KIND = {
    "vase": ["vase", "flower vase", "pot"], "bottle": ["bottle", "flask"], "mug": ["mug", "cup", "coffee mug"], "bowl": ["bowl", "dish"],
    "teapot": ["teapot", "tea pot", "kettle"], "jug": ["jug", "pitcher"], "table lamp": ["table lamp", "lamp", "bedside lamp"],
    "floor lamp": ["floor lamp", "standing lamp", "lamp"], "desk lamp": ["desk lamp", "reading lamp", "lamp"],
    "speaker": ["speaker", "loudspeaker"], "camera": ["camera", "photo camera"], "radio": ["radio"], "chair": ["chair", "dining chair"],
    "stool": ["stool", "bar stool"], "table": ["table", "desk", "coffee table"], "sofa": ["sofa", "couch"], "armchair": ["armchair", "easy chair"],
    "bookcase": ["bookcase", "bookshelf", "shelf"], "cupboard": ["cupboard", "cabinet", "sideboard", "dresser"],
    "house": ["house", "home", "cottage"], "building": ["building", "apartment building", "block of flats"],
    "office building": ["office building", "office block", "offices"],
    "tower": ["tower", "high-rise", "skyscraper", "tower block"], "facade": ["facade", "building facade", "house front"],
}
COLOUR = {"grey": ["grey", "gray"], "purple": ["purple", "violet"], "teal": ["teal", "turquoise"], "beige": ["beige", "cream"]}
MATERIAL = {
    "matte": ["matte", "matt"], "glossy": ["glossy", "shiny", "ceramic"], "metal": ["metal", "metallic", "steel"], "glass": ["glass", "transparent glass"],
    "wooden": ["wooden", "wood", "timber"], "brick": ["brick"], "concrete": ["concrete"], "stone": ["stone"], "plaster": ["plaster", "stucco", "rendered"],
    "tile": ["tile", "tiled", "ceramic tile"],
    "fabric": ["fabric", "upholstered", "cloth"],
}
VIEW = {
    "front": ["front view", "seen from the front", "frontal view"], "three-quarter left": ["three-quarter left view", "seen from the front left"],
    "three-quarter right": ["three-quarter right view", "seen from the front right"], "side left": ["side left view", "left side view", "seen from the left"],
    "side right": ["side right view", "right side view", "seen from the right"], "back": ["back view", "rear view", "seen from behind"],
    "top": ["top view", "seen from above", "high angle view"],
    "back three-quarter left": ["back three-quarter left view", "seen from behind left"],
    "back three-quarter right": ["back three-quarter right view", "seen from behind right"],
}
LIGHT = {
    "sunny noon": ["sunny noon", "bright sunlight", "midday sun", "sunny day"], "evening light": ["evening light", "at sunset", "golden hour", "at dusk"],
    "night with lit windows": ["night with lit windows", "at night", "night scene"], "overcast": ["overcast", "overcast sky", "cloudy day"],
    "winter with snow": ["winter with snow", "snowy winter", "in the snow"], "autumn": ["autumn", "autumn day", "in the fall"],
}
EXTRA = ["concept image", "product photo", "studio light", "render", "concept art", "simple background", "clean design"]


def article(words):
    return ("an " if words[0] in "aeiou" else "a ") + words


def view_words(facts):
    """The plain words for the camera: the named view, and for a camera on the grid its azimuth and elevation."""
    words = VIEW[facts["view"]][0]
    return f"{words}, {exact(facts['azimuth'], facts['elevation'])}" if facts["exact"] else words


def background(facts):
    return f"{facts['ground']} background"


def full(facts):
    """Complete caption in fixed order; `facts` has kind, colour, material, details, view, azimuth, elevation, exact, light, ground."""
    text = article(f"{facts['colour']} {facts['material']} {facts['kind']}")
    if facts["details"]:
        text += " with " + " and ".join(facts["details"])
    return ", ".join([text, view_words(facts), *([facts["light"]] if facts["light"] else []), background(facts)])


def varied(facts, rng, view_odds=0.8):
    """One of many wordings: synonyms, other order, parts left out; `rng` is a numpy RandomState."""
    pick = lambda words: words[rng.randint(60) % len(words)] if rng.rand() < 0.5 else words[0]
    maybe = lambda p: rng.rand() < p
    colour = pick(COLOUR.get(facts["colour"], [facts["colour"]])) if maybe(0.92) else ""
    material = pick(MATERIAL[facts["material"]]) if maybe(0.85) else ""
    kind = pick(KIND[facts["kind"]]) if maybe(0.95) else "object"
    details = [d for d in facts["details"] if maybe(0.75)]
    if maybe(0.25):
        details = details[::-1]
    words = [w for w in ((material, colour) if maybe(0.25) else (colour, material)) if w]
    if words and maybe(0.12):
        parts = [article(kind), *words]
        head = parts[0] + ", " + ", ".join(parts[1:])
    else:
        head = " ".join([*words, kind])
        if maybe(0.8):
            head = article(head)
    if details:
        head += (" with " if maybe(0.8) else ", ") + (" and " if maybe(0.6) else ", ").join(details)
    tail = []
    if maybe(view_odds):
        named, grid, draw = pick(VIEW[facts["view"]]), exact(facts["azimuth"], facts["elevation"]), rng.rand()
        tail += [named] if not facts["exact"] or draw < 0.25 else [grid] if draw < 0.6 else [named, grid]
    if facts["light"] and maybe(0.9):
        tail.append(pick(LIGHT[facts["light"]]))
    if maybe(0.5):
        tail.append(background(facts) if maybe(0.7) else f"on a {background(facts)}")
    if maybe(0.15):
        tail.append(EXTRA[rng.randint(len(EXTRA))])
    if maybe(0.2):
        rng.shuffle(tail)
    if tail and maybe(0.1):
        return ", ".join([tail[0], head, *tail[1:]])
    return ", ".join([head, *tail])


def vocabulary():
    """Texts that together contain every word the grammar can say, and a few harmless ones."""
    from .palette import COLOURS
    from .light import GROUNDS

    lists = list(KIND.values()) + list(COLOUR.values()) + list(MATERIAL.values()) + list(VIEW.values()) + list(LIGHT.values()) + [EXTRA]
    texts = [w for words in lists for w in words] + list(COLOURS) + list(GROUNDS) + ["sky"]
    texts += ["a an the with and , . on of object background", "no one two three four five six seven eight nine ten floor floors"]
    texts += ["stripe label cap lid contrasting inside shade legs round top books doors drawers cushions carrying handle door roof",
              "gable roof chimney porch balconies cornice shop on the ground floor arcade setback canopy curtain wall ribbon windows",
              "azimuth elevation degrees 0 1 2 3 4 5 6 7 8 9", "sun shade cloud rain morning day spring summer warm cold dark bright"]
    return texts

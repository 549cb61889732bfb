"""Tests of what needs only NumPy and SciPy: scenes, captions, view words, drawings, measures. `python3 -m unittest test_scene` here."""
import unittest

import numpy as np

import accents
import agreement
import data
import hints
import metrics
from scene import captions, light, views
from scene.objects import GROUPS, KINDS, make
from scene.render import CANNY, OUTLINE, SIZE, Camera, render


def picture(kind, azimuth=40, elevation=20, seed=1, scene=None):
    rng = np.random.RandomState(seed)
    thing = make(rng, kind)
    camera = Camera(thing, azimuth, elevation, 0.8, (0, 0))
    scene = scene or light.studio(rng)
    frame = render(thing, camera, scene)
    place = {k: np.asarray(getattr(camera, k)).tolist() for k in ("origin", "forward", "right", "up", "tan")}
    return {**data.facts_of(thing, azimuth, elevation, True, scene, 0), "camera": place, "reach": frame.reach}, frame.rgb, frame.depth, frame.lines


class Scenes(unittest.TestCase):
    def test_every_class_shows_something(self):
        self.assertGreaterEqual(len(KINDS), 24)
        self.assertEqual(len(GROUPS), 4)
        for kind in KINDS:
            with self.subTest(kind):
                facts, rgb, depth, lines = picture(kind)
                self.assertEqual((rgb.shape, depth.shape, lines.shape), ((SIZE, SIZE, 3), (SIZE, SIZE), (SIZE, SIZE)))
                self.assertEqual(facts["kind"], kind)
                covered = (depth > 0).mean()
                self.assertTrue(0.02 < covered < 0.85, f"the object covers {covered:.2f} of the picture")
                self.assertGreaterEqual(depth[depth > 0].min(), 50)
                edge = depth[1:] > 0
                edge = edge != (depth[:-1] > 0)
                self.assertTrue(((lines[1:] & OUTLINE) > 0)[edge].all(), "a silhouette without a line")

    def test_normals_and_second_colours(self):
        rng = np.random.RandomState(1)
        thing = make(rng, "house")
        frame = render(thing, Camera(thing, 40, 20, 0.8, (0, 0)), light.studio(rng))
        np.testing.assert_array_equal(frame.mask, frame.depth > 0)
        n = frame.normal[frame.mask].astype(float) / 127.5 - 1
        np.testing.assert_allclose(np.linalg.norm(n, axis=1), 1, atol=0.02)
        self.assertGreater((n[:, 2] > 0).mean(), 0.99, "normals point away from the camera")
        self.assertTrue((frame.normal[~frame.mask] == 128).all())
        surface = next(part for _, what, part in thing.accents if what == "roof")
        roof, wall = frame.part == surface, frame.part == 0
        self.assertGreater(roof.sum(), 500)
        self.assertLess(np.nonzero(roof)[0].mean(), np.nonzero(wall)[0].mean(), "the roof is not above the walls")

    def test_a_seed_repeats(self):
        for a, b in zip(picture("teapot", seed=3)[1:], picture("teapot", seed=3)[1:]):
            np.testing.assert_array_equal(a, b)

    def test_light_changes_a_building(self):
        rng = np.random.RandomState(0)
        shown = {word: picture("house", seed=2, scene=light.outdoors(rng, word)) for word in light.LIGHTS}
        mask = shown["sunny noon"][2] > 0
        mean = {word: p[1][mask].mean(0) for word, p in shown.items()}
        self.assertGreater(mean["sunny noon"].mean(), 1.5 * mean["night with lit windows"].mean())
        self.assertGreater(mean["evening light"][0] / mean["evening light"][2], mean["overcast"][0] / mean["overcast"][2])
        self.assertGreater(mean["winter with snow"].mean(), mean["overcast"].mean())
        night = shown["night with lit windows"][1][mask]
        self.assertTrue(((night[:, 0] > 200) & (night[:, 2] < 160)).any(), "no window is lit")


class Words(unittest.TestCase):
    def test_names_of_cameras(self):
        for name, (azimuth, elevation) in views.VIEWS.items():
            self.assertEqual(views.name_of(azimuth, elevation), name)
        self.assertEqual([views.name_of(45 * k, 15) for k in range(8)], list(views.SECTORS))
        self.assertEqual(views.name_of(359, 10), "front")
        self.assertEqual(views.exact(352.6, 14), "azimuth 0 degrees, elevation 15 degrees")
        self.assertEqual(views.exact(44, 88), "azimuth 45 degrees, elevation 75 degrees")

    def test_exact_cameras_stay_near_the_grid(self):
        rng = np.random.RandomState(0)
        for _ in range(200):
            azimuth, elevation = views.exact_camera(rng)
            a, e = views.nearest(azimuth, elevation)
            self.assertLess(abs((azimuth - a + 180) % 360 - 180), 3.01)
            self.assertLess(abs(elevation - e), 3.01)

    def test_captions(self):
        rng = np.random.RandomState(0)
        known = set(" ".join(captions.vocabulary()).replace(",", " ").split())
        for number, (thing, (azimuth, elevation, on_grid), scene, _, _) in enumerate(data.training(rng, 200)):
            facts = data.facts_of(thing, azimuth, elevation, on_grid, scene, number)
            text = captions.full(facts)
            for part in (facts["colour"], facts["material"], facts["kind"], facts["light"], captions.VIEW[facts["view"]][0]):
                self.assertIn(part, text)
            for other in (text, captions.varied(facts, rng)):
                strange = {w for w in other.replace(",", " ").split() if w not in known and not w.isdigit()}
                self.assertFalse(strange, f"not in the vocabulary: {strange} of {other!r}")

    def test_training_comes_in_groups(self):
        for number in (0, 1, 2):
            rows = list(data.training(np.random.RandomState(number), 8))
            self.assertIs(rows[0][0], rows[data.GROUP - 1][0])
            self.assertIsNot(rows[0][0], rows[data.GROUP][0])
            spots = {views.nearest(*r[1][:2]) for r in rows[: data.GROUP]}
            self.assertTrue(rows[0][0].frontal or len(spots) == data.GROUP)


class Drawings(unittest.TestCase):
    def test_hints_follow_the_lines(self):
        facts, rgb, depth, lines = picture("armchair")
        truth = hints.test_lines(lines, np.random.RandomState(0))
        rng = np.random.RandomState(0)
        for k in range(40):
            hint = hints.lines(lines, rng, depth)
            self.assertEqual((hint.shape, hint.dtype), ((SIZE, SIZE), np.float32))
            self.assertTrue(0 <= hint.min() and hint.max() <= 1)
            drawn = hint > 0.2
            self.assertTrue(0.002 < drawn.mean() < 0.4, f"{drawn.mean():.3f} of hint {k} is drawn")
        sketch = hints.test_sketch(lines, np.random.RandomState(1), depth)
        near = hints.ndimage.distance_transform_edt(sketch < 0.2) <= 6
        self.assertGreater(near[truth].mean(), 0.85)

    def test_overshoot_lengthens_straight_strokes_only(self):
        line = np.zeros((SIZE, SIZE), bool)
        line[100, 50:90] = True
        line[np.arange(150, 200), np.arange(150, 200)] = True
        out = hints.overshoot(line, 5)
        self.assertEqual(np.nonzero(out[100])[0].tolist(), list(range(45, 95)))
        self.assertEqual(out[140:].sum(), line[140:].sum())


class Measures(unittest.TestCase):
    def test_the_truth_scores_well(self):
        facts, rgb, depth, lines = picture("mug")
        precision, recall, f1 = metrics.edge_scores(rgb, (lines & CANNY) > 0)
        self.assertGreater(f1, 0.95)
        self.assertEqual(metrics.colour_distance(rgb, rgb, depth > 0), 0)
        self.assertAlmostEqual(np.linalg.norm(metrics.to_lab([255, 255, 255]) - [100, 0, 0]), 0, delta=0.1)

    def test_second_colours(self):
        class cases:
            records = [{"accent": w} for w in ("red", "red", "blue", "blue", "", "red")]
            accent = np.zeros((6, 20, 20), bool)

        cases.accent[:, :8, :8] = True
        cases.accent[5] = False
        true = np.array([[200, 30, 30], [190, 40, 35], [30, 40, 200], [35, 30, 190], [9, 9, 9], [9, 9, 9]], np.uint8)[:, None, None].repeat(20, 1).repeat(20, 2)
        self.assertEqual(accents.seen(cases), [0, 1, 2, 3])
        self.assertEqual(accents.share_right(true, cases, true, cases), 1)
        wrong = true.copy()
        wrong[0] = true[2]
        self.assertEqual(accents.share_right(wrong, cases, true, cases), 0.75)

    def test_warping_one_view_to_another(self):
        a, b = picture("house", azimuth=30, elevation=15), picture("house", azimuth=45, elevation=15)
        moved, both = agreement.warp(a[1], a[0], a[2], b[0], b[2])
        self.assertGreater(both.sum(), 0.5 * (b[2] > 0).sum())
        self.assertLess(np.abs(moved[both] - b[1][both]).mean(), np.abs(a[1][both].astype(float) - b[1][both]).mean() / 2)
        self.assertGreater(agreement.masked_ssim(moved, b[1], both), agreement.masked_ssim(a[1].astype(np.float32), b[1], both) + 0.2)
        same = agreement.scores([a[1], b[1]], [a[0], b[0]], [a[2], b[2]])
        wrong = agreement.scores([a[1], 255 - b[1]], [a[0], b[0]], [a[2], b[2]])
        self.assertLess(same["colour"], wrong["colour"])
        self.assertGreater(same["ssim"], wrong["ssim"])


if __name__ == "__main__":
    unittest.main()

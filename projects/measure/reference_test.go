package measure

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// reference is what testdata/make_fixtures.py writes.
type reference struct {
	SSIM struct {
		Width, Height int
		A, B, Map     []float64
	}
	Colours struct {
		RGB      [][2][3]float64
		Lab      [][2]Lab
		Pairs    [][2]Lab
		Distance []float64
	}
	Distributions []struct {
		X, Y     Features
		FID, KID float64
	}
	Inception struct {
		Logits Features
		Score  float64
	}
	Quantiles struct {
		Values []float64
		Q      [][2]float64
	}
}

func load(t *testing.T) reference {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "reference.json"))
	if err != nil {
		t.Fatal(err)
	}
	var r reference
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// Where the whole window lies in the picture, skimage's map has the same values.
func TestSSIMIsScikitImages(t *testing.T) {
	r := load(t).SSIM
	weight := make([]float64, len(r.A))
	for i := range weight {
		weight[i] = 1
	}
	got, support := ssimMap(r.A, r.B, weight, r.Width, r.Height)
	count := 0
	for i, want := range r.Map {
		x, y := i%r.Width, i/r.Width
		if x < ssimReach || y < ssimReach || x >= r.Width-ssimReach || y >= r.Height-ssimReach {
			continue
		}
		count++
		if math.Abs(got[i]-want) > 1e-6 || math.Abs(support[i]-1) > 1e-9 {
			t.Fatalf("at %d,%d: %g with support %g, want %g", x, y, got[i], support[i], want)
		}
	}
	if count != 14*10 {
		t.Errorf("%d values were compared", count)
	}
	// What is masked out has no influence.
	a := append([]float64(nil), r.A...)
	for i := range a {
		if i%r.Width < 8 {
			weight[i], a[i] = 0, 255-a[i]
		}
	}
	one, _ := ssimMap(r.A, r.B, weight, r.Width, r.Height)
	two, support := ssimMap(a, r.B, weight, r.Width, r.Height)
	for i := range one {
		if one[i] != two[i] {
			t.Fatalf("a masked pixel changes the similarity at %d", i)
		}
		if x := i % r.Width; x < 8-ssimReach && support[i] != 0 {
			t.Fatalf("support %g where all is masked", support[i])
		}
	}
}

func TestColoursAreScikitImages(t *testing.T) {
	r := load(t).Colours
	for i, pair := range r.RGB {
		for k, c := range pair {
			got := LabOf(c[0], c[1], c[2])
			for j := range got {
				if math.Abs(got[j]-r.Lab[i][k][j]) > 2e-3 {
					t.Errorf("Lab of %v is %v, want %v", c, got, r.Lab[i][k])
					break
				}
			}
		}
	}
	if len(r.Pairs) != 45 {
		t.Fatalf("%d pairs", len(r.Pairs))
	}
	for i, p := range r.Pairs {
		if got := ColourDistance(p[0], p[1]); math.Abs(got-r.Distance[i]) > 1e-6 {
			t.Errorf("the distance of %v is %g, want %g", p, got, r.Distance[i])
		}
		if a, b := ColourDistance(p[0], p[1]), ColourDistance(p[1], p[0]); math.Abs(a-b) > 1e-9 {
			t.Errorf("the distance of %v depends on the order", p)
		}
	}
	// A pair of Sharma, Wu and Dalal's table.
	if d := ColourDistance(Lab{50, 2.6772, -79.7751}, Lab{50, 0, -82.7485}); math.Abs(d-2.0425) > 5e-5 {
		t.Errorf("the paper's first pair is %g apart, want 2.0425", d)
	}
}

func TestDistributionsAreScipys(t *testing.T) {
	ctx := context.Background()
	for i, d := range load(t).Distributions {
		got, err := FID(ctx, d.X, d.Y)
		if err != nil || math.Abs(got-d.FID) > 1e-6*d.FID {
			t.Errorf("%d: FID %.9g, %v, want %.9g", i, got, err, d.FID)
		}
		if back, err := FID(ctx, d.Y, d.X); err != nil || math.Abs(back-d.FID) > 1e-6*d.FID {
			t.Errorf("%d: FID the other way round %.9g, %v", i, back, err)
		}
		if self, err := FID(ctx, d.X, d.X); err != nil || self > 1e-6 {
			t.Errorf("%d: FID of the same %g, %v", i, self, err)
		}
		kid, err := KID(ctx, d.X, d.Y)
		if err != nil || math.Abs(kid.Mean-d.KID) > 1e-9*math.Abs(d.KID) {
			t.Errorf("%d: KID %.9g, %v, want %.9g", i, kid.Mean, err, d.KID)
		}
		if kid.Low == nil || *kid.Low >= kid.Mean || *kid.High <= kid.Mean {
			t.Errorf("%d: KID's interval %+v", i, kid)
		}
	}
}

func TestInceptionScoreIsNumpys(t *testing.T) {
	r := load(t).Inception
	got, err := InceptionScore(r.Logits)
	if err != nil || math.Abs(got.Mean-r.Score) > 1e-6 {
		t.Errorf("%g, %v, want %g", got.Mean, err, r.Score)
	}
	same := Features{{1, 2, 3}, {1, 2, 3}}
	if one, err := InceptionScore(same); err != nil || math.Abs(one.Mean-1) > 1e-9 {
		t.Errorf("equal pictures score %g, %v, want 1", one.Mean, err)
	}
}

func TestNonsenseIsRefused(t *testing.T) {
	ctx := context.Background()
	good := Features{{1, 2}, {3, 5}, {2, 2}}
	for name, bad := range map[string]Features{
		"none": nil, "one": {{1, 2}}, "empty": {{}, {}}, "ragged": {{1, 2}, {1}}, "wider": {{1, 2, 3}, {1, 2, 4}},
		"not a number": {{1, 2}, {float32(math.NaN()), 1}},
	} {
		if _, err := FID(ctx, good, bad); err == nil {
			t.Errorf("FID: %s is accepted", name)
		}
		if _, err := KID(ctx, bad, good); err == nil {
			t.Errorf("KID: %s is accepted", name)
		}
	}
	if _, err := InceptionScore(nil); err == nil {
		t.Error("a score of nothing")
	}
	done, stop := context.WithCancel(ctx)
	stop()
	if _, err := FID(done, good, good); !errors.Is(err, context.Canceled) {
		t.Errorf("FID, cancelled: %v", err)
	}
	if _, err := KID(done, good, good); !errors.Is(err, context.Canceled) {
		t.Errorf("KID, cancelled: %v", err)
	}
}

func TestQuantilesAreNumpys(t *testing.T) {
	r := load(t).Quantiles
	for _, q := range r.Q {
		if got := quantile(r.Values, q[0]); math.Abs(got-q[1]) > 1e-12 {
			t.Errorf("quantile %g is %g, want %g", q[0], got, q[1])
		}
	}
}

// The interval of a mean is close to the normal one, and always the same.
func TestBootstrap(t *testing.T) {
	var values []float64
	for i := range 200 {
		values = append(values, math.Sin(float64(i)*1.7))
	}
	got := Bootstrap(values)
	mean, square := 0., 0.
	for _, v := range values {
		mean, square = mean+v/200, square+v*v/200
	}
	reach := 1.96 * math.Sqrt((square-mean*mean)/200)
	if got.N != 200 || math.Abs(got.Mean-mean) > 1e-12 || math.Abs(*got.Low-(mean-reach)) > .1*reach || math.Abs(*got.High-(mean+reach)) > .1*reach {
		t.Errorf("%g [%g, %g], want %g ± %g", got.Mean, *got.Low, *got.High, mean, reach)
	}
	if again := Bootstrap(values); *again.Low != *got.Low || *again.High != *got.High {
		t.Error("the interval differs from run to run")
	}
	if one := Bootstrap([]float64{3}); one.N != 1 || one.Mean != 3 || one.Low != nil {
		t.Errorf("of one value: %+v", one)
	}
	if none := Bootstrap(nil); none.N != 0 {
		t.Errorf("of none: %+v", none)
	}
}

func TestCosine(t *testing.T) {
	if c := Cosine([]float32{1, 2, 2}, []float32{2, 4, 4}); math.Abs(c-1) > 1e-9 {
		t.Errorf("parallel: %g", c)
	}
	if c := Cosine([]float32{1, 0}, []float32{0, 3}); c != 0 {
		t.Errorf("at right angles: %g", c)
	}
	if c := Cosine([]float32{0}, []float32{3}); c != 0 {
		t.Errorf("of nothing: %g", c)
	}
}

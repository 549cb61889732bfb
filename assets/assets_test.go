package assets

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"image/png"
	"testing"
)

func TestSamplesAreComplete(t *testing.T) {
	list, err := SampleList()
	if err != nil {
		t.Fatal(err)
	}
	if len(list) == 0 {
		t.Fatal("there are no samples")
	}
	for _, s := range list {
		if s.Name == "" || s.Prompt == "" {
			t.Errorf("sample %q lacks a name or a prompt", s.ID)
		}
		f, err := Samples().Open(s.ID + ".png")
		if err != nil {
			t.Error(err)
			continue
		}
		cfg, err := png.DecodeConfig(f)
		_ = f.Close()
		if err != nil || cfg.Width != 1024 || cfg.Height != 1024 {
			t.Errorf("%s.png: %d×%d, %v", s.ID, cfg.Width, cfg.Height, err)
		}
	}
}

func TestStarterIsTheArchiveOfItsHash(t *testing.T) {
	archive, want := Starter()
	sum := sha256.Sum256(archive)
	if got := hex.EncodeToString(sum[:]); got != want {
		t.Fatalf("the starter's SHA-256 is %s, its file says %s", got, want)
	}
	if len(archive) > 48<<20 {
		t.Fatalf("the starter has %d bytes, more than 48 MiB", len(archive))
	}
}

func TestMergesAreCLIPs(t *testing.T) {
	if n := bytes.Count(CLIPMerges(), []byte("\n")); n < 48894 {
		t.Fatalf("%d lines of merges, want at least 48894", n)
	}
}

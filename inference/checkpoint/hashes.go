package checkpoint

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// Hashes are the names that programs give to the content of a model file.
type Hashes struct {
	// SHA256 is that of the file; its first ten digits are AUTOMATIC1111's model
	// hash, which Civitai calls AutoV2.
	SHA256 string `json:"sha256"`
	// Weights is the SHA-256 of a .safetensors file behind its header, which stays
	// when metadata change; its first twelve digits are AutoV3, by which LoRAs are
	// named. Empty for other files.
	Weights string `json:"weights_sha256,omitempty"`
	// Old is AUTOMATIC1111's model hash until 2022, of 64 kB of the file, AutoV1.
	Old string `json:"autov1,omitempty"`
}

const (
	oldHashAt   = 0x100000
	oldHashSize = 0x10000
	// minHash is how many digits tell a hash at least.
	minHash = 8
)

// NormalHash brings a hash that a person or a program wrote into lower case
// without "0x". Errors: one that isn't 8 to 64 hexadecimal digits.
func NormalHash(hash string) (string, error) {
	h := strings.TrimPrefix(strings.ToLower(strings.TrimSpace(hash)), "0x")
	if len(h) < minHash || len(h) > 64 || strings.Trim(h, "0123456789abcdef") != "" {
		return "", fmt.Errorf("%.80q is not a model's hash: 8 to 64 hexadecimal digits", hash)
	}
	return h, nil
}

// Match reports whether a hash, as NormalHash gives it, names the file: by the
// beginning of SHA256 or Weights, or by Old.
func (h Hashes) Match(hash string) bool {
	return len(hash) >= minHash && (strings.HasPrefix(h.SHA256, hash) || strings.HasPrefix(h.Weights, hash) || h.Old != "" && h.Old == hash)
}

// HashFile computes the hashes of a model file in one pass. progress, which may
// be nil, is told of the bytes that were read.
func HashFile(ctx context.Context, path string, progress func(done, total int64)) (Hashes, error) {
	fail := func(err error) (Hashes, error) { return Hashes{}, fmt.Errorf("hashing %s: %w", path, err) }
	f, err := os.Open(path)
	if err != nil {
		return Hashes{}, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return fail(err)
	}
	if !st.Mode().IsRegular() {
		return fail(errors.New("it is not a file"))
	}
	out := Hashes{}
	if out.Old, err = oldHash(f); err != nil {
		return fail(err)
	}
	whole, weights := sha256.New(), sha256.New()
	behind := int64(-1) // where the weights begin
	var head [8]byte
	if n, err := f.ReadAt(head[:], 0); n == len(head) && strings.HasSuffix(strings.ToLower(path), ".safetensors") {
		if length := binary.LittleEndian.Uint64(head[:]); length <= formatMaxHeader {
			behind = 8 + int64(length)
		}
	} else if err != nil && !errors.Is(err, io.EOF) {
		return fail(err)
	}
	buf := make([]byte, 1<<20)
	for at := int64(0); ; {
		if err := ctx.Err(); err != nil {
			return fail(err)
		}
		n, err := f.Read(buf)
		whole.Write(buf[:n])
		if from := max(behind-at, 0); behind >= 0 && from < int64(n) {
			weights.Write(buf[from:n])
		}
		at += int64(n)
		if progress != nil {
			progress(at, st.Size())
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fail(err)
		}
	}
	out.SHA256 = hex.EncodeToString(whole.Sum(nil))
	if behind >= 0 {
		out.Weights = hex.EncodeToString(weights.Sum(nil))
	}
	return out, nil
}

// OldHash is Hashes.Old of a file, of which 64 kB are read.
func OldHash(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return oldHash(f)
}

func oldHash(r io.ReaderAt) (string, error) {
	part := make([]byte, oldHashSize)
	n, err := r.ReadAt(part, oldHashAt)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	sum := sha256.Sum256(part[:n])
	return hex.EncodeToString(sum[:])[:8], nil
}

// DeclaredHash is the hash of its weights that a file's metadata claim, as kohya
// and modelspec write it; "" if they don't. It may be wrong.
func (f *File) DeclaredHash() string {
	for _, key := range []string{"sshs_model_hash", "modelspec.hash_sha256"} {
		if h, err := NormalHash(f.Metadata[key]); err == nil {
			return h
		}
	}
	return ""
}

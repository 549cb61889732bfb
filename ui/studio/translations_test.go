package studio

import (
	"cmp"
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"maquette/assets"
	"maquette/control"
)

// With -write-english the test writes en.json anew from the texts in the code:
//
//	go test ./ui/studio -run TestTranslationsAreComplete -write-english
var writeEnglish = flag.Bool("write-english", false, "write assets/translations/en.json")

// usedTexts collects every English text that the window translates: the first
// arguments of lang.L, lang.N and of functions called tr, the menus and titles of the
// commands, and what extractors and samples declare. Texts map to where they are.
func usedTexts(t *testing.T) map[string]string {
	t.Helper()
	used := map[string]string{}
	files := token.NewFileSet()
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				if isTranslator(n.Fun) && len(n.Args) > 0 {
					addLiteral(used, n.Args[0], files)
				}
			case *ast.KeyValueExpr:
				if key, ok := n.Key.(*ast.Ident); ok && f.Name.Name == "studio" && (key.Name == "menu" || key.Name == "title") {
					addLiteral(used, n.Value, files)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range control.Extractors() {
		from := "control kind " + string(e.Kind())
		used[e.Label()], used[e.Help()] = from, from
		for _, p := range e.Params() {
			used[p.Label], used[p.Help] = from, from
		}
	}
	samples, err := assets.SampleList()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range samples {
		used[s.Name] = "samples"
	}
	delete(used, "")
	return used
}

func isTranslator(fun ast.Expr) bool {
	switch fun := fun.(type) {
	case *ast.SelectorExpr:
		pkg, ok := fun.X.(*ast.Ident)
		return ok && pkg.Name == "lang" && (fun.Sel.Name == "L" || fun.Sel.Name == "N") || fun.Sel.Name == "tr"
	case *ast.Ident:
		return fun.Name == "tr"
	}
	return false
}

func addLiteral(used map[string]string, e ast.Expr, files *token.FileSet) {
	if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
		if text, err := strconv.Unquote(lit.Value); err == nil {
			used[text] = files.Position(lit.Pos()).String()
		}
	}
}

// fyneTexts are the texts of Fyne's own dialogs that the window can show.
func fyneTexts() []string {
	return []string{"Advanced", "Cancel", "Confirm", "Copy", "Create Folder", "Cut", "Enter filename", "Error", "Favourites",
		"File", "Folder", "New Folder", "No", "OK", "Open", "Paste", "Quit", "Redo", "Save", "Select all", "Show Hidden Files", "Undo", "Yes"}
}

// plurals are the texts that count something, with their singular.
func plurals() map[string]string {
	return map[string]string{"{{.Count}} concepts": "{{.Count}} concept"}
}

// fyneKeys are texts of Fyne that have a key of their own, with their English.
func fyneKeys() map[string]string {
	return map[string]string{"file.name": "Name", "file.parent": "Parent"}
}

func texts(t *testing.T, file string) map[string]string {
	t.Helper()
	data, err := fs.ReadFile(assets.Translations(), file)
	if err != nil {
		t.Fatal(err)
	}
	var raw map[string]any
	if err := json.Unmarshal(data, &raw); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	m := map[string]string{}
	for text, translation := range raw {
		switch v := translation.(type) {
		case string:
			m[text] = v
		case map[string]any: // a plural
			m[text], _ = v["other"].(string)
		}
	}
	return m
}

func TestTranslationsAreComplete(t *testing.T) {
	used := usedTexts(t)
	if len(used) < 150 {
		t.Fatalf("found only %d texts in the code: the scan is broken", len(used))
	}
	for _, text := range fyneTexts() {
		if _, ok := used[text]; !ok {
			used[text] = "Fyne"
		}
	}
	for key := range fyneKeys() {
		used[key] = "Fyne"
	}
	if *writeEnglish {
		english := map[string]any{}
		for text := range used {
			english[text] = text
		}
		for text, singular := range plurals() {
			english[text] = map[string]string{"one": singular, "other": text}
		}
		for key, text := range fyneKeys() {
			english[key] = text
		}
		data, err := json.MarshalIndent(english, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		data = []byte(strings.NewReplacer(`\u0026`, "&", `\u003c`, "<", `\u003e`, ">").Replace(string(data)))
		if err := os.WriteFile("../../assets/translations/en.json", append(data, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// Keys of go-i18n's own message format can't be texts.
	for _, word := range []string{"id", "description", "hash", "leftdelim", "rightdelim", "zero", "one", "two", "few", "many", "other"} {
		for text := range used {
			if strings.EqualFold(text, word) {
				t.Errorf("%s: %q is a word of the format of translations; choose another text", used[text], text)
			}
		}
	}
	for _, file := range []string{"en.json", "zh.json"} {
		have := texts(t, file)
		for _, text := range slices.Sorted(maps.Keys(used)) {
			got := have[text]
			if got == "" {
				t.Errorf("%s lacks %q (%s)", file, text, used[text])
				continue
			}
			if a, b := fields(text), fields(got); !slices.Equal(a, b) {
				t.Errorf("%s: %q has the fields %v, its translation %v", file, text, a, b)
			}
			if want := cmp.Or(fyneKeys()[text], text); file == "en.json" && got != want {
				t.Errorf("en.json says %q for %q", got, text)
			}
		}
		for text := range have {
			if _, ok := used[text]; !ok {
				t.Errorf("%s translates %q, which nothing uses", file, text)
			}
		}
	}
}

// fields returns the sorted placeholders of a text.
func fields(text string) []string {
	var found []string
	for rest := text; ; {
		i := strings.Index(rest, "{{")
		j := strings.Index(rest, "}}")
		if i < 0 || j < i {
			slices.Sort(found)
			return found
		}
		found = append(found, rest[i:j+2])
		rest = rest[j+2:]
	}
}

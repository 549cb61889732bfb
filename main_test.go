package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestMetadata compares the program's description with FyneApp.toml.
func TestMetadata(t *testing.T) {
	data, err := os.ReadFile("FyneApp.toml")
	if err != nil {
		t.Fatal(err)
	}
	m := metadata()
	for _, want := range []string{
		fmt.Sprintf("ID = %q\n", m.ID),
		fmt.Sprintf("Name = %q\n", m.Name),
		fmt.Sprintf("Version = %q\n", m.Version),
		fmt.Sprintf("Build = %d\n", m.Build),
		fmt.Sprintf("fyneDo = %t\n", m.Migrations["fyneDo"]),
	} {
		if !strings.Contains(string(data), want) {
			t.Errorf("FyneApp.toml does not say %s", want)
		}
	}
	if len(m.Icon.Content()) == 0 {
		t.Error("the icon is empty")
	}
}

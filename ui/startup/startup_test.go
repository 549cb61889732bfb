package startup

import "testing"

func TestMissingLanguage(t *testing.T) {
	for _, c := range []struct {
		name string
		env  map[string]string
		want string
	}{
		{"a container", map[string]string{"LANG": "C.UTF-8"}, "en"},
		{"LC_ALL beats LANG", map[string]string{"LC_ALL": "POSIX.UTF-8", "LANG": "de_DE.UTF-8"}, "en"},
		{"a desktop", map[string]string{"LANG": "zh_CN.UTF-8"}, ""},
		{"messages in Chinese", map[string]string{"LC_MESSAGES": "zh_CN.UTF-8", "LANG": "C.UTF-8"}, ""},
		{"a chosen language", map[string]string{"LANG": "C.UTF-8", "LANGUAGE": "zh"}, ""},
		{"plain C, which Fyne knows", map[string]string{"LANG": "C"}, ""},
		{"nothing", nil, ""},
	} {
		language, needed := missingLanguage(func(name string) string { return c.env[name] })
		if !needed {
			language = ""
		}
		if language != c.want {
			t.Errorf("%s: got %q, want %q", c.name, language, c.want)
		}
	}
}

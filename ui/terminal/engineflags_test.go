package terminal

import (
	"reflect"
	"testing"

	"github.com/spf13/pflag"

	"maquette/projects/settings"
)

func TestEngineFlagsGoOverTheSettings(t *testing.T) {
	set := settings.Settings{Providers: []string{"CUDA"}, Precision: "fp32", MemoryMB: 100}
	for _, c := range []struct {
		args []string
		want settings.Settings
	}{
		{nil, set},
		{[]string{"--provider", "WebGPU,CPU", "--precision", "Fast", "--memory", "6GB"}, settings.Settings{Providers: []string{"WebGPU", "CPU"}, Precision: "fast", MemoryMB: 6 << 10}},
		{[]string{"--memory", "1.5 g"}, settings.Settings{Providers: []string{"CUDA"}, Precision: "fp32", MemoryMB: 1536}},
		{[]string{"--memory", "800"}, settings.Settings{Providers: []string{"CUDA"}, Precision: "fp32", MemoryMB: 800}},
		{[]string{"--memory", "auto", "--precision", "auto"}, settings.Settings{Providers: []string{"CUDA"}, Precision: "auto"}},
	} {
		var f engineFlags
		flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
		f.add(flags)
		if err := flags.Parse(c.args); err != nil {
			t.Fatalf("%q: %v", c.args, err)
		}
		if got := f.over(set); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q gives %+v, want %+v", c.args, got, c.want)
		}
	}
	for _, args := range [][]string{{"--memory", "lots"}, {"--memory", "-3GB"}, {"--memory", "0"}, {"--memory", "NaN"}, {"--memory", "9e30GB"}, {"--precision", "double"}} {
		var f engineFlags
		flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
		f.add(flags)
		if err := flags.Parse(args); err == nil {
			t.Errorf("%q was accepted", args)
		}
	}
}

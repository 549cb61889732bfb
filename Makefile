# Maquette. Two commands matter:
#
#   make run     set up what is missing, build, render the sample, open the studio
#   make test    set up what is missing, then check everything
#
# `make help` lists the others.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

# gocv's modules are chosen by build tags; without this tag it wants a newer
# OpenCV than Debian 12 and Ubuntu 24.04 have.
TAGS := gocv_specific_modules
export GOFLAGS := $(strip $(GOFLAGS) -tags=$(TAGS))

MAQUETTE := build/maquette
SAMPLE_PROJECT ?= $(HOME)/Maquette/Sample

# What compiling needs, as Debian and Ubuntu name it: OpenCV for control/, X11
# and OpenGL for the window, GTK for the system's file dialog.
BUILD_PACKAGES := ca-certificates gcc g++ libc6-dev pkg-config libopencv-dev \
	libgtk-3-dev libgl-dev libx11-dev libxcursor-dev libxrandr-dev \
	libxinerama-dev libxi-dev libxxf86vm-dev
# What tests need: a display in memory, a pointer, a camera, a reader of PDF, and for WebGPU a GPU
# made of software (SwiftShader comes with chromium).
TEST_PACKAGES := xvfb xdotool imagemagick poppler-utils libgl1-mesa-dri libvulkan1 chromium

# ONNX Runtime comes as the file libonnxruntime.so.1 inside an npm package.
ORT_VERSION := 1.30.0
ORT_INTEGRITY := twhs1C2C/BFkz1yc5OY0KIU2GUq6DURO7hD4bx5Q2Qy3nAMJwRXW8xU3NVczE29VA9lolLOYepoD8fjTGOfIqw==
ORT_DIR := $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(HOME)/.cache)/maquette/onnxruntime/$(ORT_VERSION)
ORT_LIBRARY := $(ORT_DIR)/libonnxruntime.so.1
ORT_ARCH := $(if $(filter aarch64 arm64,$(shell uname -m)),arm64,x64)

# The same version for browsers, which the test of exports runs.
ORT_WEB_INTEGRITY := q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ==
ORT_WEB_DIR := $(dir $(ORT_DIR))$(ORT_VERSION)-web
# Python's onnx has the checker of ONNX files.
ONNX_VERSION := 1.23.2
ONNX_VENV := $(dir $(ORT_DIR))onnx-$(ONNX_VERSION)

# $(call install,WHY,PACKAGES): installs those Debian packages that are missing.
define install
	missing=(); \
	for p in $(2); do \
		dpkg-query -W -f='$${Status}' "$$p" 2>/dev/null | grep -q 'ok installed' || missing+=("$$p"); \
	done; \
	if [ $${#missing[@]} -gt 0 ]; then \
		echo "==> Installing Debian packages ($(1)): $${missing[*]}"; \
		sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
		$$sudo apt-get update -q; \
		DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -q --no-install-recommends "$${missing[@]}"; \
	fi
endef

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

# ---- setting up ----

.PHONY: setup setup-build setup-test runtime
setup: setup-build setup-test runtime ## install what building, running and testing need

setup-build:
	@if command -v apt-get >/dev/null; then \
		$(call install,for compiling,$(BUILD_PACKAGES)); \
	elif ! pkg-config --exists opencv4 gtk+-3.0 x11 gl 2>/dev/null; then \
		echo "This system has no apt-get. Install the development packages of OpenCV 4, GTK 3, X11 and OpenGL, then try again." >&2; \
		exit 1; \
	fi

setup-test:
	@if command -v apt-get >/dev/null; then \
		$(call install,for the window tests,$(TEST_PACKAGES)); \
	else \
		for tool in Xvfb xdotool import pdftoppm; do command -v "$$tool" >/dev/null || { \
			echo "$$tool is missing, and this system has no apt-get. Install Xvfb, xdotool, ImageMagick and Poppler, then try again." >&2; \
			exit 1; \
		}; done; \
	fi

runtime: ## fetch the ONNX Runtime library
	@if [ -n "$${MAQUETTE_ONNXRUNTIME:-}" ]; then \
		echo "==> ONNX Runtime: $$MAQUETTE_ONNXRUNTIME, as MAQUETTE_ONNXRUNTIME says"; \
	elif [ ! -e "$(ORT_LIBRARY)" ]; then \
		if ! command -v npm >/dev/null; then $(call install,for fetching ONNX Runtime,npm); fi; \
		echo "==> Fetching ONNX Runtime $(ORT_VERSION) with npm (about 110 MB, once) into $(ORT_DIR)"; \
		mkdir -p "$(ORT_DIR)"; \
		tmp=$$(mktemp -d "$(ORT_DIR)/fetch.XXXXXX"); trap 'rm -rf "$$tmp"' EXIT; \
		npm pack --loglevel=error --pack-destination "$$tmp" onnxruntime-node@$(ORT_VERSION) >/dev/null \
			|| { echo "npm could not fetch onnxruntime-node@$(ORT_VERSION). Check the network, or set MAQUETTE_ONNXRUNTIME to a libonnxruntime.so of version 1.24 or newer." >&2; exit 1; }; \
		archive="$$tmp/onnxruntime-node-$(ORT_VERSION).tgz"; \
		want=$$(printf %s '$(ORT_INTEGRITY)' | base64 -d | od -An -v -tx1 | tr -d ' \n'); \
		printf '%s  %s\n' "$$want" "$$archive" | sha512sum --check --status \
			|| { echo "onnxruntime-node-$(ORT_VERSION).tgz is not the file it should be: its SHA-512 is $$(sha512sum <"$$archive" | cut -c-128). Nothing was installed." >&2; exit 1; }; \
		tar -xzf "$$archive" -C "$$tmp" package/bin/napi-v6/linux/$(ORT_ARCH)/libonnxruntime.so.1; \
		mv "$$tmp/package/bin/napi-v6/linux/$(ORT_ARCH)/libonnxruntime.so.1" "$(ORT_LIBRARY)"; \
	fi

# ---- running ----

.PHONY: build run
build: setup-build ## compile build/maquette
	@mkdir -p build
	go build -o $(MAQUETTE) .

run: runtime build ## render the sample sketch, then open the studio
	@echo "==> Rendering the sample sketch into $(SAMPLE_PROJECT)"
	@$(MAQUETTE) render sample:vase --count 4 --seed 1 --skip-existing --project "$(SAMPLE_PROJECT)"
	@echo "==> The project lies in $(SAMPLE_PROJECT)"
	@if [ -n "$${DISPLAY:-}$${WAYLAND_DISPLAY:-}" ]; then \
		echo "==> Opening the studio"; \
		exec $(MAQUETTE) studio "$(SAMPLE_PROJECT)"; \
	else \
		echo "==> There is no display, so the studio stays closed. To open it on one: $(MAQUETTE) studio \"$(SAMPLE_PROJECT)\""; \
	fi

# ---- testing ----

.PHONY: test lint test-unit test-race test-fuzz test-matprofile test-window test-render test-export test-full test-recipe test-smoke
test: setup lint test-unit test-race test-matprofile test-fuzz test-window test-render test-export test-recipe test-smoke ## check everything
	@echo "==> Everything passed"

lint: setup-build ## gofmt, go vet, staticcheck
	@echo "==> gofmt"
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); \
	if [ -n "$$unformatted" ]; then echo "run gofmt -w on:" $$unformatted >&2; exit 1; fi
	@echo "==> go vet"
	@go vet ./...
	@echo "==> staticcheck"
	@go tool staticcheck ./...

test-unit: setup-build runtime ## every package's tests
	@echo "==> go test"
	@go test -timeout 30m ./...

# The race detector compiles everything below a package a second time, so it
# runs where goroutines meet.
RACE_PACKAGES := ./inference/... ./projects/... ./ui/sketchpad/... ./ui/terminal/...

test-race: setup-build runtime ## the tests of the concurrent packages under the race detector
	@echo "==> go test -race"
	@go test -timeout 30m -race $(RACE_PACKAGES)

test-matprofile: setup-build ## count OpenCV's matrices: each that is made must be closed
	@echo "==> go test -tags matprofile"
	@go test -tags '$(TAGS) matprofile' ./control/...

FUZZTIME ?= 5s

test-fuzz: setup-build ## every Fuzz function, five seconds each
	@grep -rlE '^func Fuzz[A-Z]' --include='*_test.go' . | xargs -r -n1 dirname | sort -u | while read -r dir; do \
		grep -hoE '^func Fuzz[A-Za-z0-9_]+' "$$dir"/*_test.go | cut -d' ' -f2 | while read -r name; do \
			echo "==> fuzz $$dir $$name"; \
			go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) "$$dir"; \
		done; \
	done

# The packages that have tests with the build tag window.
WINDOW_PACKAGES = $$(grep -rlE '^//go:build .*\bwindow\b' --include='*_test.go' . | xargs -r -n1 dirname | sort -u)

# The tests start Xvfb themselves. FYNE_SCALE and the locale keep pixel
# positions and texts the same everywhere.
test-window: setup-build setup-test runtime ## the real window under Xvfb, driven with xdotool
	@echo "==> window tests"
	@packages="$(WINDOW_PACKAGES)"; [ -n "$$packages" ] || { echo "no package has window tests" >&2; exit 1; }; \
	LANG=C.UTF-8 FYNE_SCALE=1 go test -count=1 -p 1 -tags '$(TAGS) window' $$packages

test-render: runtime build ## the built command renders sketches end to end, without a display
	@echo "==> end-to-end render"
	@env -u DISPLAY -u WAYLAND_DISPLAY MAQUETTE_BINARY="$(CURDIR)/$(MAQUETTE)" \
		MAQUETTE_ONNXRUNTIME="$${MAQUETTE_ONNXRUNTIME:-$(ORT_LIBRARY)}" \
		go test -count=1 -tags '$(TAGS) e2e' -run '^TestEndToEnd' .

# What the test of exports needs: onnxruntime-web out of its npm package, and the onnx package.
ort-web:
	@if [ ! -e "$(ORT_WEB_DIR)/ort.wasm.min.mjs" ]; then \
		if ! command -v npm >/dev/null; then $(call install,for fetching onnxruntime-web,npm); fi; \
		echo "==> Fetching onnxruntime-web $(ORT_VERSION) with npm (33 MB, once) into $(ORT_WEB_DIR)"; \
		mkdir -p "$(ORT_WEB_DIR)"; \
		tmp=$$(mktemp -d "$(ORT_WEB_DIR)/fetch.XXXXXX"); trap 'rm -rf "$$tmp"' EXIT; \
		npm pack --loglevel=error --pack-destination "$$tmp" onnxruntime-web@$(ORT_VERSION) >/dev/null; \
		archive="$$tmp/onnxruntime-web-$(ORT_VERSION).tgz"; \
		want=$$(printf %s '$(ORT_WEB_INTEGRITY)' | base64 -d | od -An -v -tx1 | tr -d ' \n'); \
		printf '%s  %s\n' "$$want" "$$archive" | sha512sum --check --status \
			|| { echo "onnxruntime-web-$(ORT_VERSION).tgz is not the file it should be. Nothing was installed." >&2; exit 1; }; \
		tar -xzf "$$archive" -C "$$tmp" package/dist/ort.wasm.min.mjs package/dist/ort-wasm-simd-threaded.mjs package/dist/ort-wasm-simd-threaded.wasm; \
		mv "$$tmp"/package/dist/ort-wasm-simd-threaded.* "$$tmp/package/dist/ort.wasm.min.mjs" "$(ORT_WEB_DIR)/"; \
	fi

onnx-checker:
	@if ! "$(ONNX_VENV)/bin/python" -c 'import onnx' 2>/dev/null; then \
		if ! python3 -m ensurepip --version >/dev/null 2>&1; then $(call install,for the checker of ONNX files,python3-venv); fi; \
		echo "==> Fetching onnx $(ONNX_VERSION) with pip (once) into $(ONNX_VENV)"; \
		python3 -m venv "$(ONNX_VENV)"; \
		"$(ONNX_VENV)/bin/pip" install --quiet --disable-pip-version-check onnx==$(ONNX_VERSION); \
	fi

test-export: setup-build setup-test runtime ort-web onnx-checker ## exported models: onnx.checker takes them, a browser runs them
	@echo "==> exported ONNX models"
	@MAQUETTE_ORT_WEB="$(ORT_WEB_DIR)" MAQUETTE_ONNX_PYTHON="$(ONNX_VENV)/bin/python" \
		go test -count=1 -tags '$(TAGS) export' -run '^Test(CheckerAccepts|BrowserRuns)' ./inference

# A Python with the packages of inference/testdata/requirements.txt, and a folder
# on a disk with 30 GB free, for full-size random checkpoints. See README.
REFERENCE_PYTHON ?= python3
FULL_DIR ?= build/fullsize
FULL_FAMILIES ?= sd1 sdxl

test-full: setup-build runtime ## full-size random checkpoints render as in diffusers (not part of make test: 30 GB of disk, 20 GB of memory)
	$(REFERENCE_PYTHON) inference/testdata/make_fullsize.py "$(FULL_DIR)" --families $(FULL_FAMILIES)
	MAQUETTE_FULLSIZE="$(abspath $(FULL_DIR))" go test -count=1 -v -timeout 2h -tags '$(TAGS) fullsize' -run '^TestFullSize' ./inference

# Scenes, captions, drawings and measures of the starter's recipe need only NumPy
# and SciPy; its networks need PyTorch (test-smoke).
test-recipe: ## the starter's recipe as far as it goes without PyTorch
	@echo "==> recipe tests"
	@python=python3; \
	if ! $$python -c 'import numpy, scipy' 2>/dev/null; then \
		if command -v apt-get >/dev/null; then $(call install,for the recipe tests,python3-numpy python3-scipy); fi; \
		python=/usr/bin/python3; \
	fi; \
	cd assets/starter/recipe && OMP_NUM_THREADS=1 $$python -B -m unittest test_scene

# A Python of the recipe's own, with the packages of its requirements.txt; another
# list of packages makes another folder.
RECIPE := assets/starter/recipe
RECIPE_VENV = $(dir $(ORT_DIR))recipe-$(shell cksum <$(RECIPE)/requirements.txt | cut -d' ' -f1)

recipe-python:
	@if ! "$(RECIPE_VENV)/bin/python" -c 'import torch, diffusers, transformers, matplotlib' 2>/dev/null; then \
		if ! python3 -m ensurepip --version >/dev/null 2>&1; then $(call install,for the starter's recipe,python3-venv); fi; \
		echo "==> Fetching PyTorch and what else the starter's recipe needs with pip (6 GB, once) into $(RECIPE_VENV)"; \
		rm -rf "$(dir $(ORT_DIR))"recipe-*; \
		python3 -m venv "$(RECIPE_VENV)"; \
		"$(RECIPE_VENV)/bin/pip" install --quiet --no-cache-dir --disable-pip-version-check -r $(RECIPE)/requirements.txt; \
	fi

test-smoke: setup-build build recipe-python ## every stage of the starter's recipe on tiny settings
	@echo "==> the starter's recipe on tiny settings"
	@$(MAKE) --no-print-directory -C $(RECIPE) smoke PYTHON="$(RECIPE_VENV)/bin/python" APP="$(CURDIR)/$(MAQUETTE)" WORK="$(dir $(ORT_DIR))recipe"

.PHONY: ort-web onnx-checker recipe-python audit bench bench-full clean
audit: setup-build ## look for known vulnerabilities (asks the Go vulnerability database)
	go tool govulncheck ./...

# The peers of the last table, each optional: a Python with the packages of
# inference/testdata/requirements.txt, and stable-diffusion.cpp's sd-cli.
BENCH_ROUNDS ?= 2
SDCPP ?= $(shell command -v sd-cli)
REFERENCE_READY = $(REFERENCE_PYTHON) -c 'import torch, diffusers, transformers' 2>/dev/null

bench: runtime build ## benchmarks, ratios, the starter beside diffusers, and where the time goes; with FULL_DIR=… also bench-full
	@go test -run '^$$' -bench . -p 1 ./control/... ./inference/... ./projects/... ./ui/sketchpad/... | tee build/bench.txt
	@awk '{ sub(/-[0-9]+$$/, "", $$1) } /^Benchmark/ { ns[$$1] = $$3; if ($$1 == "BenchmarkFastKeepsSketchFidelity") fidelity = $$0 } \
		function ratio(what, ours, bare, limit) { \
			if (ns[ours] && ns[bare]) printf "%s: %.2f times the bare OpenCV call%s\n", what, ns[ours]/ns[bare], limit } \
		function metric(unit,   n, f, i) { n = split(fidelity, f); for (i = 2; i <= n; i++) if (f[i] == unit) return f[i-1] } \
		END { print ""; \
			ratio("canny of a 1024² colour sketch", "BenchmarkCanny1024", "BenchmarkOpenCVCanny1024Bare", " (at most 1.3)"); \
			ratio("canny of a 1024² grey sketch", "BenchmarkCanny1024Gray", "BenchmarkOpenCVCanny1024BareGray", ""); \
			if (ns["BenchmarkBuildXLUNet"]) printf "building the graph of the UNet of Stable Diffusion XL: %.1f ms (at most 100)\n", ns["BenchmarkBuildXLUNet"]/1e6; \
			if (fidelity) printf "sketch fidelity of the bundled sketches: %s in fp32, %s in fast; fast is at least %s dB from fp32 (at least 32)\n", metric("fp32-f1"), metric("fast-f1"), metric("least-dB") }' build/bench.txt
	@MAQUETTE_ONNXRUNTIME="$${MAQUETTE_ONNXRUNTIME:-$(ORT_LIBRARY)}" python3 inference/testdata/bench_starter.py --maquette $(MAQUETTE) --rounds $(BENCH_ROUNDS) \
		$$(if $(REFERENCE_READY); then echo "--torch $(REFERENCE_PYTHON)"; fi)
	@if [ -e "$(FULL_DIR)/sd1.safetensors" ]; then $(MAKE) --no-print-directory bench-full; else \
		echo; echo "Full-size models: make bench-full REFERENCE_PYTHON=… makes random weights in $(FULL_DIR) and measures them."; fi

bench-full: runtime build ## the table of full-size models beside diffusers and stable-diffusion.cpp, and where the time goes
	@if [ ! -e "$(FULL_DIR)/sd1.safetensors" ] && ! $(REFERENCE_READY); then \
		echo "The table of full-size models needs random weights in $(FULL_DIR), which inference/testdata/make_fullsize.py writes;"; \
		echo "set REFERENCE_PYTHON to a Python with the packages of inference/testdata/requirements.txt, or FULL_DIR to a folder that has them."; \
		exit 0; \
	fi; \
	if [ ! -e "$(FULL_DIR)/sd1.safetensors" ]; then $(REFERENCE_PYTHON) inference/testdata/make_fullsize.py "$(FULL_DIR)" --families sd1 --no-renders; fi; \
	MAQUETTE_ONNXRUNTIME="$${MAQUETTE_ONNXRUNTIME:-$(ORT_LIBRARY)}" python3 inference/testdata/bench_peers.py "$(FULL_DIR)" --maquette $(MAQUETTE) --rounds $(BENCH_ROUNDS) \
		$$(if $(REFERENCE_READY); then echo "--torch $(REFERENCE_PYTHON)"; fi) $(if $(SDCPP),--sdcpp "$(SDCPP)"); \
	MAQUETTE_FULLSIZE="$(abspath $(FULL_DIR))" go test -run '^$$' -bench Profile -benchtime 1x ./inference

clean: ## remove what make built; caches and projects stay
	rm -rf build

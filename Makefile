# The front.  Each target installs what it needs (packaging/debian-packages) when it is missing.
BUILD   ?= build
CC      ?= cc
DESTDIR ?=
export BUILD

.PHONY: all build deps demo check install asan clean bench sim sim-long tidy

all: build

deps:
	@packaging/install-deps

build: deps
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD) $(MESON_ARGS) >$(BUILD).log 2>&1 || { cat $(BUILD).log; exit 1; }
	@ninja -C $(BUILD) --quiet

install: build
	@DESTDIR=$(abspath $(DESTDIR)) meson install -C $(BUILD) --quiet

clean:
	rm -rf $(BUILD) build-asan

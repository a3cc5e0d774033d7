# vicinal. `make help` lists what there is; docs/CONTRIBUTING.md says how the parts fit.
# This file says what may be chosen, and reads nothing of the machine. Whatever is asked for, three things are done one after the
# other: set-up installs what is missing, configure writes what the machine has into $(B)/config.mk, and a fresh make builds by
# rules.mk with what it says. So nothing is decided before it is there, and -j races with no installation.
MODE ?= release
MODES := release asan ubsan tsan
$(if $(and $(filter $(MODES),$(MODE)),$(filter 1,$(words $(MODE)))),,$(error MODE=$(MODE) is none of $(MODES)))
B := $(if $(filter release,$(MODE)),build,build/$(MODE))
PREFIX ?= /usr/local
OPTIM := $(if $(filter release,$(MODE)),-O2,-O1)
CFLAGS ?= $(OPTIM) -g
SAN_asan := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
SAN_ubsan := -fsanitize=undefined -fno-sanitize-recover=all
SAN_tsan := -fsanitize=thread
SAN := $(SAN_$(MODE))
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 -Wpointer-arith -Wno-unknown-warning-option -Wno-format-truncation
# Stacks may be small (ulimit -s 256 is tested): what is large lies on the heap. Sanitizers make frames larger.
WARN += $(if $(SAN),-Wno-maybe-uninitialized,-Wframe-larger-than=32768)

# What configure is told. -Werror changes no object, so it is no part of what objects are built anew for.
export CONFIG_CC := $(CC)
export CONFIG_CFLAGS := -std=c11 $(WARN) $(SAN) $(filter-out -Werror%,$(CFLAGS))
export CONFIG_CPPFLAGS := $(CPPFLAGS)
export CONFIG_LDFLAGS := -Wl,--as-needed $(LDFLAGS)
CHOICES := ONEDNN DEFLATE BZ2 LZMA ZSTD WEBP TIFF CUDA MPI
$(foreach c,$(CHOICES),$(eval export CONFIG_$(c) := $(or $($(c)),auto)))
export CONFIG_CUDA_HOME := $(CUDA_HOME)
export CONFIG_TO := $(B)
export PREFIX
STRICT := $(filter -Werror%,$(CFLAGS) $(WERROR))

ASKED := $(filter-out help setup clean test-arm test-fresh,$(or $(MAKECMDGOALS),all))
BUILT := all programs plugins cuda man install demo bench $(B)/bin/% $(B)/lib/%
NEEDS := build $(if $(filter-out $(BUILT),$(ASKED)),test) $(filter fuzz bench,$(ASKED))
PARALLEL = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j "$${JOBS:-$$(nproc 2>/dev/null || echo 2)}")

.PHONY: ready help setup clean test-arm test-fresh $(ASKED)
$(ASKED): | ready
	@:
ready: | $(filter setup clean,$(MAKECMDGOALS))
	@sh pipeline/recipes/setup.sh $(NEEDS)
	@sh pipeline/recipes/configure.sh "$$CONFIG_TO" $(NEEDS)
	@$(MAKE) --no-print-directory $(PARALLEL) -f rules.mk B='$(B)' MODE='$(MODE)' STRICT='$(STRICT)' $(ASKED)

help: ## this list
	@sed -n 's/^\([a-z][a-z-]*\):[^#]*## \(.*\)/  make \1\t\2/p' Makefile rules.mk */*.mk */*/*.mk | expand -t 24
setup: ## install what is missing (asks first; YES=1 does not ask)
	@AGAIN=1 sh pipeline/recipes/setup.sh build test
test-arm: ## cross-compile for aarch64 and run the tests under qemu (apt-get brings the tools; SKIP without)
	@sh tests/arm/run.sh
test-fresh: ## README's commands in bare Debian systems (root and debootstrap; RELEASES="bookworm trixie")
	@sh tests/fresh.sh $(RELEASES)
clean: ## remove build/
	rm -rf build

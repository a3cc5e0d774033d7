# vicinal: one Makefile. `make help` lists what it does; docs/CONTRIBUTING.md says how the parts fit.
VERSION := 0.1.0
MODE ?= release
PREFIX ?= /usr/local
CC ?= cc
FOLDERS := pipeline corpora tokenize embed vision models eval

B := $(if $(filter release,$(MODE)),build,build/$(MODE))
PKGS := jansson zlib libutf8proc
DEFLATE := $(shell pkg-config --exists libdeflate 2>/dev/null && echo yes)
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 -Wpointer-arith -Wno-unknown-warning-option -Wno-format-truncation
WERROR ?=
SAN_asan := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
SAN_ubsan := -fsanitize=undefined -fno-sanitize-recover=all
SAN_tsan := -fsanitize=thread
SAN := $(SAN_$(MODE))
# Stacks may be small (ulimit -s 256 is tested): what is large lies on the heap. Sanitizers make frames larger.
WARN += $(if $(SAN),-Wno-maybe-uninitialized,-Wframe-larger-than=32768)
OPTIM := $(if $(filter release,$(MODE)),-O2,-O1)
CFLAGS ?= -g
ALL_CFLAGS := -std=c11 $(OPTIM) $(WARN) $(WERROR) $(SAN) $(CFLAGS)
LDFLAGS += -Wl,--as-needed
CPPFLAGS += -D_GNU_SOURCE -I. $(if $(DEFLATE),-DVIC_LIBDEFLATE)
LDLIBS_pipeline := -lcsv -ljansson -lz $(if $(DEFLATE),-ldeflate) -lpthread -lm
LDLIBS_corpora :=
LDLIBS_tokenize := -lutf8proc -lcsv
LDLIBS_embed :=
LDLIBS_vision := -ljpeg -lpng
LDLIBS_models := -ldl
LDLIBS_eval :=

# A file named vic-*.c is a program; every other .c of a folder goes into that folder's library.
sources = $(sort $(wildcard $(1)/*.c $(1)/*/*.c $(1)/*/*/*.c))
programs = $(filter $(1)/vic%.c,$(call sources,$(1)))
PLUGIN_DIRS := models/core/cpu models/core/cuda
library = $(filter-out $(1)/vic%.c $(addsuffix /%.c,$(PLUGIN_DIRS)),$(call sources,$(1)))
objects = $(patsubst %.c,$(B)/%.o,$(call library,$(1)))
PROGRAMS := $(foreach f,$(FOLDERS),$(patsubst $(f)/%.c,$(B)/bin/%,$(call programs,$(f))))

.PHONY: all help setup check test demo bench fuzz lint man install clean
.SECONDARY:
all: setup-quiet programs ## build every program into build/bin (MODE=asan|ubsan|tsan builds into build/MODE)
programs: $(PROGRAMS) plugins
include $(wildcard tests/tests.mk)
include $(wildcard models/plugins.mk)

help: ## this list
	@sed -n 's/^\([a-z][a-z-]*\):[^#]*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

setup: ## install what is missing (asks first; YES=1 does not ask)
	@sh pipeline/recipes/setup.sh build
setup-quiet:
	@sh pipeline/recipes/setup.sh build
.PHONY: programs plugins setup-quiet

# Archives: what each folder may see is what it links.
define folder_rules
$(B)/lib/$(1).a: $(call objects,$(1))
	@mkdir -p $$(@D)
	@rm -f $$@
	$(AR) qcs $$@ $$^
endef
$(foreach f,$(FOLDERS),$(eval $(call folder_rules,$(f))))

define program_rule
$(B)/bin/$(2): $(B)/$(1)/$(2).o $(B)/lib/$(1).a $(B)/lib/pipeline.a
	@mkdir -p $$(@D)
	$(CC) $(ALL_CFLAGS) -o $$@ $$(filter %.o,$$^) $$(filter %.a,$$^) $(LDFLAGS) $(LDLIBS_$(1)) $(LDLIBS_pipeline)
endef
$(foreach f,$(FOLDERS),$(foreach p,$(call programs,$(f)),$(eval $(call program_rule,$(f),$(patsubst $(f)/%.c,%,$(p))))))

$(B)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -fPIC -MMD -MP -c -o $@ $<
# Its loops over pixels gain a quarter from -O3; elsewhere -O2 is as fast and smaller.
$(B)/vision/resize.o: ALL_CFLAGS := $(patsubst -O2,-O3,$(ALL_CFLAGS))
$(B)/pipeline/stage.o: CPPFLAGS += -DVIC_VERSION='"$(VERSION)"' -DVIC_CC='"$(shell $(CC) --version 2>/dev/null | head -1)"' -DVIC_CFLAGS='"$(ALL_CFLAGS)"'
-include $(shell find $(B) -name '*.d' -type f 2>/dev/null)

install: all man ## install programs, plug-ins and man pages under PREFIX (DESTDIR is honoured)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/vicinal $(DESTDIR)$(PREFIX)/share/man/man1
	install $(PROGRAMS) $(DESTDIR)$(PREFIX)/bin
	$(if $(PLUGINS),install -m 644 $(PLUGINS) $(DESTDIR)$(PREFIX)/lib/vicinal)
	install -m 644 $(B)/man/*.1 $(DESTDIR)$(PREFIX)/share/man/man1

man: programs ## man pages, from the same tables as --help, into build/man
	@mkdir -p $(B)/man
	@for p in $(PROGRAMS); do $$p --help-man > $(B)/man/$$(basename $$p).1 || exit 1; done

demo: all ## the paper's Figure 4 in small: text data to calibration table, under 3 minutes
	@sh pipeline/recipes/demo.sh
bench: all ## the tables of docs/PERFORMANCE.md, each row beside its peer
	@sh tests/bench/run.sh
clean: ## remove build/
	rm -rf build

# How everything is built. Makefile calls it, after set-up and configure; config.mk is what configure found on this machine (the
# compiler, all flags, the libraries), and every object is built anew when it changes.
VERSION := 0.1.0
FOLDERS := pipeline corpora tokenize embed vision models eval
PREFIX ?= /usr/local
ifeq ($(wildcard $(B)/config.mk),)
$(error $(B)/config.mk is not there yet: make writes it; once it has run, make -n shows what is left to do)
endif
include $(B)/config.mk

ALL_CPPFLAGS = -D_GNU_SOURCE -I. $(if $(DEFLATE_LIBS),-DVIC_LIBDEFLATE) $(patsubst -l%,-DVIC_LIB_%,$(UNPACK_LIBS) $(PICTURE_LIBS)) $(CONFIG_CPPFLAGS)
ALL_CFLAGS = $(CONFIG_CFLAGS)
LDLIBS_pipeline := -lcsv -ljansson -lz $(DEFLATE_LIBS) $(UNPACK_LIBS) -lpthread -lm
LDLIBS_corpora :=
LDLIBS_tokenize := -lutf8proc -lcsv
LDLIBS_embed := -lutf8proc
LDLIBS_vision := -ljpeg -lpng $(PICTURE_LIBS)
LDLIBS_models := -ldl
LDLIBS_eval :=

# One short line a file; V=1 shows the commands.
Q := $(if $(filter 1,$(V)),,@)
say = $(if $(Q),$(if $(findstring s,$(firstword -$(MAKEFLAGS))),@:,@echo '  $(1)	$(2)'))
COMPILE = $(CONFIG_CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) $(STRICT)
LINK = $(CONFIG_CC) $(ALL_CFLAGS)

# What every object depends on beside its sources.
RULES := $(B)/config.mk rules.mk

# A file named vic-*.c is a program; every other .c of a folder goes into that folder's library.
sources = $(sort $(wildcard $(1)/*.c $(1)/*/*.c $(1)/*/*/*.c))
programs = $(filter $(1)/vic%.c,$(call sources,$(1)))
PLUGIN_DIRS := models/core/cpu models/core/cuda models/ranks/mpi
library = $(filter-out $(1)/vic%.c $(addsuffix /%.c,$(PLUGIN_DIRS)),$(call sources,$(1)))
objects = $(patsubst %.c,$(B)/%.o,$(call library,$(1)))
PROGRAMS := $(foreach f,$(FOLDERS),$(patsubst $(f)/%.c,$(B)/bin/%,$(call programs,$(f))))

.PHONY: all programs plugins man install demo bench
.SECONDARY:
.DELETE_ON_ERROR:
all: programs ## build every program into build/bin (MODE=asan|ubsan|tsan builds into build/MODE; V=1 shows commands)
programs: $(PROGRAMS) plugins
include models/plugins.mk
include tests/tests.mk
include models/cuda.mk

# Archives: what each folder may see is what it links; models sees vision's decoded pictures, its lowest shelf.
LINKS_models := vision
define folder_rules
$(B)/lib/$(1).a: $(call objects,$(1))
	$$(call say,AR,$$@)
	@mkdir -p $$(@D)
	@rm -f $$@
	$(Q)$(AR) qcs $$@ $$^
endef
$(foreach f,$(FOLDERS),$(eval $(call folder_rules,$(f))))

define program_rule
$(B)/bin/$(2): $(B)/$(1)/$(2).o $(B)/lib/$(1).a $(LINKS_$(1):%=$(B)/lib/%.a) $(B)/lib/pipeline.a
	$$(call say,LD,$$@)
	@mkdir -p $$(@D)
	$(Q)$$(LINK) -o $$@ $$(filter %.o,$$^) $$(filter %.a,$$^) $$(CONFIG_LDFLAGS) $(foreach f,$(1) $(LINKS_$(1)),$(LDLIBS_$(f))) $(LDLIBS_pipeline)
endef
$(foreach f,$(FOLDERS),$(foreach p,$(call programs,$(f)),$(eval $(call program_rule,$(f),$(patsubst $(f)/%.c,%,$(p))))))

$(B)/%.o: %.c $(RULES)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(COMPILE) -fPIC -MMD -MP -c -o $@ $<
# eval's hot loops: one source each, compiled for each instruction set to the same bits; softmax.c picks one at run time.
KERNELS := $(B)/eval/records/softmax_kernel $(B)/eval/calibrate/fit_kernel $(B)/eval/sort/sort_kernel
$(addsuffix %.o,$(KERNELS:l=)): ALL_CFLAGS = $(patsubst -O2,-O3,$(CONFIG_CFLAGS)) -ffp-contract=off
ifneq ($(filter x86_64%,$(MACHINE)),)
KERNEL_avx2 := -mavx2 -mfma -DSOFTMAX=softmax_avx2 -DFIT=fit_avx2 -DSORT=sort_avx2
KERNEL_avx512 := -mavx512f -mavx512dq -mprefer-vector-width=512 -DSOFTMAX=softmax_avx512 -DFIT=fit_avx512 -DSORT=sort_avx512
define kernel_rule
$(1)-$(2).o: $(1:$(B)/%=%).c $$(RULES)
	$$(call say,CC,$$< ($(2)))
	@mkdir -p $$(@D)
	$$(Q)$$(COMPILE) $$(KERNEL_$(2)) -fPIC -MMD -MP -c -o $$@ $$<
$(B)/lib/eval.a: $(1)-$(2).o
endef
$(foreach k,$(KERNELS),$(foreach i,avx2 avx512,$(eval $(call kernel_rule,$(k),$(i)))))
$(B)/eval/records/softmax.o $(B)/eval/calibrate/product.o $(B)/eval/sort/keys_sort.o: ALL_CPPFLAGS += -DVIC_SOFTMAX_X86
endif
# Loops over values, in which a fit spends its time.
$(addprefix $(B)/eval/calibrate/,affine.o product.o temperature.o): ALL_CFLAGS = $(patsubst -O2,-O3,$(CONFIG_CFLAGS))
# Its loops over pixels gain a quarter from -O3; elsewhere -O2 is as fast and smaller.
$(B)/vision/pixels/resize.o: ALL_CFLAGS = $(patsubst -O2,-O3,$(CONFIG_CFLAGS))
$(B)/pipeline/frame/stage.o: ALL_CPPFLAGS += -DVIC_VERSION='"$(VERSION)"' -DVIC_CC='"$(CC_VERSION)"' -DVIC_CFLAGS='"$(SHOWN_CFLAGS)"'
-include $(shell find $(B) -name '*.d' -type f 2>/dev/null)

TO = "$(DESTDIR)$(PREFIX)"
install: programs man ## install programs, plug-ins, man pages and docs under PREFIX (DESTDIR is honoured)
	$(Q)install -d $(TO)/bin $(TO)/lib/vicinal $(TO)/share/man/man1 $(TO)/share/man/man7 $(TO)/share/doc/vicinal/docs \
		$(TO)/share/vicinal/python $(TO)/share/vicinal/recipes/lib
	$(Q)install $(PROGRAMS) $(TO)/bin
	$(Q)install -m 644 $(PLUGINS) $(TO)/lib/vicinal
	$(Q)install -m 644 $(B)/man/*.1 $(TO)/share/man/man1
	$(Q)install -m 644 pipeline/python/vicinal.py $(TO)/share/vicinal/python
	$(Q)install -m 644 $(filter-out %/configure.sh %/setup.sh,$(wildcard pipeline/recipes/*.sh)) $(TO)/share/vicinal/recipes
	$(Q)install -m 644 pipeline/recipes/lib/* $(TO)/share/vicinal/recipes/lib
	$(Q)install -m 644 docs/vic.7 $(TO)/share/man/man7
	$(Q)install -m 644 README.md LICENSE $(TO)/share/doc/vicinal
	$(Q)install -m 644 docs/*.md docs/*.svg $(TO)/share/doc/vicinal/docs

man: programs ## man pages, from the same tables as --help, into build/man
	@mkdir -p $(B)/man
	@for p in $(PROGRAMS); do $$p --help-man > $(B)/man/$$(basename $$p).1 || exit 1; done

demo: programs ## mixup and its rivals on text and images: data to a page, under 2 minutes on idle cores
	@VIC_RECIPES="$(CURDIR)/pipeline/recipes" "$(B)/bin/vic" run demo --out "$(B)/demo"
bench: programs ## the tables of docs/PERFORMANCE.md, each row beside its peer
	@BIN="$(CURDIR)/$(B)/bin" sh tests/bench/run.sh

# Tests: unit (C, cmocka), command line (shell), lint, fuzzers. All speak TAP and run under prove; docs/CONTRIBUTING.md says
# how to add one. `check` is what one runs while working, `test` is everything from nothing.
UNIT_SRC := $(wildcard tests/unit/*/test_*.c)
UNIT := $(patsubst %.c,$(B)/tests/%,$(notdir $(UNIT_SRC)))
TOOLS := $(patsubst tests/tools/%.c,$(B)/tests/tools/%,$(wildcard tests/tools/*.c))
REPLAY := $(patsubst tests/fuzz/%.c,$(B)/tests/%,$(wildcard tests/fuzz/fuzz_*.c))
SLOW := $(wildcard tests/cli/*.slow.t)
# Those that make check leaves to make test, unless they are named by ONLY or run under a sanitizer: make heavy.
HEAVY := $(if $(ONLY)$(filter-out release,$(MODE)),,$(shell cat tests/heavy))
LINT := $(wildcard tests/lint/*.t)
QUICK := $(filter-out $(SLOW),$(wildcard tests/cli/*.t))
ARCHIVES := $(foreach f,vision models eval embed corpora tokenize pipeline,$(B)/lib/$(f).a)
TEST_LIBS = $(CONFIG_LDFLAGS) $(foreach f,$(FOLDERS),$(LDLIBS_$(f)))
LINK_TEST = $(LINK) -rdynamic -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(TEST_LIBS)
# The programs under test, the tests' own tools, and cmocka's output as TAP. tests/prove.sh counts, and says what was skipped.
ONLY ?=
IN := $(B)
PROVE = $(GPU_PROVE) BIN="$(CURDIR)/$(IN)/bin" TOOLS="$(CURDIR)/$(IN)/tests/tools" MODE=$(MODE) CC='$(CONFIG_CC)' \
	COMPILE='$(COMPILE)' LINK='$(B)/lib/pipeline.a $(CONFIG_LDFLAGS) $(LDLIBS_pipeline)' CMOCKA_MESSAGE_OUTPUT=TAP \
	TSAN_OPTIONS=halt_on_error=1 ONLY='$(ONLY)' $(UNMAPPED) sh tests/prove.sh
# ThreadSanitizer of GCC 12 cannot live with the wide address randomisation of newer kernels.
UNMAPPED := $(if $(filter tsan,$(MODE)),setarch -R)
include tests/gpu/gpu.mk

define unit_rule
$(B)/tests/$(notdir $(1)): $(B)/$(1).o $(ARCHIVES)
	$$(call say,LD,$$@)
	@mkdir -p $$(@D)
	$(Q)$$(LINK_TEST) -lcmocka
endef
$(foreach t,$(UNIT_SRC:.c=),$(eval $(call unit_rule,$(t))))
# -Og compiles them in half of -O2's time, half a minute less a build, and what they call is optimised all the same; but for
# those that compute for seconds by themselves.
COMPUTING := test_plain_fits test_plain_ood test_plain_resample test_coverage
$(patsubst %.c,$(B)/%.o,$(filter-out $(addprefix %/,$(COMPUTING:=.c)),$(UNIT_SRC))): ALL_CFLAGS = $(patsubst -O2,-Og,$(CONFIG_CFLAGS))
# Unit tests open the plug-ins of their own build.
$(UNIT): | $(PLUGINS)
$(B)/tests/tools/%: $(B)/tests/tools/%.o $(B)/lib/pipeline.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(LINK) -o $@ $^ $(CONFIG_LDFLAGS) $(LDLIBS_pipeline)
# A transport of the tests' own under MPI's name.
MESH := $(B)/tests/ranks/libvic-mpi.so
$(MESH): tests/ranks/mesh_comm.c tests/ranks/mesh.h models/ranks/comm.h $(B)/lib/pipeline.a $(RULES)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(COMPILE) -fPIC -shared -Wl,-Bsymbolic -o $@ $< $(B)/lib/pipeline.a $(CONFIG_LDFLAGS) $(LDLIBS_pipeline)
$(B)/tests/test_ranks $(B)/tests/test_together: | $(MESH)
# What the benchmarks time that no program shows alone.
$(B)/tests/bench/%: $(B)/tests/bench/%.o $(ARCHIVES)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(LINK_TEST)
bench: $(B)/tests/bench/images_rate
.PHONY: bench-coverage
bench-coverage: $(B)/tests/bench/coverage ## how often vic-score's intervals hold the truth (half an hour): the table of docs/METRICS.md
	@$<
# A fuzz target with a driver that replays tests/fuzz/seeds, cut and flipped in fixed ways: no clang needed.
$(B)/tests/fuzz_%: $(B)/tests/fuzz/fuzz_%.o $(B)/tests/fuzz/replay.o $(ARCHIVES)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(LINK_TEST)
# The failing malloc and write of the fault matrix; preloaded, so never built with a sanitizer.
$(B)/tests/tools/inject.so: tests/faults/inject.c $(RULES)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CONFIG_CC) -std=c11 -O2 -Wall -Wextra $(STRICT) -D_GNU_SOURCE -shared -fPIC -o $@ $< -ldl

.PHONY: unit test-programs golden check test heavy lint fuzz list-tests
unit: $(UNIT) ## build and run the unit tests
	@$(PROVE) $(UNIT)
test-programs: programs $(UNIT) $(TOOLS) $(REPLAY) $(B)/tests/tools/inject.so $(MESH)
check: test-programs ## unit tests and quick command-line tests (MODE=asan|ubsan|tsan: under a sanitizer; ONLY=score: those named so; KEEP=1: keep their scratch folders)
	@$(PROVE) $(filter-out $(addprefix %/,$(HEAVY)),$(QUICK) $(UNIT)) $(REPLAY)
test: test-programs ## everything from nothing: set up, build, all tests and lints (YES=1: install without asking)
	@VIC_THOROUGH=1 $(PROVE) $(SLOW) $(QUICK) $(UNIT) $(REPLAY) $(LINT)
heavy: test-programs ## write tests/heavy anew: tests of more than 0.7 s of processor time, which make check leaves out
	@$(subst prove.sh,heavy.sh,$(PROVE)) $(QUICK) $(UNIT) >$(B)/heavy && cp $(B)/heavy tests/heavy
list-tests: ## what each test is about and whose functions it calls (ONLY=bins.h: those that name it)
	@ONLY='$(ONLY)' sh tests/list.sh
lint: programs ## includes, banned functions, file sizes, help and man pages
	@$(PROVE) $(LINT)
# The tests' programs for another processor, and something in the folder IN that runs them: tests/arm/run.sh.
TESTS ?= $(QUICK) $(patsubst $(B)/%,$(IN)/%,$(UNIT) $(REPLAY))
.PHONY: prove-in
prove-in:
	@$(PROVE) $(TESTS)
golden: test-programs ## write the golden files of tests/cli/golden anew
	@REGENERATE=1 $(PROVE) tests/cli/golden.t

# Mutation testing in a scratch copy: FOLDER is a line of tests/mutate/table.
mutate: ## change one operator at a time: which changes do the tests of FOLDER=eval not notice? (SECONDS=1800 SEED=1)
	@python3 tests/mutate/mutate.py $(FOLDER) --seconds $(or $(filter-out 60,$(SECONDS)),1800) --seed $(or $(SEED),1)
.PHONY: mutate

# Fuzzing: the library once more, by clang with its sanitizers; each target for SECONDS, one after the other. What crashed lies in
# $(FUZZ)/crashes; FUZZERS="fuzz_npy" picks.
FUZZ_CC ?= clang
FUZZ := $(B)/fuzz
SECONDS ?= 60
FUZZERS ?= $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_FLAGS = -std=c11 -O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=undefined $(ALL_CPPFLAGS)
FUZZ_SAN := address,undefined
FUZZ_LIB := $(foreach f,$(FOLDERS),$(patsubst %.c,$(FUZZ)/%.o,$(call library,$(f))))
.PHONY: fuzz-compiler
$(FUZZ)/compiler: fuzz-compiler
	@mkdir -p $(@D)
	@{ $(FUZZ_CC) --version && echo '$(FUZZ_FLAGS)'; } >$@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi
$(FUZZ)/%.o: %.c $(RULES) $(FUZZ)/compiler
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link,$(FUZZ_SAN) -MMD -MP -c -o $@ $<
$(FUZZ)/library.a: $(FUZZ_LIB)
	$(call say,AR,$@)
	@rm -f $@
	$(Q)ar rcs $@ $^
$(FUZZ)/fuzz_%: $(FUZZ)/tests/fuzz/fuzz_%.o $(FUZZ)/library.a
	$(call say,LD,$@)
	$(Q)$(FUZZ_CC) $(FUZZ_FLAGS) -fsanitize=fuzzer,$(FUZZ_SAN) -rdynamic -o $@ $^ $(TEST_LIBS)
fuzz: $(FUZZERS:%=$(FUZZ)/%) ## run every fuzz target for SECONDS=60 each (needs clang)
	@mkdir -p $(FUZZ)/crashes; bad=; for f in $(FUZZERS); do \
		corpus=$(FUZZ)/corpus/$$f; seeds=tests/fuzz/seeds/$${f#fuzz_}; mkdir -p $$corpus; [ -d $$seeds ] || seeds=; \
		echo "== $$f, $(SECONDS) s"; \
		ASAN_OPTIONS=quarantine_size_mb=16 $(FUZZ)/$$f -max_total_time=$(SECONDS) -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=0 \
			-artifact_prefix=$(FUZZ)/crashes/$$f- $$corpus $$seeds 2>$(FUZZ)/$$f.log || { tail -40 $(FUZZ)/$$f.log; bad="$$bad $$f"; }; \
		grep -E '^stat::(number_of_exec|peak_rss)' $(FUZZ)/$$f.log; \
	done; if [ -n "$$bad" ]; then echo "fuzz: crashed:$$bad; inputs are in $(FUZZ)/crashes" >&2; exit 1; fi

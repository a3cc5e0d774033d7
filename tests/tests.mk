# Tests: unit (C, cmocka), command line (shell), lint, fuzzers. All speak TAP and run under prove; docs/CONTRIBUTING.md says
# how to add one. `check` is what one runs while working, `test` is everything from nothing.
UNIT := $(patsubst tests/unit/%.c,$(B)/tests/%,$(wildcard tests/unit/test_*.c))
TOOLS := $(patsubst tests/tools/%.c,$(B)/tests/tools/%,$(wildcard tests/tools/*.c))
REPLAY := $(patsubst tests/fuzz/%.c,$(B)/tests/%,$(wildcard tests/fuzz/fuzz_*.c))
SLOW := $(wildcard tests/cli/*.slow.t)
QUICK := $(filter-out $(SLOW),$(wildcard tests/cli/*.t))
ARCHIVES := $(foreach f,vision models eval embed corpora tokenize pipeline,$(B)/lib/$(f).a)
TEST_LIBS := $(LDFLAGS) $(foreach f,$(FOLDERS),$(LDLIBS_$(f)))
LINK_TEST = $(CC) $(ALL_CFLAGS) -rdynamic -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(TEST_LIBS)
# The programs under test, the tests' own tools, and cmocka's output as TAP.
PROVE = BIN=$(abspath $(B))/bin TOOLS=$(abspath $(B))/tests/tools MODE=$(MODE) CMOCKA_MESSAGE_OUTPUT=TAP prove -j 2 -e ''

$(B)/tests/%: $(B)/tests/unit/%.o $(ARCHIVES)
	@mkdir -p $(@D)
	$(LINK_TEST) -lcmocka
$(B)/tests/tools/%: $(B)/tests/tools/%.o $(B)/lib/pipeline.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -o $@ $^ $(LDFLAGS) $(LDLIBS_pipeline)
# A fuzz target with a driver that replays tests/fuzz/seeds, cut and flipped in fixed ways: no clang needed.
$(B)/tests/fuzz_%: $(B)/tests/fuzz/fuzz_%.o $(B)/tests/fuzz/replay.o $(ARCHIVES)
	@mkdir -p $(@D)
	$(LINK_TEST)
# The failing malloc and write of the fault matrix; preloaded, so never built with a sanitizer.
$(B)/tests/tools/inject.so: tests/faults/inject.c
	@mkdir -p $(@D)
	$(CC) -std=c11 -O2 $(WARN) $(WERROR) -D_GNU_SOURCE -shared -fPIC -o $@ $< -ldl

.PHONY: unit test-programs golden
unit: $(UNIT) ## build and run the unit tests
	@CMOCKA_MESSAGE_OUTPUT=TAP prove -Q -e '' $(UNIT)
test-programs: programs $(UNIT) $(TOOLS) $(REPLAY) $(if $(wildcard tests/faults/inject.c),$(B)/tests/tools/inject.so)
check: test-programs ## unit tests and quick command-line tests (MODE=asan|ubsan|tsan: under a sanitizer)
	@$(PROVE) $(UNIT) $(REPLAY) $(QUICK)
golden: test-programs ## write the golden files of tests/cli/golden anew
	@REGENERATE=1 $(PROVE) tests/cli/golden.t

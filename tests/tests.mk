# Tests: unit (C, cmocka), command line (shell, TAP), fuzzers. docs/CONTRIBUTING.md says how to add one.
UNIT := $(patsubst tests/unit/%.c,$(B)/tests/%,$(wildcard tests/unit/test_*.c))
ARCHIVES := $(foreach f,vision models eval embed corpora tokenize pipeline,$(B)/lib/$(f).a)

$(B)/tests/%: $(B)/tests/unit/%.o $(ARCHIVES)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -rdynamic -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group \
		$(LDFLAGS) $(foreach f,$(FOLDERS),$(LDLIBS_$(f))) -lcmocka

.PHONY: unit
unit: $(UNIT) ## build the unit tests
	@CMOCKA_MESSAGE_OUTPUT=TAP prove -Q -e '' $(UNIT)

# Tests of CUDA code without a device: its objects, and its kernels compiled by the host's compiler, are linked with the
# fakes of this folder instead of cudart and cuBLAS. Only CUDA's headers are needed, which configure looked for.
CUDA_CPPFLAGS := $(if $(CUDA_HOME),-isystem $(CUDA_HOME)/include)
GPU_TEST_SRC := $(if $(CUDA_HOME),$(wildcard tests/gpu/test_*.c))
GPU_TESTS := $(patsubst tests/gpu/%.c,$(B)/tests/%,$(GPU_TEST_SRC))
GPU_FAKE_SRC := $(filter-out tests/gpu/test_% tests/gpu/races.c,$(wildcard tests/gpu/*.c))
GPU_FAKES := $(GPU_FAKE_SRC:%.c=$(B)/%.o)
GPU_CFLAGS = $(patsubst -std=c11,-std=gnu11,$(CONFIG_CFLAGS))
GPU_PROVE := CUDA_CPPFLAGS='$(CUDA_CPPFLAGS)'
UNIT += $(GPU_TESTS)
SLOW += $(if $(CUDA_HOME),$(wildcard tests/gpu/*.slow.t))
QUICK += $(if $(CUDA_HOME),,tests/gpu/missing.t)

$(B)/tests/gpu/%.o: ALL_CPPFLAGS += -Itests $(CUDA_CPPFLAGS)
$(B)/tests/gpu/%.o: ALL_CFLAGS = $(GPU_CFLAGS)
$(GPU_TESTS): $(B)/tests/%: $(B)/tests/gpu/%.o $(GPU_FAKES) $(ARCHIVES)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(LINK_TEST) -lcmocka

# Tests of CUDA code without a device: its objects, and its kernels compiled by the host's compiler, are linked with the
# fakes of this folder instead of cudart and cuBLAS. The fakes and their own tests (test_fake*) need CUDA's headers alone,
# the dry plug-in and its tests (test_gpu_*, *.t) cuDNN too; configure looked for both.
# Make knows no names with spaces: a CUDA in such a folder is as good as none.
CUDA_HOME := $(if $(word 2,$(CUDA_HOME)),,$(CUDA_HOME))
CUDNN_HOME := $(if $(word 2,$(CUDNN_HOME)),,$(CUDNN_HOME))
CUDA_CPPFLAGS := $(if $(CUDA_HOME),-isystem $(CUDA_HOME)/include)
# Where libcudnn.so lies.
CUDNN_LIB := $(if $(CUDNN_HOME),$(patsubst %/libcudnn.so,%,$(firstword $(wildcard $(addprefix $(CUDNN_HOME)/,lib64/libcudnn.so \
	targets/*/lib/libcudnn.so lib/libcudnn.so lib/$(MACHINE)/libcudnn.so)))))
FAKE_TEST_SRC := $(if $(CUDA_HOME),$(wildcard tests/gpu/test_fake*.c))
# A thread of the system for each of CUDA's, which ThreadSanitizer wants, is too slow for whole networks: races.slow.t.
GPU_TEST_SRC := $(if $(CUDNN_LIB),$(if $(filter tsan,$(MODE)),,$(wildcard tests/gpu/test_gpu_*.c)))
FAKE_TESTS := $(patsubst tests/gpu/%.c,$(B)/tests/%,$(FAKE_TEST_SRC))
GPU_TESTS := $(patsubst tests/gpu/%.c,$(B)/tests/%,$(GPU_TEST_SRC))
# Those that open the plug-in, so that they try a card as well.
CARD_TESTS := $(filter-out %/test_gpu_plans,$(GPU_TESTS))
GPU_FAKE_SRC := $(filter-out tests/gpu/test_% tests/gpu/races% %/driver.c,$(wildcard tests/gpu/*.c tests/gpu/cudnn/*.c))
GPU_FAKES := $(GPU_FAKE_SRC:%.c=$(B)/%.o)
GPU_CFLAGS = $(patsubst -std=c11,-std=gnu11,$(CONFIG_CFLAGS))
# make test runs the quick ones (half a minute); the rest, and the commands, are left to test-gpu-dry.
UNIT += $(FAKE_TESTS) $(filter-out %/test_gpu_conv %/test_gpu_norm %/test_gpu_plans,$(GPU_TESTS))
HEAVY += $(if $(ONLY),,$(notdir $(GPU_TESTS)))
QUICK += $(if $(GPU_TESTS),tests/gpu/calls.t,$(if $(CUDNN_LIB),,tests/gpu/missing.t))
# For tests/gpu/dry.h and the commands: where the dry plug-in lies, a device for it, and what calls.t looks at.
GPU_PROVE = CUDA_CPPFLAGS='$(CUDA_CPPFLAGS)' $(if $(CUDNN_LIB),DRY='$(CURDIR)/$(B)/dry' CUDA_OBJECTS='$(CUDA_OBJ)' \
	VIC_GPU_DEVICE='$(CURDIR)/tests/gpu/devices/h100.json')

$(B)/tests/gpu/%.o: ALL_CPPFLAGS += -Itests $(CUDA_CPPFLAGS)
$(B)/tests/gpu/%.o: ALL_CFLAGS = $(GPU_CFLAGS)
$(B)/tests/gpu/test_%.o: ALL_CFLAGS = $(patsubst -O2,-Og,$(GPU_CFLAGS))
$(FAKE_TESTS): $(B)/tests/%: $(B)/tests/gpu/%.o $(filter-out $(B)/tests/gpu/cudnn/% %/nccl.o,$(GPU_FAKES)) $(ARCHIVES)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(LINK_TEST) -lcmocka
$(GPU_TESTS): $(B)/tests/%: $(B)/tests/gpu/%.o $(ARCHIVES) | $(B)/dry/libvic-cuda.so $(B)/dry/driver/libcuda.so.1
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(LINK_TEST) -lcmocka
# It has the plug-in's planner and the interpreter in itself.
$(B)/tests/test_gpu_plans: $(addprefix $(B)/cuda/models/core/cuda/,dnn.o plans.o plan_cache.o norm_plans.o) \
	$(addprefix $(B)/tests/gpu/cudnn/,interp.o interp_conv.o interp_norm.o)
$(B)/tests/test_gpu_plans: TEST_LIBS += $(GPU_WRAP) $(CUDNN_LIBS)

.PHONY: test-gpu-dry
test-gpu-dry: test-programs $(GPU_TESTS) ## the cuda plug-in without a device: its code and kernels on the host, against ref
	@VIC_THOROUGH=1 $(PROVE) $(if $(CUDNN_LIB),$(filter-out tests/gpu/missing.t,$(wildcard tests/gpu/*.t)),tests/gpu/missing.t) \
		$(FAKE_TESTS) $(GPU_TESTS)
.PHONY: check-gpu
check-gpu: GPU_PROVE :=
check-gpu: test-programs $(GPU_TESTS) cuda ## the cuda plug-in on this machine's graphics card, against ref
	@VIC_THOROUGH=1 $(PROVE) $$($(B)/bin/vic-train --version | grep -q '^engine: cuda' && echo $(CARD_TESTS) || echo tests/gpu/nocard.sh)

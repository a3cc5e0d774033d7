# Tests of CUDA code without a device: its objects, and its kernels compiled by the host's compiler, are linked with the
# fakes of this folder instead of cudart and cuBLAS. The fakes and their own tests (test_fake*) need CUDA's headers alone,
# the dry plug-in and its tests (test_gpu_*, *.t) cuDNN too; configure looked for both.
CUDA_CPPFLAGS := $(if $(CUDA_HOME),-isystem $(CUDA_HOME)/include)
# Where libcudnn.so lies.
CUDNN_LIB := $(if $(CUDNN_HOME),$(patsubst %/libcudnn.so,%,$(firstword $(wildcard $(addprefix $(CUDNN_HOME)/,lib64/libcudnn.so \
	targets/*/lib/libcudnn.so lib/libcudnn.so lib/$(MACHINE)/libcudnn.so)))))
FAKE_TEST_SRC := $(if $(CUDA_HOME),$(wildcard tests/gpu/test_fake*.c))
GPU_TEST_SRC := $(if $(CUDNN_LIB),$(wildcard tests/gpu/test_gpu_*.c))
FAKE_TESTS := $(patsubst tests/gpu/%.c,$(B)/tests/%,$(FAKE_TEST_SRC))
GPU_TESTS := $(patsubst tests/gpu/%.c,$(B)/tests/%,$(GPU_TEST_SRC))
GPU_COMMANDS := $(filter-out %.slow.t,$(wildcard tests/gpu/*.t))
GPU_FAKE_SRC := $(filter-out tests/gpu/test_% tests/gpu/races.c,$(wildcard tests/gpu/*.c))
GPU_FAKES := $(GPU_FAKE_SRC:%.c=$(B)/%.o)
GPU_CFLAGS = $(patsubst -std=c11,-std=gnu11,$(CONFIG_CFLAGS))
UNIT += $(FAKE_TESTS)
SLOW += $(wildcard tests/gpu/*.slow.t)
# For the tests of the plug-in: where it lies, and a device for it.
GPU_PROVE = CUDA_CPPFLAGS='$(CUDA_CPPFLAGS)'
DRY_PROVE = VIC_GPU_DEVICE='$(CURDIR)/tests/gpu/devices/h100.json' VIC_BACKENDS='$(CURDIR)/$(B)/dry' \
	DRY='$(if $(CUDNN_LIB),$(CURDIR)/$(B)/dry)' CUDA_OBJECTS='$(if $(CUDNN_LIB),$(CUDA_OBJ))' $(PROVE)

$(B)/tests/gpu/%.o: ALL_CPPFLAGS += -Itests $(CUDA_CPPFLAGS)
$(B)/tests/gpu/%.o: ALL_CFLAGS = $(GPU_CFLAGS)
$(FAKE_TESTS): $(B)/tests/%: $(B)/tests/gpu/%.o $(filter-out %/interp.o %/interp_conv.o,$(GPU_FAKES)) $(ARCHIVES)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(LINK_TEST) -lcmocka
$(GPU_TESTS): $(B)/tests/%: $(B)/tests/gpu/%.o $(ARCHIVES)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(LINK_TEST) -lcmocka
# It has the plug-in's planner and the interpreter in itself.
$(B)/tests/test_gpu_plans: $(B)/cuda/models/core/cuda/plans.o $(B)/tests/gpu/interp.o $(B)/tests/gpu/interp_conv.o
$(B)/tests/test_gpu_plans: TEST_LIBS += $(GPU_WRAP) $(CUDNN_LIBS)

.PHONY: test-gpu-dry
test-gpu-dry: programs $(FAKE_TESTS) $(if $(CUDNN_LIB),dry) $(GPU_TESTS) ## the cuda plug-in without a device: its code and kernels on the host, against ref
	@VIC_THOROUGH=1 $(DRY_PROVE) $(FAKE_TESTS) $(GPU_TESTS) $(wildcard tests/gpu/*.t)

# The dry GPU: the plug-in's objects and kernels, compiled for the host and linked with the fakes of this folder instead of
# CUDA's libraries. Needs CUDA's headers alone ($(CUDA_HOME), which configure found).
CUDA_HOME ?= $(patsubst %/include/cuda_runtime_api.h,%,$(firstword $(wildcard /usr/local/cuda/include/cuda_runtime_api.h)))
CUDA_CPPFLAGS := $(if $(CUDA_HOME),-isystem $(CUDA_HOME)/include)
GPU_FAKES := $(patsubst %.c,$(B)/%.o,$(filter-out tests/gpu/test_%,$(wildcard tests/gpu/*.c)))
$(B)/tests/gpu/%.o: ALL_CPPFLAGS += -Itests $(CUDA_CPPFLAGS)
$(B)/tests/gpu/%.o: ALL_CFLAGS := $(CONFIG_CFLAGS:-std=c11=-std=gnu11)

# The plug-in's own tests: units in lockstep with ref, commands, and the list of what it calls. DRY is where it lies.
GPU_TESTS := $(patsubst tests/gpu/%.c,$(B)/tests/%,$(wildcard tests/gpu/test_*.c))
GPU_COMMANDS := $(wildcard tests/gpu/*.t)
$(foreach t,$(patsubst %.c,%,$(wildcard tests/gpu/test_*.c)),$(eval $(call unit_rule,$(t))))
.PHONY: test-gpu-dry
ifeq ($(CUDA_HOME),)
test-gpu-dry:
	@echo 'SKIP: no CUDA headers and cuDNN on this machine: the cuda plug-in is not tested'
else
test-gpu-dry: programs dry $(GPU_TESTS) ## the cuda plug-in without a device: its code and kernels on the host, against ref
	@export VIC_GPU_DEVICE='$(CURDIR)/tests/gpu/devices/h100.json' VIC_BACKENDS='$(CURDIR)/$(B)/dry' DRY='$(CURDIR)/$(B)/dry' CUDA_OBJECTS='$(CUDA_OBJ)'; \
	$(PROVE) $(GPU_COMMANDS) $(GPU_TESTS)
endif

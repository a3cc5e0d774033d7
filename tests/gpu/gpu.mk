# The dry GPU: the plug-in's objects and kernels, compiled for the host and linked with the fakes of this folder instead of
# CUDA's libraries. Needs CUDA's headers alone ($(CUDA_HOME), which configure found).
CUDA_HOME ?= $(patsubst %/include/cuda_runtime_api.h,%,$(firstword $(wildcard /usr/local/cuda/include/cuda_runtime_api.h)))
CUDA_CPPFLAGS := $(if $(CUDA_HOME),-isystem $(CUDA_HOME)/include)
GPU_FAKES := $(patsubst %.c,$(B)/%.o,$(filter-out tests/gpu/test_%,$(wildcard tests/gpu/*.c)))
$(B)/tests/gpu/%.o: ALL_CPPFLAGS += -Itests $(CUDA_CPPFLAGS)
$(B)/tests/gpu/%.o: ALL_CFLAGS := $(CONFIG_CFLAGS:-std=c11=-std=gnu11)

# The cuda plug-in, twice from the same objects and sources: for devices (make cuda), and dry, for the tests of machines without one:
# its kernels compiled by the host's compiler, and fakes of CUDA's runtime and cuBLAS and an interpreter of cuDNN's graphs (tests/gpu)
# in place of the libraries.
NVCC := $(CUDA_HOME)/bin/nvcc
CUDA_SRC := $(wildcard models/core/cuda/*.c models/core/cuda/sums/*.c)
KERNEL_SRC := $(wildcard models/core/cuda/kernels/*.cu)
# Sources whose kernels work on values: compiled for each type that values are stored in.
STORED := $(shell grep -l STORAGE $(KERNEL_SRC) /dev/null)
CUDA_LIB := $(firstword $(wildcard $(CUDA_HOME)/lib64 $(CUDA_HOME)/targets/*/lib $(CUDA_HOME)/lib))
CUDNN_LIBS := -L$(CUDNN_LIB) -Wl,-rpath,$(CUDNN_LIB) -lcudnn
GPU_WRAP := @tests/gpu/cudnn/interp.wrap
NCCL_WRAP := @tests/gpu/nccl.wrap
CUDA_LIBS := $(CUDNN_LIBS) -L$(CUDA_LIB) -Wl,-rpath,$(CUDA_LIB) -lcublas -lcudart
CUDA_ARCHS := 75 80 86 89 90 100 120
CUDA_CODE := $(foreach a,$(CUDA_ARCHS),-gencode arch=compute_$(a),code=sm_$(a)) -gencode arch=compute_120,code=compute_120
CUDA_PLUGIN := $(B)/lib/vicinal/libvic-cuda.so
DRY_PLUGIN := $(B)/dry/libvic-cuda.so
CUDA_OBJ := $(CUDA_SRC:%.c=$(B)/cuda/%.o)
kernel_objects = $(KERNEL_SRC:%=$(B)/$(1)/%.o) $(STORED:%=$(B)/$(1)/%-bf16.o)
NVCC_FLAGS = -O3 -std=c++17 -I. $(CUDA_CODE) -Werror all-warnings -Xptxas -warn-spills,-warn-lmem-usage -Xcompiler -fPIC,-fvisibility=hidden,-fno-threadsafe-statics,-fno-exceptions
# The compiler does not see that fixed inner loops run: no warning of what they would leave unset.
HOST_KERNEL = $(filter-out -Wmissing-prototypes,$(COMPILE)) -Wno-maybe-uninitialized -std=gnu11 -ffp-contract=off -Itests $(CUDA_CPPFLAGS) -fPIC

.PHONY: cuda dry
cuda: $(if $(CUDNN_LIB),$(CUDA_PLUGIN)) ## the plug-in for NVIDIA's cards (needs a CUDA toolkit and cuDNN 9.8 or newer; CUDA_HOME=FOLDER says where)
	@$(if $(CUDNN_LIB),:,echo 'cuda: no CUDA toolkit with cuDNN 9.8 or newer was found (CUDA_HOME=FOLDER says where one is): there is nothing to build')
$(CUDA_OBJ): $(B)/cuda/%.o: %.c $(RULES) models/cuda.mk
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(COMPILE) $(CUDA_CPPFLAGS) -fPIC -fvisibility=hidden -MMD -MP -c -o $@ $<
$(KERNEL_SRC:%=$(B)/cuda/%.o): $(B)/cuda/%.o: % $(RULES) models/cuda.mk
	$(call say,NVCC,$<)
	@mkdir -p $(@D)
	$(Q)$(NVCC) $(NVCC_FLAGS) -MMD -MP -c -o $@ $<
$(STORED:%=$(B)/cuda/%-bf16.o): $(B)/cuda/%-bf16.o: % $(RULES) models/cuda.mk
	$(call say,NVCC,$< (bf16))
	@mkdir -p $(@D)
	$(Q)$(NVCC) $(NVCC_FLAGS) -DVIC_BF16 -MMD -MP -c -o $@ $<
$(CUDA_PLUGIN): $(CUDA_OBJ) $(call kernel_objects,cuda) $(B)/models/core/cost.o $(B)/models/core/ops.o $(B)/models/core/sums.o $(B)/lib/pipeline.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(LINK) -shared -Wl,--no-undefined -Wl,-Bsymbolic -Wl,--exclude-libs,ALL -o $@ $^ $(CONFIG_LDFLAGS) $(CUDA_LIBS) $(LDLIBS_pipeline) $(LDLIBS_models)

dry: $(DRY_PLUGIN)
$(KERNEL_SRC:%=$(B)/dry/%.o): $(B)/dry/%.o: % $(RULES) models/cuda.mk
	$(call say,CC,$< (dry))
	@mkdir -p $(@D)
	$(Q)$(HOST_KERNEL) -MMD -MP -x c -c -o $@ $<
$(STORED:%=$(B)/dry/%-bf16.o): $(B)/dry/%-bf16.o: % $(RULES) models/cuda.mk
	$(call say,CC,$< (dry, bf16))
	@mkdir -p $(@D)
	$(Q)$(HOST_KERNEL) -DVIC_BF16 -MMD -MP -x c -c -o $@ $<
$(DRY_PLUGIN): $(CUDA_OBJ) $(call kernel_objects,dry) $(GPU_FAKES) $(B)/models/core/cost.o $(B)/models/core/ops.o $(B)/models/core/sums.o $(B)/lib/pipeline.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(LINK) -shared -Wl,--no-undefined -Wl,-Bsymbolic -Wl,--exclude-libs,ALL $(GPU_WRAP) $(NCCL_WRAP) -o $@ $^ $(CONFIG_LDFLAGS) $(CUDNN_LIBS) $(LDLIBS_pipeline) $(LDLIBS_models)
# NVIDIA's driver, as cuDNN looks for it.
$(B)/dry/driver/libcuda.so.1: tests/gpu/cudnn/driver.c $(RULES) models/cuda.mk
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CONFIG_CC) $(GPU_CFLAGS) -fPIC -shared -Wl,-soname,libcuda.so.1 -o $@ $<

.PHONY: gpu-kit
gpu-kit: programs cuda $(CARD_TESTS) ## a folder to carry to a machine with a graphics card: build/gpu-kit, and run.sh in it
	@sh tests/gpu/kit.sh $(B)/gpu-kit $(B) $(CARD_TESTS)

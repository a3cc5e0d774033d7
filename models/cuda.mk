# The cuda plug-in, twice from the same objects and sources: for devices (make cuda), and dry, for the tests of machines without one:
# its kernels compiled by the host's compiler, and fakes of CUDA's runtime and cuBLAS and an interpreter of cuDNN's graphs (tests/gpu)
# in place of the libraries.
NVCC := $(CUDA_HOME)/bin/nvcc
CUDA_SRC := $(wildcard models/core/cuda/*.c)
KERNEL_SRC := $(wildcard models/core/cuda/*.cu)
# Sources whose kernels work on values: compiled for each type that values are stored in.
STORED := $(shell grep -l 'STORAGE(' $(KERNEL_SRC) /dev/null)
CUDA_ARCHS := 75 80 86 89 90 100 120
CUDA_CODE := $(foreach a,$(CUDA_ARCHS),-gencode arch=compute_$(a),code=sm_$(a)) -gencode arch=compute_120,code=compute_120
CUDA_PLUGIN := $(B)/lib/vicinal/libvic-cuda.so
DRY_PLUGIN := $(B)/dry/libvic-cuda.so
CUDA_OBJ := $(CUDA_SRC:%.c=$(B)/cuda/%.o)
kernel_objects = $(KERNEL_SRC:%.cu=$(B)/$(1)/%.o) $(STORED:%.cu=$(B)/$(1)/%-bf16.o)
NVCC_FLAGS = -O3 -std=c++17 -I. $(CUDA_CODE) -Werror all-warnings -Xptxas -warn-spills,-warn-lmem-usage -Xcompiler -fPIC,-fvisibility=hidden
HOST_KERNEL = $(filter-out -Wmissing-prototypes,$(COMPILE)) -std=gnu11 -ffp-contract=off -Itests $(CUDA_CPPFLAGS) -fPIC

.PHONY: cuda dry
cuda: $(CUDA_PLUGIN)
$(CUDA_OBJ): $(B)/cuda/%.o: %.c $(RULES) models/cuda.mk
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(COMPILE) $(CUDA_CPPFLAGS) -fPIC -fvisibility=hidden -MMD -MP -c -o $@ $<
$(KERNEL_SRC:%.cu=$(B)/cuda/%.o): $(B)/cuda/%.o: %.cu $(RULES) models/cuda.mk
	$(call say,NVCC,$<)
	@mkdir -p $(@D)
	$(Q)$(NVCC) $(NVCC_FLAGS) -MMD -MP -c -o $@ $<
$(STORED:%.cu=$(B)/cuda/%-bf16.o): $(B)/cuda/%-bf16.o: %.cu $(RULES) models/cuda.mk
	$(call say,NVCC,$< (bf16))
	@mkdir -p $(@D)
	$(Q)$(NVCC) $(NVCC_FLAGS) -DVIC_BF16 -MMD -MP -c -o $@ $<
$(CUDA_PLUGIN): $(CUDA_OBJ) $(call kernel_objects,cuda) $(B)/lib/pipeline.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(LINK) -shared -Wl,-Bsymbolic -Wl,--exclude-libs,ALL -o $@ $^ $(CONFIG_LDFLAGS) $(CUDA_LIBS) $(LDLIBS_pipeline)

dry: $(DRY_PLUGIN)
$(KERNEL_SRC:%.cu=$(B)/dry/%.o): $(B)/dry/%.o: %.cu $(RULES) models/cuda.mk
	$(call say,CC,$< (dry))
	@mkdir -p $(@D)
	$(Q)$(HOST_KERNEL) -MMD -MP -x c -c -o $@ $<
$(STORED:%.cu=$(B)/dry/%-bf16.o): $(B)/dry/%-bf16.o: %.cu $(RULES) models/cuda.mk
	$(call say,CC,$< (dry, bf16))
	@mkdir -p $(@D)
	$(Q)$(HOST_KERNEL) -DVIC_BF16 -MMD -MP -x c -c -o $@ $<
$(DRY_PLUGIN): $(CUDA_OBJ) $(call kernel_objects,dry) $(GPU_FAKES) $(B)/lib/pipeline.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(LINK) -shared -Wl,-Bsymbolic -Wl,--exclude-libs,ALL $(GPU_WRAP) -o $@ $^ $(CONFIG_LDFLAGS) $(CUDNN_LIBS) $(LDLIBS_pipeline)

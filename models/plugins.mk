# Backends are plug-ins opened at run time, so that no stage pays for one it does not use. The cpu backend is built once for each
# instruction set worth having; device.c picks. -fno-math-errno and -ffp-contract=fast let GCC use vector square roots and fused
# multiply-add; neither allows it to reorder sums.
ARCH := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine)))
ISAS := $(if $(filter x86_64,$(ARCH)),v4 v3) base
ISA_v4 := -march=x86-64-v4 -mprefer-vector-width=512
ISA_v3 := -march=x86-64-v3
ISA_base :=
ONEDNN := $(shell echo '\#include <oneapi/dnnl/dnnl.h>' | $(CC) -E - >/dev/null 2>&1 && echo yes)
CPU_LIBS := $(if $(ONEDNN),-ldnnl -lgomp,$(shell pkg-config --libs openblas 2>/dev/null || echo -lblas))
CPU_FLAGS := $(if $(ONEDNN),-DVIC_ONEDNN) $(if $(filter release,$(MODE)),-O3) -fno-math-errno -fno-trapping-math -ffp-contract=fast -Wno-psabi
CPU_SRC := $(wildcard models/core/cpu/*.c)
PLUGINS := $(foreach i,$(ISAS),$(B)/lib/vicinal/libvic-cpu-$(i).so)
.PHONY: plugins
plugins: $(PLUGINS)

define isa_rules
$(B)/isa-$(1)/%.o: %.c Makefile models/plugins.mk
	@mkdir -p $$(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(CPU_FLAGS) $(ISA_$(1)) -DVIC_ISA='"$(1)"' -fPIC -fvisibility=hidden -MMD -MP -c -o $$@ $$<
$(B)/lib/vicinal/libvic-cpu-$(1).so: $(patsubst %.c,$(B)/isa-$(1)/%.o,$(CPU_SRC)) $(B)/models/core/ref/dense.o $(B)/lib/pipeline.a
	@mkdir -p $$(@D)
	$(CC) $(ALL_CFLAGS) -shared -Wl,-Bsymbolic -Wl,--exclude-libs,ALL -o $$@ $$^ $(LDFLAGS) $(CPU_LIBS) $(LDLIBS_pipeline)
endef
$(foreach i,$(ISAS),$(eval $(call isa_rules,$(i))))
# Unit tests open the plug-ins of their own build.
$(B)/tests/%: | $(PLUGINS)

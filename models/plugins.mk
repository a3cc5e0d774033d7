# Backends are plug-ins opened at run time, so that no stage pays for one it does not use. The cpu backend is built once for each
# instruction set worth having ($(ISAS), those of them that the compiler knows); device.c picks. -fno-math-errno and
# -ffp-contract=fast let GCC use vector square roots and fused multiply-add; neither allows it to reorder sums.
ISA_v4 := -march=x86-64-v4 -mprefer-vector-width=512
ISA_v3 := -march=x86-64-v3
ISA_base :=
CPU_FLAGS := $(if $(ONEDNN_LIBS),-DVIC_ONEDNN) $(if $(filter release,$(MODE)),-O3) -fno-math-errno -fno-trapping-math -ffp-contract=fast -Wno-psabi
CPU_SRC := $(wildcard models/core/cpu/*.c)
MPI_PLUGIN := $(B)/lib/vicinal/libvic-mpi.so
PLUGINS := $(foreach i,$(ISAS),$(B)/lib/vicinal/libvic-cpu-$(i).so) $(if $(MPI_LIBS),$(MPI_PLUGIN))
plugins: $(PLUGINS)

define isa_rules
$(B)/isa-$(1)/%.o: %.c $(RULES) models/plugins.mk
	$$(call say,CC,$$< ($(1)))
	@mkdir -p $$(@D)
	$(Q)$$(COMPILE) $(CPU_FLAGS) $(ISA_$(1)) -DVIC_ISA='"$(1)"' -fPIC -fvisibility=hidden -MMD -MP -c -o $$@ $$<
$(B)/lib/vicinal/libvic-cpu-$(1).so: $(patsubst %.c,$(B)/isa-$(1)/%.o,$(CPU_SRC)) $(B)/models/core/ref/bag.o $(B)/models/core/ref/dense.o $(B)/lib/pipeline.a
	$$(call say,LD,$$@)
	@mkdir -p $$(@D)
	$(Q)$$(LINK) -shared -Wl,-Bsymbolic -Wl,--exclude-libs,ALL -o $$@ $$^ $$(CONFIG_LDFLAGS) $(ONEDNN_LIBS) $(BLAS_LIBS) $(LDLIBS_pipeline)
endef
$(foreach i,$(ISAS),$(eval $(call isa_rules,$(i))))
# What carries bytes between the ranks of a run: no program is linked with MPI.
$(B)/models/ranks/mpi/%.o: models/ranks/mpi/%.c $(RULES) models/plugins.mk
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(COMPILE) $(MPI_CPPFLAGS) -fPIC -fvisibility=hidden -MMD -MP -c -o $@ $<
$(MPI_PLUGIN): $(B)/models/ranks/mpi/mpi.o $(B)/lib/pipeline.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(LINK) -shared -Wl,-Bsymbolic -Wl,--exclude-libs,ALL -o $@ $^ $(CONFIG_LDFLAGS) $(MPI_LIBS) $(LDLIBS_pipeline)

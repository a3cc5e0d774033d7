# Backends are plug-ins opened at run time, so that no stage pays for one it does not use.
PLUGINS :=
plugins: $(PLUGINS)

#!/bin/sh
# Stands for the tests of a graphics card where the cuda plug-in finds none.
echo "1..0 # SKIP $("${BIN:?}"/vic-train --version | grep '^engine: none\|^passed over: ' | head -n 1 | grep . ||
	echo 'there is no cuda plug-in')"

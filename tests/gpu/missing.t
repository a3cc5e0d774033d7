#!/bin/sh
# Stands for the tests of this folder where they cannot be built.
echo "1..0 # SKIP the headers of CUDA or the library cuDNN are not there: nothing of the cuda plug-in is tested"

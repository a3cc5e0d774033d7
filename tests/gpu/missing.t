#!/bin/sh
# Stands for the tests of this folder where they cannot be built.
echo "1..0 # SKIP CUDA's headers are not there: nothing of the cuda backend is tested"

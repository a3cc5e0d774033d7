/* gpu: the libraries that the plug-in is built on. Every function of theirs that it calls is listed in
 * tests/gpu/calls.txt, and the linked plug-in is held to that list. */
#ifndef VIC_GPU_H
#define VIC_GPU_H

#include <cublas_v2.h>
#include <cuda_runtime_api.h>
#include <cudnn.h>

#endif

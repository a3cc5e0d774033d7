/* driver: libcuda.so.1 without a device. cuDNN looks for NVIDIA's driver before it plans for an engine that it compiles
 * at run time, and hands the driver what NVRTC made of it; here that is taken for granted and dropped. Everything else
 * is refused. $VIC_GPU_DRIVER names the library to the interpreter (interp.h). Never to be installed. */
#include <stddef.h>
#include <stdlib.h>

enum { SUCCESS = 0, OUT_OF_MEMORY = 2, NOT_SUPPORTED = 801 };

int cuDriverGetVersion(int *version);
int cuGetErrorName(int status, const char **name);
int cuGetErrorString(int status, const char **text);
int cuLibraryLoadData(void **library, const void *code, void *options, void **values, unsigned n, void *more,
		      void **more_values, unsigned n_more);
int cuLibraryUnload(void *library);
int cuLibraryGetKernel(void **kernel, void *library, const char *name);
int cuKernelSetAttribute(int name, int value, void *kernel, int device);
int cuKernelGetAttribute(int *value, int name, void *kernel, int device);

int cuDriverGetVersion(int *version)
{
	*version = 13000;
	return SUCCESS;
}

int cuGetErrorName(int status, const char **name)
{
	*name = status ? "CUDA_ERROR_NOT_SUPPORTED" : "CUDA_SUCCESS";
	return SUCCESS;
}

int cuGetErrorString(int status, const char **text)
{
	*text = status ? "a driver without a device" : "no error";
	return SUCCESS;
}

/* What was compiled must be a program for a card: an ELF file. */
int cuLibraryLoadData(void **library, const void *code, void *options, void **values, unsigned n, void *more,
		      void **more_values, unsigned n_more)
{
	const char *elf = code;
	(void)options;
	(void)values;
	(void)n;
	(void)more;
	(void)more_values;
	(void)n_more;
	if (elf[0] != 0x7f || elf[1] != 'E' || elf[2] != 'L' || elf[3] != 'F')
		return NOT_SUPPORTED;
	*library = malloc(1);
	return *library ? SUCCESS : OUT_OF_MEMORY;
}

int cuLibraryUnload(void *library)
{
	free(library);
	return SUCCESS;
}

int cuLibraryGetKernel(void **kernel, void *library, const char *name)
{
	(void)name;
	*kernel = library;
	return SUCCESS;
}

int cuKernelSetAttribute(int name, int value, void *kernel, int device)
{
	(void)name;
	(void)value;
	(void)kernel;
	(void)device;
	return SUCCESS;
}

int cuKernelGetAttribute(int *value, int name, void *kernel, int device)
{
	(void)kernel;
	(void)device;
	*value = name ? 0 : 1024; /* 0: threads of a block */
	return SUCCESS;
}

/* What cuDNN looks up besides. */
#define REFUSED(name)                                                                                                  \
	int name(void);                                                                                                \
	int name(void)                                                                                                 \
	{                                                                                                              \
		return NOT_SUPPORTED;                                                                                  \
	}
REFUSED(cuCtxGetCurrent)
REFUSED(cuCtxGetDevice)
REFUSED(cuCtxGetLimit)
REFUSED(cuCtxPopCurrent)
REFUSED(cuCtxPushCurrent)
REFUSED(cuDeviceGet)
REFUSED(cuDeviceGetAttribute)
REFUSED(cuDeviceGetCount)
REFUSED(cuDevicePrimaryCtxRelease)
REFUSED(cuDevicePrimaryCtxReset)
REFUSED(cuDevicePrimaryCtxRetain)
REFUSED(cuFuncGetAttribute)
REFUSED(cuFuncSetAttribute)
REFUSED(cuInit)
REFUSED(cuLaunchCooperativeKernel)
REFUSED(cuLaunchKernel)
REFUSED(cuLaunchKernelEx)
REFUSED(cuLibraryLoadFromFile)
REFUSED(cuLinkAddData)
REFUSED(cuLinkAddData_v2)
REFUSED(cuLinkAddFile_v2)
REFUSED(cuLinkComplete)
REFUSED(cuLinkCreate)
REFUSED(cuLinkCreate_v2)
REFUSED(cuLinkDestroy)
REFUSED(cuMemcpyDtoH_v2)
REFUSED(cuModuleGetFunction)
REFUSED(cuModuleGetGlobal_v2)
REFUSED(cuModuleLoadData)
REFUSED(cuModuleLoadDataEx)
REFUSED(cuModuleLoadFatBinary)
REFUSED(cuModuleUnload)
REFUSED(cuOccupancyMaxActiveBlocksPerMultiprocessor)
REFUSED(cuOccupancyMaxPotentialClusterSize)
REFUSED(cuStreamGetCtx)
REFUSED(cuStreamSynchronize)
REFUSED(cuTensorMapEncodeTiled)

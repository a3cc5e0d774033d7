/* nccl: NVIDIA's library that carries between cards, opened at run time, by who wants sums over several, so that
 * nothing else needs it. What is used of it is declared here (its header may be missing where it is not), as NCCL 2.7
 * and all later ones have it. The functions are listed in tests/gpu/calls.txt as those of gpu.h are. */
#ifndef VIC_NCCL_H
#define VIC_NCCL_H

#include "models/core/cuda/gpu.h"
#include "pipeline/base/err.h"

#include <stddef.h>

struct ncclComm;
/* As ncclUniqueId: handed by value. */
struct nccl_id {
	char internal[128];
};
/* ncclSuccess, ncclFloat32, ncclSum */
enum { NCCL_SUCCESS = 0, NCCL_FLOAT32 = 7, NCCL_SUM = 0 };

/* X(name, arguments); each returns a ncclResult_t. */
#define NCCL_CALLS(X)                                                                                                  \
	X(ncclGetVersion, (int *version))                                                                              \
	X(ncclGetUniqueId, (struct nccl_id *id))                                                                       \
	X(ncclCommInitRank, (struct ncclComm **comm, int size, struct nccl_id id, int rank))                           \
	X(ncclCommAbort, (struct ncclComm *comm))                                                                      \
	X(ncclGroupStart, (void))                                                                                      \
	X(ncclGroupEnd, (void))                                                                                        \
	X(ncclSend, (const void *from, size_t n, int type, int peer, struct ncclComm *comm, cudaStream_t stream))      \
	X(ncclRecv, (void *to, size_t n, int type, int peer, struct ncclComm *comm, cudaStream_t stream))              \
	X(ncclAllGather,                                                                                               \
	  (const void *from, void *to, size_t n, int type, struct ncclComm *comm, cudaStream_t stream))                \
	X(ncclAllReduce,                                                                                               \
	  (const void *from, void *to, size_t n, int type, int op, struct ncclComm *comm, cudaStream_t stream))

struct nccl {
	void *library; /* NULL: it is not open */
	char name[32]; /* "NCCL 2.28.9" */
	const char *(*ncclGetErrorString)(int result);
#define NCCL_FIELD(call, arguments) int(*call) arguments;
	NCCL_CALLS(NCCL_FIELD)
#undef NCCL_FIELD
};

/* n: zeroed, or open, which is fine. Error VIC_NO_DEVICE where there is none, or one that is too old. */
int nccl_open(struct nccl *n, struct err *err) VIC_CHECKED;
/* A call's result. */
int nccl_status(const struct nccl *n, int result, const char *what, struct err *err) VIC_CHECKED;

#endif

/* stub */
#include "cuda.h"
static int f(struct backend_ctx *ctx, const struct op_call *c, struct err *err) { (void)ctx; (void)c; return err_set(err, "stub"); }
const struct cuda_op cuda_wordconv = { f, f, NULL, NULL };
int cuda_update_all(struct backend_ctx *ctx, struct graph *g, const struct batch *b, const struct update *u, struct err *err) { (void)ctx; (void)g; (void)b; (void)u; return err_set(err, "stub"); }
int cuda_update(struct backend_ctx *ctx, struct param *p, const struct update *u, const uint32_t *rows, int n_rows, struct err *err) { (void)ctx; (void)p; (void)u; (void)rows; (void)n_rows; return err_set(err, "stub"); }
void segments_release(struct backend_ctx *ctx) { (void)ctx; }

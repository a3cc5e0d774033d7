#include "stage.h"
#include "stream.h"
#include <inttypes.h>
static const struct opt opts[] = { { 0 } };
static const struct program prog = { "vic-cat", "show a stream", "[FILE]", "x", "vic-cat x", NULL, opts, 0, 1, NULL };
static int run(struct stage *st, struct err *err)
{
	struct stream_reader *r;
	if (stream_open(&r, stage_operand(st, 0), err))
		return -1;
	int rc;
	uint64_t n = 0;
	struct block b;
	while ((rc = stream_next_document(r, err)) == 1) {
		while ((rc = stream_next_block(r, &b, err)) == 1)
			;
		if (rc < 0)
			break;
		n += stream_records(r);
	}
	stream_close(r);
	if (!rc)
		printf("records %" PRIu64 "\n", n);
	return rc;
}
int main(int argc, char **argv)
{
	return stage_main(&prog, argc, argv, run);
}

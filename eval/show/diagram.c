/* A reliability diagram in characters. When there are more than MOST_LINES bins, neighbours are joined by adding their
 * sums, so a joined line is a true wider bin. Lines above the highest and below the lowest filled bin are left out. */
#include "diagram.h"
#include "pipeline/files/text.h"

#include <inttypes.h>
#include <math.h>

enum { WIDTH = 50, MOST_LINES = 20 };

/* A bin's line. Cells up to the accuracy are bar; those between it and the confidence are the gap. */
static void draw_bin(double lo, double hi, const struct bin *c, int utf8, FILE *to)
{
	static const char *const ascii[] = { "#", "-", "+", "|", " " };
	static const char *const block[] = { "\xe2\x96\x88", "\xe2\x96\x91", "\xe2\x96\x93", "\xe2\x94\x82", " " };
	const char *const *ch = utf8 ? block : ascii;
	fprintf(to, "%.3f-%.3f ", lo, hi);
	if (!c->n) {
		fprintf(to, "%*s%8s\n", WIDTH + 1, "", "-");
		return;
	}
	double acc = bin_accuracy(c), conf = bin_conf(c);
	int mark = (int)lround(conf * WIDTH), bar = (int)lround(acc * WIDTH);
	for (int i = 0; i <= WIDTH; i++) {
		const char *s = ch[4];
		if (i == mark)
			s = ch[3];
		else if (i < bar)
			s = i > mark ? ch[2] : ch[0];
		else if (i < mark)
			s = ch[1];
		fputs(s, to);
	}
	fprintf(to, "%8" PRIu64 "  %+.3f\n", c->n, conf - acc);
}

void diagram_print(const struct bins *b, const char *title, int utf8, FILE *to)
{
	/* More bins than lines fit the eye: neighbours are joined. */
	int join = (b->m + MOST_LINES - 1) / MOST_LINES, last = (b->m - 1) / join, first = last, top = 0;
	for (int i = 0; i < b->m; i++)
		if (b->bin[i].n) {
			first = i / join < first ? i / join : first;
			top = i / join > top ? i / join : top;
		}
	putc('\n', to);
	text_put(to, title, TEXT_NAME);
	fprintf(to, "\n%-12s0%*s1%8s  %s\n", "confidence", WIDTH - 1, "accuracy", "n", "conf-acc");
	for (int g = top; g >= first; g--) {
		struct bin sum = { 0 };
		int from = g * join, end = from + join < b->m ? from + join : b->m;
		for (int i = from; i < end; i++) {
			sum.n += b->bin[i].n;
			sum.right += b->bin[i].right;
			sum.conf += b->bin[i].conf;
		}
		draw_bin((double)from / b->m, (double)end / b->m, &sum, utf8, to);
	}
	fprintf(to, "%-12s%s\n", "",
		utf8 ? "\xe2\x96\x88 accuracy  \xe2\x94\x82 mean confidence  \xe2\x96\x91 too confident  \xe2\x96\x93 "
		       "too modest"
		     : "# accuracy  | mean confidence  - too confident  + too modest");
}

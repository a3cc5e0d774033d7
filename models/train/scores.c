/* Accuracy and calibration of dev logits, and the lines of --history. Bins are those of pipeline/binof.h, as in
 * eval/. Of equal logits the first class wins, in `top` as in the rank after top5. ECE needs no bin counts, because
 * they cancel; OE does. */
#include "trainer.h"

#include "pipeline/base/binof.h"

#include <inttypes.h>
#include <math.h>

float target_hit(const float *logits, const float *target, int classes)
{
	int top = 0;
	for (int k = 1; k < classes; k++)
		if (logits[k] > logits[top])
			top = k;
	return target[top];
}

void scores_add(struct scores *s, const float *z, int classes, int label)
{
	double max = z[0], sum = 0;
	int top = 0, likelier = 0;
	for (int k = 1; k < classes; k++)
		if (z[k] > max) {
			max = z[k];
			top = k;
		}
	for (int k = 0; k < classes; k++) {
		sum += exp(z[k] - max);
		likelier += z[k] > z[label] || (z[k] == z[label] && k < label); /* of equals the first, as in `top` */
	}
	double conf = 1 / sum;
	int bin = bin_of(HISTORY_BINS, conf);
	s->n++;
	s->nll += log(sum) + max - z[label];
	s->confidence += conf;
	s->right += top == label;
	s->top5 += likelier < TOP;
	s->bin_n[bin]++;
	s->bin_right[bin] += top == label;
	s->bin_confidence[bin] += conf;
}

double scores_ece(const struct scores *s)
{
	double sum = 0;
	for (int i = 0; i < HISTORY_BINS; i++)
		sum += fabs(s->bin_confidence[i] - (double)s->bin_right[i]);
	return sum / (double)s->n;
}

double scores_oe(const struct scores *s)
{
	double sum = 0;
	for (int i = 0; i < HISTORY_BINS; i++) {
		double gap = s->bin_confidence[i] - (double)s->bin_right[i];
		if (s->bin_n[i] && gap > 0)
			sum += s->bin_confidence[i] / (double)s->bin_n[i] * gap;
	}
	return sum / (double)s->n;
}

size_t epoch_line_bytes(enum select select)
{
	return select == SELECT_DEV_REFINED ? sizeof(struct epoch_line) : offsetof(struct epoch_line, dev_refined);
}

void epoch_header(enum select select, FILE *to)
{
	fprintf(to,
		"epoch\tlr\ttrain_loss\ttrain_accuracy\tlabel_entropy\tdev_n\tdev_loss\tdev_accuracy\tdev_ece\tdev_oe\t"
		"dev_confidence\tdev_top5%s\n", select == SELECT_DEV_REFINED ? "\tdev_refined" : "");
}

void epoch_print(const struct epoch_line *l, enum select select, FILE *to)
{
	fprintf(to, "%" PRId64 "\t%.9g\t%.9g\t%.9g\t%.9g\t%" PRId64, l->epoch, l->lr, l->train_loss,
		l->train_accuracy, l->label_entropy, l->dev_n);
	double dev[] = { l->dev_loss,	    l->dev_accuracy, l->dev_ece,    l->dev_oe,
			 l->dev_confidence, l->dev_top5,     l->dev_refined };
	size_t n = sizeof dev / sizeof *dev - (select != SELECT_DEV_REFINED);
	for (size_t i = 0; i < n; i++)
		fprintf(to, l->dev_n ? "\t%.9g" : "\t-", dev[i]);
	fputc('\n', to);
}

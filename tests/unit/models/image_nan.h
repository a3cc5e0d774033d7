/* What a test of image ops asks of any device about NaN: that one in a pixel or a parameter reaches the loss, and leaves
 * with it. */
#ifndef VIC_TEST_IMAGE_NAN_H
#define VIC_TEST_IMAGE_NAN_H

#include "image_fixture.h"

/* As they were at first: running statistics take a NaN in. */
static inline void fill_all(struct fixture *f)
{
	for (int p = 0; p < f->g.n_params; p++)
		fill(&f->g, p, 0);
}

/* One in a window, after a ReLU, in a channel of a whole vector or of the rest. */
static inline void nan_pixels_are_seen(struct fixture *f, const char *device)
{
	static const struct picture_case windows_of_all = {
		"NaN", 2, 6, 5, 17, { MAX(0, 3, 2, 1), RELU(1), MIX(2, 1), DROP(3, 0, 1), ADD(4, 4), NORM2(5, 4, 1) },
		ALONE, 0, 1, 0, 0
	};
	setup(f, &windows_of_all, device, 2, 0);
	f->view[0] = (struct view){ 1, 1, 0 };
	for (int at = 0; at < 30 * 17; at += 7) {
		int pixel = ((at / 17 / 5 + 1) * f->images.w + at / 17 % 5 + 1) * 17 + at % 17;
		float was = f->real[0][pixel];
		f->real[0][pixel] = NAN;
		for (int phase = 0; phase < 3; phase++) {
			fill_all(f);
			forward(f, (enum phase)phase);
			if (!isnan(mean_loss(f)))
				fail_msg("%s: NaN in pixel %d is not seen in phase %d", device, pixel, phase);
		}
		f->real[0][pixel] = was;
	}
	teardown(f);
}

/* One in parameter p's last number. */
static inline void nan_parameter_is_seen(struct fixture *f, const char *device, const char *name, int p)
{
	const struct param *q = &f->g.param[p];
	struct err err = ERR_NONE;
	float *w = floats(param_size(q));
	assert_int_equal(graph_get(&f->g, p, w, &err), 0);
	w[param_size(q) - 1] = NAN;
	assert_int_equal(graph_set(&f->g, p, w, &err), 0);
	free(w);
	forward(f, q->kind == PARAM_STATE ? PHASE_PREDICT : PHASE_TRAIN);
	if (!isnan(mean_loss(f)))
		fail_msg("%s: %s: NaN in %s is not seen", device, name, q->name);
	fill_all(f);
	forward(f, PHASE_TRAIN);
	if (isnan(mean_loss(f)))
		fail_msg("%s: %s: NaN stays when it has left %s", device, name, q->name);
}

static inline void nan_is_seen_on(const char *device)
{
	struct fixture *f = calloc(1, sizeof *f);
	assert_non_null(f);
	nan_pixels_are_seen(f, device);
	for (int c = 0; c < SMALL_CASES; c++) {
		setup(f, &picture_cases[c], device, 2, 0);
		for (int p = 0; p < f->g.n_params; p++)
			nan_parameter_is_seen(f, device, picture_cases[c].name, p);
		teardown(f);
	}
	free(f);
}

#endif

/* Pictures to answers: how vic-images is called for a model of any history, or why it is not, what becomes of its names
 * and records, damaged ones too, and of its end. */
#include "models/predict/filemode.h"
#include "peers.h"

/* What is wrong with what vic-images gives. */
enum wrong { NOTHING, HEADER, NO_TAB, NO_END, NO_NAME, EMPTY, CUT, FOREIGN, WRONGS };
static const char *const complaints[WRONGS] = { [HEADER] = "vic-images: its list of names is damaged",
						[NO_TAB] = "vic-images: its list of names is damaged",
						[NO_END] = "vic-images: its list of names is damaged",
						[NO_NAME] = " has no name",
						[EMPTY] = "",
						[CUT] = "",
						[FOREIGN] = "" };
static size_t listed; /* names */

static void add_image(struct stream_writer *w, int i)
{
	struct err err = ERR_NONE;
	unsigned char pixels[SIDE * SIDE];
	for (int k = 0; k < SIDE * SIDE; k++)
		pixels[k] = (unsigned char)below(256);
	s.id[i] = (i ? s.id[i - 1] + 1 : 0) + (below(40) ? 0 : (uint64_t)below(3));
	assert_int_equal(stream_add(w, s.id[i], -1, SPLIT_TEST, pixels, sizeof pixels, &err), 0);
}

static void make_image_model(struct made *m)
{
	struct err err = ERR_NONE;
	memset(m, 0, sizeof *m);
	m->data.head = (struct stream_head){ .kind = STREAM_IMAGES };
	m->plan = (struct plan){ .net = &net_smallcnn,
				 .preprocessing = { .h = SIDE, .w = SIDE, .mean = { 100 }, .deviation = { 50 } },
				 .config = { .classes = CLASSES, .image = { SIDE, SIDE, 1 }, .width_factor = 0.125 } };
	graph_init(&m->g);
	if (device_open(&m->dev, "ref", 1, &err) || stream_head_classes(&m->data.head, CLASSES, classes, &err) ||
	    net_smallcnn.build(&net_smallcnn, &m->g, &m->plan.config, &err))
		fail_msg("%s", err.msg);
	m->g.dev = &m->dev;
	for (int p = 0; p < m->g.n_params; p++) {
		assert_int_equal(mem_alloc(&m->weight[p], param_size(&m->g.param[p]), sizeof(float), &err), 0);
		net_smallcnn.init(&net_smallcnn, &m->plan.config, &m->g.param[p], p, 3, m->weight[p]);
	}
	m->fd = memory_file(m->path);
}

static void name_of(size_t i, char name[32])
{
	snprintf(name, 32, i % 5 == 3 ? "with a\ttab %zu" : i % 5 == 4 ? "" : "%zu.png", i);
}

/* After the stream is made, whose records' ids it reads. */
static void make_names(int short_by)
{
	static char text[ROOM];
	char name[32];
	size_t at = 0, ids = s.n ? (size_t)s.id[s.n - 1] + 1 : 0;
	append(text, sizeof text, &at, "id\tname\n");
	listed = short_by ? ids - (size_t)short_by : ids + (size_t)(below(3) ? 0 : below(3));
	for (size_t i = 0; i < listed; i++) {
		name_of(i, name);
		append(text, sizeof text, &at, "%zu\t%s\n", i, name);
	}
	memmove(play.bytes + at, play.bytes, play.stream);
	memcpy(play.bytes, text, at);
	play.names = at;
}

static enum wrong make_wrong(void)
{
	enum wrong w = below(2) ? NOTHING : (enum wrong)below(WRONGS);
	struct stream_head images = { .kind = STREAM_IMAGES, .height = SIDE, .width = SIDE, .channels = 1 };
	play.names = 0;
	make_stream(&images, add_image);
	w = w == NO_NAME && !s.n ? NOTHING : w;
	make_names(w == NO_NAME ? 1 + below((int)s.id[s.n - 1] + 1) : 0);
	if ((w == NO_TAB || w == NO_END) && !listed)
		w = NOTHING;
	char *tab = (char *)play.bytes + strlen("id\tname\n");
	for (size_t i = listed ? (size_t)below((int)listed) : 0; i > 0; i--)
		tab = strchr(tab, '\n') + 1;
	if (w == HEADER)
		play.bytes[below(8)] = 'x';
	for (char *c = tab; w == NO_TAB && *c != '\n'; c++)
		*c = *c == '\t' ? 'x' : *c;
	if (w == NO_END)
		memmove(play.bytes + play.names - 1, play.bytes + play.names, play.stream);
	else if (w == CUT)
		play.stream -= 1 + (size_t)below((int)play.stream);
	play.names -= w == NO_END;
	play.stream = w == EMPTY ? 0 : play.stream;
	if (w == FOREIGN)
		play.bytes[play.names] ^= 1;
	return w;
}

/* A line of the history that cannot be followed, or the first of vic-images in *line; -1: there is none. */
static const char *plain_line(int *line)
{
	*line = -1;
	for (int i = 0; i < s.lines; i++) {
		int shapes = has(i, "--resize=") || has(i, "--fit=") || has(i, "--channels=") || has(i, "--as-stored");
		if (!strcmp(s.program[i], "vic-perturb"))
			return ": its training pictures were moved by vic-perturb, ";
		if (!strcmp(s.program[i], "vic-images") && *line >= 0 && shapes)
			return ": its pictures were made in two passes of vic-images; ";
		if (!strcmp(s.program[i], "vic-images") && *line < 0)
			*line = i;
	}
	return NULL;
}

static void wants_images(int line, const struct want *was, char *const *paths, int n, int fit)
{
	char size[32];
	int stretch = was->h ? was->fit == FIT_STRETCH : fit == FILE_FIT_STRETCH;
	line = was->h ? -1 : line;
	snprintf(size, sizeof size, "--resize=%dx%d", was->h ? was->h : SIDE, was->h ? was->w : SIDE);
	wants_begin("vic-images", line);
	wants("--quiet");
	wants("--format=files");
	wants("--encoding=raw");
	wants("--on-bad=list");
	wants("--names=");
	if (!has(line, "--resize=")) {
		wants(size);
		wants(stretch ? "--fit=stretch" : "--fit=crop");
	}
	if (!has(line, "--channels="))
		wants("--channels=1");
	wants("--");
	for (int i = 0; i < n; i++)
		wants(paths[i]);
	if (!n)
		wants("-");
}

/* Records of blocks that were answered whole. */
static size_t plain_answered(enum wrong w)
{
	size_t whole = 0;
	for (int i = 0; i < s.n; i++) {
		if (w == NO_NAME && s.id[i] >= listed)
			return whole;
		whole = s.ends[i] || i == s.n - 1 ? (size_t)i + 1 : whole;
	}
	return w == NOTHING ? whole : 0;
}

static void check_end(enum wrong w, int rc, const struct err *err, int top_k)
{
	char want[256] = "", name[32];
	size_t answered = plain_answered(w);
	const char *at = out;
	int ends = play.status > 0 && play.status <= 128;
	if (ends)
		snprintf(want, sizeof want, "the pictures could not be read%s",
			 answered ? "; those above are answered" : "");
	else if (w == NOTHING && answered < listed)
		snprintf(want, sizeof want,
			 "%zu of %zu pictures could not be decoded, as said above; the others are answered",
			 listed - answered, listed);
	if (rc != (*want || w ? -1 : 0))
		fail_msg("%d, of %d: %s", rc, w, err->msg);
	if (*want && !(w == CUT ? begins(err->msg, "the pictures could not be read") : !strcmp(err->msg, want)))
		fail_msg("'%s', not '%s'", err->msg, want);
	if (w && !ends && !strstr(err->msg, complaints[w]))
		fail_msg("wrong %d: '%s'", w, err->msg);
	for (size_t i = 0; i < answered; i++) {
		name_of((size_t)s.id[i], name);
		check_answer(&at, name, s.z[i], top_k);
	}
	assert_true(w || !*at);
}

static void pictures(void **state)
{
	static const char *const programs[] = { "vic-images", "vic-images", "vic-split", "vic-perturb", "" },
				 *const args[] = { "--resize=8", "--fit=crop", "--channels=1", "--as-stored", "--", "-",
						   "--resized",	 "--seed=1",   "folder",       "--channels" };
	static char one[] = "one.png", two[] = "a folder";
	static char *const paths[] = { one, two };
	static struct made made;
	(void)state;
	make_image_model(&made);
	for (int i = 0; i < 80; i++) {
		struct err err = ERR_NONE;
		char want[SCRATCH_PATH];
		int line, n = below(3), fit = below(3), top_k = below(CLASSES + 1), perturbed = below(5) == 0;
		int jpeg = below(4) == 0;
		struct want was = { jpeg ? SIDE + below(3) : 0, jpeg ? SIDE + below(3) : 0, (enum image_fit)below(2) };
		made.plan.picture = was;
		open_model(&made, make_history(programs, perturbed ? 5 : 3, args, below(2) ? 10 : 1));
		enum wrong w = make_wrong();
		struct calibrated *map = make_map();
		put_play();
		const char *why = plain_line(&line);
		int sized = was.h || has(line, "--resize=");
		fit = below(4) ? sized ? FILE_FIT_NONE : FILE_FIT_CROP + below(2) : fit;
		if (!why && sized && fit)
			why = " says itself how its pictures came to 4x4";
		else if (!why && !sized && !fit)
			why = ": its records are 4x4, and nothing says how pictures of another size come to that; ";
		listen_to();
		int rc = filemode_run(&s.p, map, paths, n, fit, top_k, &err);
		listened();
		snprintf(want, sizeof want, "%s%s", s.model.file.name, why ? why : "");
		if (why && (rc != -1 || !strstr(err.msg, want) || !access(in_folder("argv"), F_OK)))
			fail_msg("'%s', not '%s'", err.msg, want);
		if (!why) {
			wants_images(line, &was, paths, n, fit);
			check_argv();
			check_end(w, rc, &err, top_k);
		}
		close_model();
	}
	release_model(&made);
}

int main(int argc, char **argv)
{
	if (strstr(argv[0], "vic-images"))
		return as_peer(argc, argv);
	const struct CMUnitTest tests[] = { cmocka_unit_test(pictures) };
	rng_init(&random_state, 82, RNG_TEST, 0, 0);
	peers_begin("vic-images");
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	peers_end("vic-images");
	return failed;
}

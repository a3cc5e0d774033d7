/* One loop over a table of decoders. A reader is inside a member, or `between` two, where the input may end and nothing
 * may follow but another member (or, of xz, zeros). A decoder is begun anew for each member. */
#include "unpack_coders.h"
#include "pipeline/base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { OUT = 256 * 1024 };

/* The bytes of the first name in a zip that are there, of n >= 30; it begins at head + 30. */
static size_t first_name(const unsigned char *head, size_t n)
{
	size_t name = head[26] | (size_t)head[27] << 8;
	return name > n - 30 ? n - 30 : name;
}

/* A zip of arrays, or a PyTorch file. */
static int zip_of_arrays(const unsigned char *head, size_t n)
{
	size_t name = first_name(head, n);
	return name > 4 && (!memcmp(head + 30 + name - 4, ".npy", 4) || memmem(head + 30, name, "data.pkl", 8));
}

int unpack_of_office(const unsigned char *head, size_t n)
{
	static const char *const first[] = { "[Content_Types].xml", "_rels/.rels", "docProps/app.xml",
					     "docProps/core.xml", "xl/workbook.xml", "mimetype" };
	size_t name = n < 30 || memcmp(head, "PK\3\4", 4) ? 0 : first_name(head, n);
	for (size_t i = 0; i < sizeof first / sizeof *first; i++)
		if (name == strlen(first[i]) && !memcmp(head + 30, first[i], name))
			return 1;
	return 0;
}

const char *unpack_kind(const unsigned char *head, size_t n, int *more)
{
	const char *kind = NULL;
	int unsure = 0;
	for (int i = 0; i < UNPACK_CODERS && n; i++) {
		size_t k = unpack_coders[i].magic_n < n ? unpack_coders[i].magic_n : n;
		if (memcmp(head, unpack_coders[i].magic, k))
			continue;
		if (k < unpack_coders[i].magic_n)
			unsure = 1;
		else
			kind = unpack_coders[i].kind;
	}
	if (kind && *kind == 'b') { /* text may begin so: level 1 to 9, then a block or the end */
		unsure = n < 10;
		if (n > 3 && (head[3] < '1' || head[3] > '9'))
			kind = NULL, unsure = 0;
		else if (n >= 10 && memcmp(head + 4, "1AY&SY", 6) && memcmp(head + 4, "\x17\x72\x45\x38\x50\x90", 6))
			kind = NULL;
		else if (n < 10)
			kind = NULL;
	}
	if (kind && *kind == 'z') {
		unsure = n < 30 || n < 30 + (head[26] | (size_t)head[27] << 8);
		if (!unsure && (zip_of_arrays(head, n) || unpack_of_office(head, n)))
			kind = NULL; /* by the whole of its first name */
	}
	if (more)
		*more = unsure && n < UNPACK_HEAD;
	return kind;
}

/* -1, with the name in front where there is one. */
static int unpack_fault(const struct unpack *u, struct err *err)
{
	return u->name ? err_context(err, "%s", u->name) : -1;
}

static int begin_member(struct unpack *u, struct err *err)
{
	if (u->coder->begin(u) == STEP_MORE) {
		u->begun = 1;
		return 0;
	}
	err_memory(err);
	return unpack_fault(u, err);
}

/* To the first file of a zip, past folders and what macOS puts in. */
static int next_in_zip(struct unpack *u, struct err *err)
{
	const char *name;
	size_t n;
	int rc;
	while ((rc = zip_next(u->zip, &name, err)) == 1) {
		n = strlen(name);
		if (n && name[n - 1] != '/' && strncmp(name, "__MACOSX/", 9))
			return 1;
	}
	return rc;
}

int unpack_open(struct unpack **out, const char *kind, struct supply *from, const char *name, struct err *err)
{
	struct unpack *u;
	if (mem_alloc(&u, 1, sizeof *u, err))
		return -1;
	u->from = from;
	u->name = name;
	for (int i = 0; i < UNPACK_CODERS; i++)
		if (!strcmp(unpack_coders[i].kind, kind))
			u->coder = &unpack_coders[i];
	int rc = 0;
	if (u->coder->without) {
		err_set(err, "is %s data, which needs %s, and this build does without; install that and make anew, or "
			     "unpack it first", kind, u->coder->without);
		rc = unpack_fault(u, err);
	} else if (!u->coder->begin) {
		rc = zip_open(&u->zip, from, name, err) ? -1 : next_in_zip(u, err);
		if (!rc) {
			err_set(err, "the zip archive holds no file");
			rc = unpack_fault(u, err);
		}
	} else {
		rc = begin_member(u, err);
	}
	if (rc < 0) {
		unpack_close(u);
		return -1;
	}
	*out = u;
	return 0;
}

void unpack_close(struct unpack *u)
{
	if (!u)
		return;
	if (u->begun)
		u->coder->end(u);
	zip_close(u->zip);
	free(u);
}

/* Between two members: 1 when another begins, 0 at the end, -1: something else is there. */
static int next_member(struct unpack *u, struct err *err)
{
	while (*u->coder->magic == '\xFD' && u->from->n && !*u->from->p) { /* xz: zeros, by fours */
		unpack_advance(u, 1, 0);
		u->padding++;
		if (!u->from->n && u->from->fill(u->from, err))
			return -1;
	}
	int aligned = u->padding % 4 == 0;
	if (!u->from->n && aligned)
		return 0;
	unsigned char first = u->from->n ? *u->from->p : 0;
	int skippable = *u->coder->kind == 'Z' && first >= 0x50 && first <= 0x5F; /* of Zstandard: ignored by it */
	if (!aligned || (first != (unsigned char)*u->coder->magic && !skippable)) {
		err_set(err, "bytes that are no %s data follow its end", u->coder->kind);
		return unpack_fault(u, err);
	}
	u->between = 0;
	return begin_member(u, err) ? -1 : 1;
}

static int read_zip(struct unpack *u, size_t n, size_t *got, struct err *err)
{
	size_t k = 1;
	*got = 0;
	while (*got < n && k) {
		if (zip_read(u->zip, u->out, n - *got, &k, err))
			return -1;
		unpack_advance(u, 0, k);
		*got += k;
	}
	if (*got == n || u->between)
		return 0;
	u->between = 1;
	int rc = next_in_zip(u, err);
	if (rc <= 0)
		return rc;
	err_set(err, "the zip archive holds several files; unzip it, or give one of them: unzip -p FILE NAME");
	return unpack_fault(u, err);
}

int unpack_read(struct unpack *u, void *to, size_t n, size_t *got, struct err *err)
{
	u->out = to;
	u->room = n;
	if (u->zip)
		return read_zip(u, n, got, err);
	while (u->room) {
		if (!u->from->n && u->from->fill(u->from, err))
			return -1;
		if (u->between) {
			int rc = u->from->n || u->padding ? next_member(u, err) : 0;
			if (rc < 0)
				return -1;
			if (!rc)
				break;
		}
		if (!u->from->n) {
			err_set(err, "the %s data is truncated; get the file again", u->coder->kind);
			return unpack_fault(u, err);
		}
		enum step s = u->coder->step(u);
		u->between = s == STEP_END;
		if (s == STEP_MEMORY) {
			err_memory(err);
			return unpack_fault(u, err);
		}
		if (s == STEP_BAD) {
			err_set(err, "the %s data is damaged%s%s%s; get the file again", u->coder->kind,
				u->why ? " (" : "", u->why ? u->why : "", u->why ? ")" : "");
			return unpack_fault(u, err);
		}
	}
	*got = n - u->room;
	return 0;
}

static int no_more(struct supply *s, struct err *err)
{
	(void)s, (void)err;
	return 0;
}

int unpack_memory(const unsigned char *data, size_t len, size_t max, unsigned char **out, size_t *out_len,
		  struct err *err)
{
	struct supply from = { .fill = no_more, .p = data, .n = len };
	struct unpack *u = NULL;
	unsigned char *buf = NULL;
	size_t cap = 0, n = 0, got;
	const char *kind = unpack_kind(data, len < UNPACK_HEAD ? len : UNPACK_HEAD, NULL);
	if (!kind)
		return err_set(err, "is not compressed");
	if (unpack_open(&u, kind, &from, NULL, err))
		return -1;
	do {
		if (mem_grow(&buf, &cap, n + OUT + 1, 1, err) || unpack_read(u, buf + n, OUT, &got, err))
			goto fail;
		n += got;
		if (n > max) {
			err_set(err, "unpacks to more than %zu bytes", max);
			goto fail;
		}
	} while (got == OUT);
	buf[n] = 0;
	unpack_close(u);
	*out = buf;
	*out_len = n;
	return 0;
fail:
	unpack_close(u);
	free(buf);
	return -1;
}

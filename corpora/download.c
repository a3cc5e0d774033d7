/* Loading by curl. A loaded FILE.part is renamed to FILE only after its published sum or size was checked, and FILE is
 * not checked again by a later run. */
#include "download.h"
#include "check.h"
#include "command.h"
#include "files.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int no_network(const struct fetch_work *w, const struct remote *r, const char *why, struct err *err)
{
	return err_set(
		err,
		"%s: %s; get %s from %s on a machine with network, put it into a folder and run: vic-corpora fetch %s "
		"--from FOLDER (or make data: vic-corpora synth text)",
		w->d->name, why, r->file, r->url, w->d->name);
}

static int curl_failed(const struct fetch_work *w, const struct remote *r, int status, struct err *err)
{
	char why[128];
	switch (status) {
	case 5:
	case 6:
	case 7:
	case 28:
	case 35:
	case 52:
	case 55:
	case 56: /* names, connections, time-outs */
		snprintf(why, sizeof why, "the network cannot be reached (curl's exit status %d)", status);
		return no_network(w, r, why, err);
	case 18:
		return err_set(err, "%s: %s: the transfer broke off; run the same command again, it goes on from there",
			       w->d->name, r->url);
	case 22:
		return err_set(err, "%s: %s: the server answers with an error; has the file moved?", w->d->name,
			       r->url);
	default:
		return err_set(err, "%s: %s: curl failed (exit status %d, see curl(1))", w->d->name, r->url, status);
	}
}

static int curl(const struct fetch_work *w, const struct remote *r, const char *part, int resume, int *status,
		struct err *err)
{
	const char *const argv[] = { "curl",
				     "--fail",
				     "--location",
				     "--retry",
				     "3",
				     "--retry-delay",
				     "2",
				     "--connect-timeout",
				     "20",
				     "--speed-limit",
				     "1",
				     "--speed-time",
				     "60",
				     "--continue-at",
				     resume ? "-" : "0",
				     "--output",
				     part,
				     w->f->quiet || !isatty(2) ? "--silent" : "--progress-bar",
				     "--show-error",
				     "--url",
				     r->url,
				     NULL };
	/* curl has its own limits; this one is for a curl that hangs */
	return command_run(&(struct command_ask){ .argv = argv, .grows = part, .seconds = 300 }, NULL, 0, status, err);
}

/* Loads into part, going on where it stopped. What a server cannot continue is loaded anew. */
static int download_file(const struct fetch_work *w, const struct remote *r, const char *part, struct err *err)
{
	uint64_t have = 0;
	int status = 0;
	if (path_kind(part) == PATH_FILE && file_bytes(part, &have, err))
		return -1;
	if (r->bytes && have == r->bytes)
		return 0; /* complete, but the last run ended before it was checked */
	fetch_say(w, "loading %s%s", r->url, have ? " (going on)" : "");
	if (curl(w, r, part, have > 0, &status, err))
		return -1;
	if (status && have && (status == 22 || status == 33 || status == 36)) {
		if (unlink(part))
			return err_sys(err, "%s", part);
		if (curl(w, r, part, 0, &status, err))
			return -1;
	}
	return status ? curl_failed(w, r, status, err) : 0;
}

/* A loaded file that is not the published one is removed: going on from it would never make it right. */
static int check_loaded(const struct fetch_work *w, const struct remote *r, const char *part, struct err *err)
{
	char got[160];
	int differs = 0;
	uint64_t n;
	if (file_bytes(part, &n, err))
		return -1;
	if (r->sum && check_sum(part, r->sum, got, &differs, err))
		return -1;
	if (differs || (!r->sum && r->bytes && n != r->bytes)) {
		unlink(part);
		return err_set(err, "%s: %s is not the published file (%s, published by %s: %s); removed, try again",
			       w->d->name, r->url, differs ? got : "another size",
			       r->sum_source ? r->sum_source : "nobody", r->sum ? r->sum : "no sum");
	}
	if (!r->sum)
		fetch_say(w, "%s: no published checksum is known; it has %" PRIu64 " bytes", r->file, n);
	return 0;
}

int download(const struct fetch_work *w, const struct remote *r, char **file, struct err *err)
{
	char name[256], *part = NULL;
	int rc;
	*file = NULL;
	snprintf(name, sizeof name, "%s.part", r->file);
	rc = path_join(file, w->part, r->file, err) || path_join(&part, w->part, name, err);
	if (!rc && path_kind(*file) != PATH_FILE) {
		rc = w->f->offline ? no_network(w, r, "VIC_OFFLINE is set", err)
				   : download_file(w, r, part, err) || check_loaded(w, r, part, err);
		if (!rc && rename(part, *file))
			rc = err_sys(err, "%s: rename", *file);
	}
	free(part);
	return rc ? -1 : 0;
}

/* registry: what is known of each data set: where it comes from, under what terms, and by what a copy is recognised. */
#ifndef VIC_REGISTRY_H
#define VIC_REGISTRY_H

#include <stdint.h>

/* A file to be had. One named .tar.gz, .tgz, .tar or .zip is unpacked, any other is kept as it is. */
struct remote {
	const char *url, *file; /* file: the name it is saved under */
	const char *other;	/* names under which local copies are known, "a|b", or NULL */
	const char *sum;	/* "sha256:HEX" or "md5:HEX" as published, or NULL: none is known */
	const char *sum_source; /* who published it */
	uint64_t bytes;		/* 0: not known */
};

/* What must be true of the data set's folder. path: relative to it; "a|b": the first that is there. */
enum fact_kind {
	FACT_LINES, /* n lines, those of a .gz decompressed; arg: that begin with it, or NULL */
	FACT_FILES, /* n files below the folder; arg: whose names end so */
	FACT_BYTES, /* n bytes */
	FACT_SUM,   /* arg: "sha256:HEX" or "md5:HEX" */
};
struct fact {
	enum fact_kind kind;
	const char *path, *arg;
	uint64_t n;
};

/* A copy that is known not to be the original. */
struct deviation {
	const char *sha256, *what;
};

struct dataset {
	const char *name;  /* and the folder it is put into */
	const char *other; /* another name its folder has in local copies, or NULL */
	const char *title, *terms, *citation;
	const char
		*top; /* the archive's one folder, whose contents are the data set; NULL: the archive has no folder */
	const struct remote *remote;	   /* ends with url NULL */
	const struct fact *fact;	   /* ends with path NULL */
	const struct deviation *deviation; /* ends with sha256 NULL */
};

extern const struct dataset registry[];		       /* ends with name NULL */
const struct dataset *registry_find(const char *name); /* NULL when there is none */

#endif

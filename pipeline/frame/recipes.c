/* recipes: finds the scripts of `vic run`, and becomes one. */
#include "recipes.h"

#include "opt.h"
#include "pipeline/base/mem.h"
#include "pipeline/files/retry.h"
#include "stage.h"

#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char TITLE[] = "# vic run: ";
enum { TITLE_LINES = 10 }; /* it stands among the first of these */

/* From the folder of the programs: installed, in build/, in build/MODE/. */
static const char *const places[] = { "../share/vicinal/recipes", "../../pipeline/recipes",
				      "../../../pipeline/recipes" };
enum { PLACES = sizeof places / sizeof *places };

static int folder_of_programs(char **folder, struct err *err)
{
	char *self;
	if (stage_peer("vic", &self, err))
		return -1;
	int rc = mem_printf(folder, err, "%s", dirname(self));
	free(self);
	return rc;
}

/* *folder: its full path, so that a recipe may go elsewhere. */
static int find_folder(char **folder, struct err *err)
{
	const char *named = getenv("VIC_RECIPES");
	char *bin, *path;
	if (named && *named)
		return (*folder = realpath(named, NULL)) ? 0 : err_sys(err, "VIC_RECIPES: %s", named);
	if (folder_of_programs(&bin, err))
		return -1;
	int rc = 0;
	for (int i = 0; !rc && !*folder && i < PLACES; i++) {
		rc = mem_printf(&path, err, "%s/%s", bin, places[i]);
		if (rc)
			break;
		if (!(*folder = realpath(path, NULL)) && errno != ENOENT)
			rc = err_sys(err, "%s", path);
		free(path);
	}
	if (!rc && !*folder)
		rc = err_set(err, "no recipes beside %s (%s); VIC_RECIPES names their folder", bin, places[0]);
	free(bin);
	return rc;
}

/* *title: owned, or NULL where the script is no recipe. */
static int title_of(const char *folder, const char *file, char **title, struct err *err)
{
	char *path, line[512];
	*title = NULL;
	if (mem_printf(&path, err, "%s/%s", folder, file))
		return -1;
	FILE *f = fopen(path, "re");
	int rc = f ? 0 : err_sys(err, "%s", path);
	for (int i = 0; !rc && !*title && i < TITLE_LINES && fgets(line, sizeof line, f); i++)
		if (!strncmp(line, TITLE, sizeof TITLE - 1))
			rc = mem_text(title, line + sizeof TITLE - 1, strcspn(line + sizeof TITLE - 1, "\n"), err);
	if (!rc && ferror(f))
		rc = err_sys(err, "%s", path);
	if (f)
		fclose(f);
	free(path);
	return rc;
}

static int take_recipe(struct recipes *r, const char *file, struct err *err)
{
	size_t n = strlen(file);
	char *title;
	if (n < 4 || *file == '.' || strcmp(file + n - 3, ".sh"))
		return 0;
	if (title_of(r->folder, file, &title, err))
		return -1;
	if (!title)
		return 0;
	if (mem_grow(&r->name, &r->cap, r->n + 1, sizeof *r->name, err) ||
	    mem_grow(&r->title, &r->title_cap, r->n + 1, sizeof *r->title, err) ||
	    mem_text(&r->name[r->n], file, n - 3, err)) {
		free(title);
		return -1;
	}
	/* In its place among those that were found before. */
	size_t i = r->n++;
	char *name = r->name[i];
	for (; i && strverscmp(r->name[i - 1], name) > 0; i--) {
		r->name[i] = r->name[i - 1];
		r->title[i] = r->title[i - 1];
	}
	r->name[i] = name;
	r->title[i] = title;
	return 0;
}

int recipes_find(struct recipes *r, struct err *err)
{
	struct dirent *entry;
	if (find_folder(&r->folder, err))
		return -1;
	DIR *dir = retry_folder(r->folder);
	if (!dir)
		return err_sys(err, "%s", r->folder);
	int rc = 0;
	while (!rc && (errno = 0, entry = readdir(dir)))
		rc = take_recipe(r, entry->d_name, err);
	if (!rc && errno)
		rc = err_sys(err, "%s", r->folder);
	closedir(dir);
	return rc;
}

void recipes_release(struct recipes *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->name[i]);
		free(r->title[i]);
	}
	free(r->name);
	free(r->title);
	free(r->folder);
}

static int unknown_recipe(const struct recipes *r, const char *name, struct err *err)
{
	int near = opt_nearest(name, (const char *const *)r->name, (int)r->n);
	for (size_t i = 0; near < 0 && i < r->n; i++) /* fig4: fig4-text */
		if (*name && !strncmp(name, r->name[i], strlen(name)))
			near = (int)i;
	if (near >= 0)
		return err_usage(err, "unknown recipe '%s'; did you mean '%s'?", name, r->name[near]);
	return err_usage(err, "unknown recipe '%s'; `vic run` lists them", name);
}

/* What scripts find in their environment. */
static int tell_places(const struct recipes *r, struct err *err)
{
	char *bin;
	if (folder_of_programs(&bin, err))
		return -1;
	int rc = setenv("VIC_RECIPES", r->folder, 1) || setenv("VIC_BIN", bin, 1) ? err_memory(err) : 0;
	free(bin);
	return rc;
}

int recipes_script(const struct recipes *r, size_t i, char **script, struct err *err)
{
	return tell_places(r, err) || mem_printf(script, err, "%s/%s.sh", r->folder, r->name[i]) ? -1 : 0;
}

static int script_of(const struct recipes *r, const char *name, char **script, struct err *err)
{
	size_t i = 0;
	if (strchr(name, '/')) {
		if (access(name, R_OK))
			return err_sys(err, "%s", name);
		return tell_places(r, err) || mem_printf(script, err, "%s", name) ? -1 : 0;
	}
	while (i < r->n && strcmp(name, r->name[i]))
		i++;
	return i == r->n ? unknown_recipe(r, name, err) : recipes_script(r, i, script, err);
}

int recipes_become(const struct recipes *r, char **argv, struct err *err)
{
	char *script = NULL, **line = NULL;
	size_t n = 0;
	while (argv[n])
		n++;
	if (!script_of(r, argv[0], &script, err) && !mem_alloc(&line, n + 2, sizeof *line, err)) {
		line[0] = (char *)(uintptr_t) "sh";
		line[1] = script;
		memcpy(line + 2, argv + 1, n * sizeof *argv); /* the NULL too */
		execvp("sh", line);
		err_sys(err, "sh");
	}
	free(line);
	free(script);
	return -1;
}

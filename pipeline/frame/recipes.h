/* recipes: the scripts that `vic run` starts. They lie in one folder: $VIC_RECIPES, else share/vicinal/recipes beside
 * the folder of the programs, else pipeline/recipes of the source tree that build/ (or build/MODE/) lies in.
 *
 * A recipe is a file NAME.sh there with a line "# vic run: TITLE" among its first ten; other scripts are none. */
#ifndef VIC_RECIPES_H
#define VIC_RECIPES_H

#include "pipeline/base/err.h"

struct recipes {
	char *folder; /* owned, as are the names and titles */
	char **name;  /* without ".sh", sorted, numbers in a name by their value: fig2 before fig10 */
	char **title; /* of each */
	size_t n, cap, title_cap;
};

/* Fills *r, which is {0}. Errors: no folder of recipes, one that cannot be read. Release *r in either case. */
int recipes_find(struct recipes *r, struct err *err) VIC_CHECKED;
void recipes_release(struct recipes *r);
/* The script of recipe i, owned by the caller; from here on VIC_RECIPES and VIC_BIN, the folder of these programs, are
 * in the environment, where it looks for them. */
int recipes_script(const struct recipes *r, size_t i, char **script, struct err *err) VIC_CHECKED;
/* Becomes the shell that runs a recipe: a name of the folder, or a path (with a '/') to a script of one's own. argv:
 * [n], with a NULL after; argv[0] is the recipe, the others are its own. Returns only on failure. Errors: an unknown
 * name (VIC_USAGE, with the nearest). */
int recipes_become(const struct recipes *r, char **argv, struct err *err) VIC_CHECKED;

#endif

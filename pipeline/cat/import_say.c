/* What --from tells of what it read. */
#include "import.h"

#include <inttypes.h>

static void say_counts(const struct stage *st, const struct import_notes *notes)
{
	const struct {
		uint64_t n;
		const char *what;
	} note[] = {
		{ notes->rows.boms, "byte order marks were dropped" },
		{ notes->rows.blank, "blank lines were passed over" },
		{ notes->comments, "lines begin with # and were passed over as comments" },
		{ notes->ignored, "labels are those of --ignore and mean none" },
		{ notes->clipped, "probabilities lay outside 0 to 1 by a rounding and were clipped" },
		{ notes->rows.sep_lines, "first line says what stands between columns (sep=), as Excel writes it" },
	};
	for (size_t i = 0; i < sizeof note / sizeof *note; i++)
		if (note[i].n)
			stage_say(st, "%" PRIu64 " %s", note[i].n, note[i].what);
}

void import_say(const struct stage *st, const struct import_notes *notes)
{
	say_counts(st, notes);
	if (notes->unmet)
		stage_say(st, "no label is one of --ignore");
	if (notes->repeated)
		stage_say(st,
			  "%" PRIu64 " records have an id that an earlier one has (%" PRIu64 " on lines %" PRIu64
			  " and %" PRIu64 " first); if it does not tell records apart, leave out --id-column",
			  notes->repeated, notes->repeated_id, notes->repeated_line[0], notes->repeated_line[1]);
	if (notes->like_probs)
		stage_say(st, "the values of every record lie in 0 to 1 and sum to 1: if they are probabilities and no "
			      "logits, say --kind probs");
	if (notes->like_sigmoids)
		stage_say(st, "the values of every record lie in 0 to 1 and do not always sum to 1: if they are "
			      "sigmoids, log(p / (1 - p)) of each is its logit");
	if (notes->minus)
		stage_say(st,
			  "labels are 1 and -1, never 0, and %" PRIu64 " records of -1 have none here; where -1 means "
			  "the first class, write 0 for it",
			  notes->minus);
	else if (notes->none_first)
		stage_say(st, "no label is 0; --labels-from 1 where classes are counted from 1");
}

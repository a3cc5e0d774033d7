/* cautions: what the records that a map was fitted on do not tell, so that nobody takes the map for more than it is. */
#ifndef VIC_CAUTIONS_H
#define VIC_CAUTIONS_H

#include "calfit.h"
#include "eval/records/rows.h"

enum caution {
	/* temperature: the 95 % interval (temperature_interval) holds T = 1, so these records cannot tell whether any
	 * is needed */
	CAUTION_HOLDS_ONE,
	/* temperature: the interval's ends are a factor of more than 2 apart */
	CAUTION_WIDE,
	/* other maps: fewer than ten records a parameter (Peduzzi et al. 1996), where the parameters are 2 (platt), 3
	 * (beta, ensemble), 2k (vector), k (k + 1) (matrix, dirichlet), 2k + 1 (structured: few records leave it no
	 * more, its pulls being over n) or the bins (histogram); isotonic and centred: fewer than 1,000
	 * (Niculescu-Mizil and Caruana 2005) */
	CAUTION_FEW,
	/* the records are marked dev, and by their history chose the epoch of the model that gave these logits */
	CAUTION_CHOSE_EPOCH,
	/* maps with something of their own for each class: one that is no record's label is all but ruled out, and
	 * where nothing holds its weights more would always be better (fits end where float64 sees no difference) */
	CAUTION_ABSENT_CLASS,
	CAUTIONS
};

/* The bits 1 << enum caution that hold for a fit on rows. */
unsigned cautions_of(const struct calmap *map, const struct calmap_fit *fit, const struct rows *rows);
/* "holds-one", as map files and JSON tables have it. */
const char *caution_name(enum caution c);
/* Fills text with the sentence and the remedy. */
void caution_text(enum caution c, const struct calmap *map, const struct calmap_fit *fit, const struct rows *rows,
		  char *text, size_t size);

#endif

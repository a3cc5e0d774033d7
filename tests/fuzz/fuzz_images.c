/* Any bytes as an image, and as an EXIF block. */
#include "picture.h"
#include "vision/pixels/formats.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int o = exif_orientation(data, size);
	if (o < 1 || o > 8)
		abort();
	fuzz_picture(data, size);
	return 0;
}

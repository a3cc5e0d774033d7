/* What begins as a WebP file does: all else is left to fuzz_images. */
#include "picture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (codec_of(data, size) == CODEC_WEBP)
		fuzz_picture(data, size);
	return 0;
}

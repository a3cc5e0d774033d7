/* Sources of the facts. Checksums and sizes are those that the named projects publish for the official files: Hugging
 * Face datasets (dataset_infos.json), TensorFlow Datasets (url_checksums), Embeddings.jl and torchtext for GloVe,
 * PaddlePaddle and torchvision, and the data sets' own pages for CIFAR and Fashion-MNIST. Counts are those of the
 * papers and of the data sets' README files. */
#include "registry.h"

#include <string.h>

static const struct remote mr_remote[] = {
	{ "https://www.cs.cornell.edu/people/pabo/movie-review-data/rt-polaritydata.tar.gz", "rt-polaritydata.tar.gz",
	  NULL, "sha256:a05befe52aafda71d458d188a1c54506a998b1308613ba76bbda2e5029409ce9",
	  "Hugging Face datasets, rotten_tomatoes", 487770 },
	{ 0 },
};
static const struct fact mr_fact[] = {
	{ FACT_LINES, "rt-polarity.neg", NULL, 5331 },
	{ FACT_LINES, "rt-polarity.pos", NULL, 5331 },
	{ FACT_BYTES, "rt-polarity.neg", NULL, 612290 },
	{ FACT_BYTES, "rt-polarity.pos", NULL, 626168 },
	{ 0 },
};
static const struct deviation mr_deviation[] = {
	{ "62c8a3fa390fe37b6a9ca2939e71155b8696e278236332b10ec47d81245cd719",
	  "the archive was packed anew; its two text files have the original's sizes and line counts" },
	{ 0 },
};

static const struct remote trec_remote[] = {
	{ "https://cogcomp.seas.upenn.edu/Data/QA/QC/train_5500.label", "train_5500.label", NULL,
	  "sha256:9e4c8bdcaffb96ed61041bd64b564183d52793a8e91d84fc3a8646885f466ec3", "Hugging Face datasets, trec",
	  335858 },
	{ "https://cogcomp.seas.upenn.edu/Data/QA/QC/TREC_10.label", "TREC_10.label", NULL,
	  "sha256:033f22c028c2bbba9ca682f68ffe204dc1aa6e1cf35dd6207f2d4ca67f0d0e8e", "Hugging Face datasets, trec",
	  23354 },
	{ 0 },
};
static const struct fact trec_fact[] = {
	{ FACT_LINES, "train_5500.label", NULL, 5452 },
	{ FACT_LINES, "train_5500.label", "ABBR:", 86 },
	{ FACT_LINES, "train_5500.label", "DESC:", 1162 },
	{ FACT_LINES, "train_5500.label", "ENTY:", 1250 },
	{ FACT_LINES, "train_5500.label", "HUM:", 1223 },
	{ FACT_LINES, "train_5500.label", "LOC:", 835 },
	{ FACT_LINES, "train_5500.label", "NUM:", 896 },
	{ FACT_LINES, "TREC_10.label", NULL, 500 },
	{ FACT_LINES, "TREC_10.label", "ABBR:", 9 },
	{ FACT_LINES, "TREC_10.label", "DESC:", 138 },
	{ FACT_LINES, "TREC_10.label", "ENTY:", 94 },
	{ FACT_LINES, "TREC_10.label", "HUM:", 65 },
	{ FACT_LINES, "TREC_10.label", "LOC:", 81 },
	{ FACT_LINES, "TREC_10.label", "NUM:", 113 },
	{ FACT_SUM, "train_5500.label", "sha256:9e4c8bdcaffb96ed61041bd64b564183d52793a8e91d84fc3a8646885f466ec3", 0 },
	{ FACT_SUM, "TREC_10.label", "sha256:033f22c028c2bbba9ca682f68ffe204dc1aa6e1cf35dd6207f2d4ca67f0d0e8e", 0 },
	{ 0 },
};

static const struct remote imdb_remote[] = {
	{ "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz", "aclImdb_v1.tar.gz",
	  "aclImdb_v1-subset.tar.gz", "md5:7c2ac02c03563afcf9b574c7e56c153a", "PaddlePaddle, dataset imdb", 84125825 },
	{ 0 },
};
static const struct fact imdb_fact[] = {
	{ FACT_FILES, "train/pos", ".txt", 12500 },   { FACT_FILES, "train/neg", ".txt", 12500 },
	{ FACT_FILES, "test/pos", ".txt", 12500 },    { FACT_FILES, "test/neg", ".txt", 12500 },
	{ FACT_FILES, "train/unsup", ".txt", 50000 }, { 0 },
};
static const struct deviation imdb_deviation[] = {
	{ "529ef382733ad3ca6b61f42e7795cb315599351d6632ea1c4ca93852f309f140",
	  "47,500 of the 50,000 labelled reviews: 1,250 test reviews of each class and all unlabelled ones are left "
	  "out" },
	{ 0 },
};

#define PDDL "Public Domain Dedication and License 1.0"
#define GLOVE_PAPER "Pennington, Socher, Manning: GloVe: Global Vectors for Word Representation. EMNLP 2014"
static const struct remote glove_6b_remote[] = {
	{ "https://nlp.stanford.edu/data/glove.6B.zip", "glove.6B.zip", "glove.6B.100d.subset.txt.gz",
	  "sha256:617afb2fe6cbd085c235baf7a465b96f4112bd7f7ccb2b2cbd649fed9cbcf2fb", "torchtext and Embeddings.jl",
	  862182613 },
	{ 0 },
};
static const struct fact glove_6b_fact[] = {
	{ FACT_LINES, "glove.6B.50d.txt", NULL, 400000 },
	{ FACT_LINES, "glove.6B.100d.txt|glove.6B.100d.txt.gz|glove.6B.100d.subset.txt.gz", NULL, 400000 },
	{ FACT_LINES, "glove.6B.200d.txt", NULL, 400000 },
	{ FACT_LINES, "glove.6B.300d.txt", NULL, 400000 },
	{ 0 },
};
static const struct deviation glove_6b_deviation[] = {
	{ "9895aa7ebd27e097f850441f2854e0448c4ea27a86cd4d6f7db14f430a61fa46",
	  "82,021 of the 400,000 words, 100 dimensions alone, gzipped" },
	{ 0 },
};
static const struct remote glove_42b_remote[] = {
	{ "https://nlp.stanford.edu/data/glove.42B.300d.zip", "glove.42B.300d.zip", NULL,
	  "sha256:03d5d7fa28e58762ace4b85fb71fe86a345ef0b5ff39f5390c14869da0fc1970", "torchtext and Embeddings.jl",
	  1877800501 },
	{ 0 },
};
static const struct fact glove_42b_fact[] = { { FACT_LINES, "glove.42B.300d.txt", NULL, 1917494 }, { 0 } };
static const struct remote glove_840b_remote[] = {
	{ "https://nlp.stanford.edu/data/glove.840B.300d.zip", "glove.840B.300d.zip", NULL,
	  "sha256:c06db255e65095393609f19a4cfca20bf3a71e20cc53e892aafa490347e3849f", "torchtext and Embeddings.jl",
	  2176768927 },
	{ 0 },
};
static const struct fact glove_840b_fact[] = { { FACT_LINES, "glove.840B.300d.txt", NULL, 2196017 }, { 0 } };

#define CIFAR_TERMS "no licence is stated; the author asks for the citation; research use"
#define CIFAR_PAPER "Krizhevsky: Learning Multiple Layers of Features from Tiny Images. University of Toronto 2009"
static const struct remote cifar_10_remote[] = {
	{ "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz", "cifar-10-binary.tar.gz",
	  "cifar-10-binary-subset.tar.gz", "md5:c32a1d4ab5d03f1284b67883e8d87530", "the data set's page", 170052171 },
	{ 0 },
};
static const struct fact cifar_10_fact[] = {
	{ FACT_BYTES, "data_batch_1.bin", NULL, 30730000 },
	{ FACT_BYTES, "data_batch_2.bin", NULL, 30730000 },
	{ FACT_BYTES, "data_batch_3.bin", NULL, 30730000 },
	{ FACT_BYTES, "data_batch_4.bin", NULL, 30730000 },
	{ FACT_BYTES, "data_batch_5.bin", NULL, 30730000 },
	{ FACT_BYTES, "test_batch.bin", NULL, 30730000 },
	{ 0 },
};
static const struct deviation cifar_10_deviation[] = {
	{ "3fd4c8a61f78fb1bf85182a638cf9e943ccd66cfbe533c39e1572d99651f280e",
	  "10,000 + 2,000 of the 50,000 + 10,000 images, and their pixels are decoded from JPEG copies, not the "
	  "original ones" },
	{ 0 },
};
static const struct remote cifar_100_remote[] = {
	{ "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz", "cifar-100-binary.tar.gz", NULL,
	  "md5:03b5dce01913d631647c71ecec9e9cb8", "the data set's page", 168513733 },
	{ 0 },
};
static const struct fact cifar_100_fact[] = {
	{ FACT_BYTES, "train.bin", NULL, 153700000 },
	{ FACT_BYTES, "test.bin", NULL, 30740000 },
	{ 0 },
};

static const struct remote stl10_remote[] = {
	{ "https://ai.stanford.edu/~acoates/stl10/stl10_binary.tar.gz", "stl10_binary.tar.gz",
	  "stl10_binary-sample.tar.gz", "md5:91f7769df0f17e558f3565bffb0c7dfb", "torchvision", 2640397119 },
	{ 0 },
};
static const struct fact stl10_fact[] = {
	{ FACT_BYTES, "train_X.bin", NULL, 138240000 },	     { FACT_BYTES, "train_y.bin", NULL, 5000 },
	{ FACT_BYTES, "test_X.bin", NULL, 221184000 },	     { FACT_BYTES, "test_y.bin", NULL, 8000 },
	{ FACT_BYTES, "unlabeled_X.bin", NULL, 2764800000 }, { 0 },
};
static const struct deviation stl10_deviation[] = {
	{ "a7a8f2ee885ac19763a308faded950d1e0ed2bbcf8ac05ba16597d5fb79b6d04",
	  "10 test and 246 unlabelled images, no training image: enough to test a reader, not to measure accuracy" },
	{ 0 },
};

#define FASHION "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
#define FASHION_PAGE "the data set's page"
static const struct remote fashion_remote[] = {
	{ FASHION "train-images-idx3-ubyte.gz", "train-images-idx3-ubyte.gz", NULL,
	  "md5:8d4fb7e6c68d591d4c3dfef9ec88bf0d", FASHION_PAGE, 26421880 },
	{ FASHION "train-labels-idx1-ubyte.gz", "train-labels-idx1-ubyte.gz", NULL,
	  "md5:25c81989df183df01b3e8a0aad5dffbe", FASHION_PAGE, 29515 },
	{ FASHION "t10k-images-idx3-ubyte.gz", "t10k-images-idx3-ubyte.gz", NULL,
	  "md5:bef4ecab320f06d8554ea6380940ec79", FASHION_PAGE, 4422102 },
	{ FASHION "t10k-labels-idx1-ubyte.gz", "t10k-labels-idx1-ubyte.gz", NULL,
	  "md5:bb300cfdad3c16e7a12a480ee83cd310", FASHION_PAGE, 5148 },
	{ 0 },
};
static const struct fact fashion_fact[] = {
	{ FACT_SUM, "train-images-idx3-ubyte.gz", "md5:8d4fb7e6c68d591d4c3dfef9ec88bf0d", 0 },
	{ FACT_SUM, "train-labels-idx1-ubyte.gz", "md5:25c81989df183df01b3e8a0aad5dffbe", 0 },
	{ FACT_SUM, "t10k-images-idx3-ubyte.gz", "md5:bef4ecab320f06d8554ea6380940ec79", 0 },
	{ FACT_SUM, "t10k-labels-idx1-ubyte.gz", "md5:bb300cfdad3c16e7a12a480ee83cd310", 0 },
	{ 0 },
};
#define SECOND_REVISION \
	"the revision of 26 August 2017, before duplicate images were replaced and the order was changed"
static const struct deviation fashion_deviation[] = {
	{ "08dc20ab1689590a0bcd66e874647b6ee8464e2d501b5a3f1f78831db19a3fdc", SECOND_REVISION },
	{ "b0197879cbda89f3dc7b894f9fd52b858e68ea4182b6947c9d8c2b67e5f18dcc", SECOND_REVISION },
	{ "78dcbbfb5a27efaf1b6c1d616caca68560be8766c5bffcb2791df9273a534229", SECOND_REVISION },
	{ "42bd18137a62d5998cdeae52bf3a0676ac6b706f5cf8439b47bb5b151ae3dccf", SECOND_REVISION },
	{ 0 },
};

static const struct remote tiny_remote[] = {
	{ "http://cs231n.stanford.edu/tiny-imagenet-200.zip", "tiny-imagenet-200.zip",
	  "tiny-imagenet-200-subset.tar.gz", "md5:90528d7ca1a48142e341f4ef8d21d0de", "Avalanche, dataset tiny_imagenet",
	  248100043 },
	{ 0 },
};
static const struct fact tiny_fact[] = {
	{ FACT_LINES, "wnids.txt", NULL, 200 },	       { FACT_FILES, "train", ".JPEG", 100000 },
	{ FACT_FILES, "val/images", ".JPEG", 10000 },  { FACT_LINES, "val/val_annotations.txt", NULL, 10000 },
	{ FACT_FILES, "test/images", ".JPEG", 10000 }, { 0 },
};
static const struct deviation tiny_deviation[] = {
	{ "dcc68c7733ce3cd99a9af3a59a34d535288b4237bae8e5e0dda01fc0fbb2d11f",
	  "60 training images of each of 20 classes and 15 validation images of each of the 200" },
	{ 0 },
};
static const struct deviation no_deviation[] = { { 0 } };

const struct dataset registry[] = {
	{ "mr", NULL, "MR: sentence polarity data set v1.0, 10,662 movie-review sentences, 2 classes",
	  "no licence is stated; the authors ask for the citation; research use",
	  "Pang, Lee: Seeing stars: Exploiting class relationships for sentiment categorization with respect to rating "
	  "scales. ACL 2005",
	  "rt-polaritydata", mr_remote, mr_fact, mr_deviation },
	{ "trec", NULL, "TREC question classification: 5,452 + 500 questions, 6 classes",
	  "no licence is stated; research use", "Li, Roth: Learning Question Classifiers. COLING 2002", NULL,
	  trec_remote, trec_fact, no_deviation },
	{ "imdb", NULL, "IMDB: Large Movie Review Dataset v1.0, 25,000 + 25,000 reviews, 2 classes",
	  "no licence is stated; the authors ask for the citation; research use",
	  "Maas, Daly, Pham, Huang, Ng, Potts: Learning Word Vectors for Sentiment Analysis. ACL 2011", "aclImdb",
	  imdb_remote, imdb_fact, imdb_deviation },
	{ "glove.6B", "glove", "GloVe 6B: 400,000 words, small letters; 50, 100, 200 and 300 dimensions", PDDL,
	  GLOVE_PAPER, NULL, glove_6b_remote, glove_6b_fact, glove_6b_deviation },
	{ "glove.42B", "glove", "GloVe 42B: 1.9 million words, small letters; 300 dimensions", PDDL, GLOVE_PAPER, NULL,
	  glove_42b_remote, glove_42b_fact, no_deviation },
	{ "glove.840B", "glove", "GloVe 840B: 2.2 million words, with case; 300 dimensions", PDDL, GLOVE_PAPER, NULL,
	  glove_840b_remote, glove_840b_fact, no_deviation },
	{ "cifar-10", NULL, "CIFAR-10, binary version: 50,000 + 10,000 images of 32x32, 10 classes", CIFAR_TERMS,
	  CIFAR_PAPER, "cifar-10-batches-bin", cifar_10_remote, cifar_10_fact, cifar_10_deviation },
	{ "cifar-100", NULL, "CIFAR-100, binary version: 50,000 + 10,000 images of 32x32, 100 classes", CIFAR_TERMS,
	  CIFAR_PAPER, "cifar-100-binary", cifar_100_remote, cifar_100_fact, no_deviation },
	{ "stl10", NULL, "STL-10: 5,000 + 8,000 labelled and 100,000 unlabelled images of 96x96, 10 classes",
	  "no licence is stated; the images come from ImageNet, whose terms apply",
	  "Coates, Lee, Ng: An Analysis of Single Layer Networks in Unsupervised Feature Learning. AISTATS 2011",
	  "stl10_binary", stl10_remote, stl10_fact, stl10_deviation },
	{ "fashion-mnist", NULL, "Fashion-MNIST: 60,000 + 10,000 grey images of 28x28, 10 classes",
	  "MIT License, copyright 2017 Zalando SE",
	  "Xiao, Rasul, Vollgraf: Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms. "
	  "2017",
	  NULL, fashion_remote, fashion_fact, fashion_deviation },
	{ "tiny-imagenet", NULL, "Tiny ImageNet: 100,000 + 10,000 images of 64x64, 200 classes",
	  "ImageNet's terms of access: non-commercial research and education",
	  "Le, Yang: Tiny ImageNet Visual Recognition Challenge. 2015", "tiny-imagenet-200", tiny_remote, tiny_fact,
	  tiny_deviation },
	{ 0 },
};

const struct dataset *registry_find(const char *name)
{
	for (const struct dataset *d = registry; d->name; d++)
		if (!strcmp(d->name, name))
			return d;
	return NULL;
}

"""Writes tests/golden/kim_clean.tsv: strings and what Kim's clean_str makes of them, by Python's re.

    python3 tests/oracles/kim_clean.py > tests/golden/kim_clean.tsv

Columns: the input's bytes in hexadecimal; the result with lower-casing; the result without. The substitutions are
those of process_data.py (yoonkim/CNN_sentence), in its order, with plain ( ) ? as replacements.
"""
import random
import re

SUBSTITUTIONS = [
    (r"[^A-Za-z0-9(),!?\'\`]", " "), (r"\'s", " 's"), (r"\'ve", " 've"), (r"n\'t", " n't"), (r"\'re", " 're"),
    (r"\'d", " 'd"), (r"\'ll", " 'll"), (r",", " , "), (r"!", " ! "), (r"\(", " ( "), (r"\)", " ) "), (r"\?", " ? "),
    (r"\s{2,}", " "),
]


def clean(text, cased):
    for pattern, by in SUBSTITUTIONS:
        text = re.sub(pattern, by, text)
    text = text.strip()
    return text if cased else text.lower()


CHOSEN = [
    "", " ", "   ", "a", " a ", "a  b", "\ta\vb\fc\rd", "a\0b", "''", "'", "'s", "'s's", "it's", "IT'S", "it'S",
    "'ss'", "s's", "n't", "n't n't", "don't", "DON'T", "dON't", "can'tn't", "nn't", "an't", "n 't", "n'", "n'x",
    "n'tt", "xn'txn't", "'t", "n''t", "'nt", "we've", "we'v", "we've've", "'ve'", "'vee", "you're", "you'r",
    "'re're", "I'd", "I'dd", "'d'd'd", "I'll", "I'l", "I'lll", "'ll'll", "I'm", "o'clock", "'em", "kids'",
    "characters' ", "rock 'n' roll", "would've'nt", "n'tn't", ",!?(", "a,b", "a , b", ",,,", "(a)", "((a))",
    "a!b?c", "?!?!", "!'s!", "('s)", "n't,n't", "'s,'s", ",'d,", "a-b", "a.b.c", "...", "`a'", "``a''",
    "caf\u00e9's", "\u00e9'\u00e9s", "'\u00e9s", "n\u00e9't", "$1,000.50", "100%", "a\n'b", "_a_",
    "\u0085'\u0092s", "\u00ff" * 9, "x" * 40 + "'s", "'" * 30, "n't" * 20, "'re'll've'd's", "it 's", "  it's  ",
    "s'", "'S'D'LL", "n\0't", "'\0s", "nn'tt", "ain't isn't", "\u00a0'll\u00a0",
]


def main():
    rng = random.Random(3435)
    alphabet = "nnnttt'''''ssvvereedllm  ,!?()`aZN9.-\u00e9\0\t"
    strings = CHOSEN + ["".join(rng.choice(alphabet) for _ in range(rng.randrange(1, 40))) for _ in range(300)]
    for s in strings:
        print(s.encode("latin-1").hex(), clean(s, False), clean(s, True), sep="\t")


main()

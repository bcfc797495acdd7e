"""Local semantic matching: hashed word and character n-gram vectors against example utterances."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import pairwise
from zlib import crc32

from agent_graph.models.offline.coins import slips

_BUCKETS = 1 << 18
_WORD = re.compile(r"<[a-z]+>|[a-z']+|\?")
_WHATS = re.compile(r"\bwhat'?s\b")
_WORD_WEIGHT = 1.0
_PAIR_WEIGHT = 0.8
_GRAM_WEIGHT = 0.35
_CONCEPT_WEIGHT = 0.9
_UNSEEN_SHARE = 0.35
_NEAREST = 3
_SMALL_WORDS = """
a an the is are was were am be i me my we our you your it its do does did what what's which who how can
could will would should of to in on at for and or so that this with please show tell give get now right
go exactly else just really actually there here still any some
"""
_SMALL = frozenset(_SMALL_WORDS.split())
_SMALL_SHARE = 0.35
"""Words that every request is full of say little about what is wanted."""

Vector = dict[int, float]


def _bucket(feature: str) -> int:
    return crc32(feature.encode()) % _BUCKETS


def words(text: str) -> list[str]:
    """Return the words of a normalised text."""
    return _WORD.findall(_WHATS.sub("what's", text.lower().replace("’", "'")))


def features(tokens: list[str]) -> Vector:
    """Return the raw weights of words, neighbouring pairs and character 3-grams."""
    vector: defaultdict[int, float] = defaultdict(float)
    for token in tokens:
        share = _SMALL_SHARE if token in _SMALL else 1.0
        vector[_bucket(f"w:{token}")] += _WORD_WEIGHT * share
        if token.isalpha() and len(token) > 3 and token not in _SMALL:
            padded = f"_{token}_"
            grams = [padded[i : i + 3] for i in range(len(padded) - 2)]
            for gram in grams:
                vector[_bucket(f"c:{gram}")] += _GRAM_WEIGHT / math.sqrt(len(grams))
    for left, right in pairwise(tokens):
        share = _SMALL_SHARE if {left, right} <= _SMALL else 1.0
        vector[_bucket(f"p:{left} {right}")] += _PAIR_WEIGHT * share
    return dict(vector)


class Matcher:
    """Nearest intents by cosine over the examples; ties go to the intent listed first.

    `concepts` are groups of words that mean alike: a word brings its concept along as a feature, so that
    a paraphrase is near an example that shares no word with it.
    """

    def __init__(
        self,
        examples: Mapping[str, Iterable[str]],
        synonyms: Mapping[str, str],
        concepts: Mapping[str, str],
    ) -> None:
        self._synonyms = synonyms
        self._concepts: defaultdict[str, list[str]] = defaultdict(list)
        for name, listed in concepts.items():
            for word in listed.split():
                self._concepts[word].append(name)
        self._known = _SMALL | set(synonyms) | set(self._concepts)
        self._known |= {w for texts in examples.values() for text in texts for w in words(text)}
        pairs = [(intent, self._features(text)) for intent, texts in examples.items() for text in texts]
        seen: defaultdict[int, int] = defaultdict(int)
        for _, vector in pairs:
            for bucket in vector:
                seen[bucket] += 1
        self._rarity = {bucket: math.log(1 + len(pairs) / count) for bucket, count in seen.items()}
        self._unseen = _UNSEEN_SHARE * math.log(1 + len(pairs))
        self._intents = [intent for intent, _ in pairs]
        self._order = list(dict.fromkeys(self._intents))
        self._postings: defaultdict[int, list[tuple[int, float]]] = defaultdict(list)
        for index, (_, vector) in enumerate(pairs):
            for bucket, weight in self._weigh(vector).items():
                self._postings[bucket].append((index, weight))

    def _features(self, text: str) -> Vector:
        spelled = [self._spelled(word) for word in words(text)]
        vector = features([self._synonyms.get(word, word) for word in spelled])
        for word in spelled:
            for name in self._concepts.get(word, ()):
                bucket = _bucket(f"k:{name}")
                vector[bucket] = vector.get(bucket, 0.0) + _CONCEPT_WEIGHT
        return vector

    def _spelled(self, word: str) -> str:
        """Return the known word that is a slip of the finger away, else the word itself."""
        if word in self._known or len(word) < 5 or not word.isalpha():
            return word
        allowed = 1 if len(word) < 8 else 2
        near = [
            (slips(word, known, allowed), known)
            for known in self._known
            if abs(len(known) - len(word)) <= allowed and len(known) >= 4
        ]
        best = min(near, default=(allowed + 1, word))
        return best[1] if best[0] <= allowed else word

    def _weigh(self, vector: Vector) -> Vector:
        weighed = {b: w * self._rarity.get(b, self._unseen) for b, w in vector.items()}
        length = math.sqrt(sum(w * w for w in weighed.values())) or 1.0
        return {b: w / length for b, w in weighed.items()}

    def coverage(self, text: str) -> float:
        """Return the share of telling words that were ever seen, 1.0 when there are none."""
        own = [word for word in words(text) if word not in _SMALL and word != "?"]
        return sum(self._spelled(word) in self._known for word in own) / len(own) if own else 1.0

    def rank(self, text: str) -> list[tuple[str, float]]:
        """Return `(intent, score 0..1)`, best first."""
        scores: defaultdict[int, float] = defaultdict(float)
        for bucket, weight in self._weigh(self._features(text)).items():
            for index, other in self._postings.get(bucket, ()):
                scores[index] += weight * other
        per_intent: defaultdict[str, list[float]] = defaultdict(list)
        for index, score in scores.items():
            per_intent[self._intents[index]].append(score)
        ranked = [(intent, _blend(per_intent[intent])) for intent in self._order if intent in per_intent]
        return sorted(ranked, key=lambda item: -item[1])


def _blend(scores: list[float]) -> float:
    best = sorted(scores, reverse=True)[:_NEAREST]
    return 0.8 * best[0] + 0.2 * sum(best) / len(best)

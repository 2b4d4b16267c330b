"""What the made-up people say: answers from small stocks of sentences, gloomy ones the more often the higher the sign.

The planted differences are those that the literature names (first person singular, absolutist words, negative affect;
Rude et al., Cognition and Emotion 2004; Al-Mosaiwi and Johnstone, Clinical Psychological Science 2018); their size is
made up.
"""

from __future__ import annotations

import numpy as np

PROMPTS = (
    "How have you been doing lately?",
    "What did you do over the weekend?",
    "How are things at work or at home?",
    "Tell me about the people around you.",
    "How do you sleep?",
    "What are you looking forward to?",
)
#: Asked instead of the last prompts where the interviewer already has a suspicion.
_WORRIED = (
    "Have you been diagnosed with depression?",
    "How long have you felt this low?",
    "Have you ever thought of hurting yourself?",
)
_GLOOMY = (
    "I never feel rested and nothing helps me.",
    "I always feel like a burden to everyone.",
    "I cannot enjoy anything that I used to like.",
    "My days are completely empty and I feel alone.",
    "I blame myself for everything that went wrong.",
    "I feel sad and tired the whole time.",
    "I am sure that it will never get better for me.",
    "I cry a lot and I do not know why.",
    "I stay in bed because I see no point in getting up.",
    "I worry all night and I am totally exhausted.",
)
_BRIGHT = (
    "We went for a walk by the river and had a good laugh.",
    "Work has been busy but the team is kind.",
    "The children visited and we cooked a big dinner.",
    "It was a sunny weekend and we fixed the garden fence.",
    "My sister called and told us about her new job.",
    "We are planning a trip to the coast in summer.",
    "The new neighbours are friendly and we share the garden.",
    "Sleep is fine, about seven hours most nights.",
    "There was a concert in the park and it was great fun.",
    "Our dog had puppies and they keep us busy.",
)
_PLAIN = (
    "The bus was late again on Monday.",
    "There is a meeting every week at the office.",
    "We bought some bread and went home.",
    "The weather has been changing a lot.",
    "I usually have coffee in the morning.",
    "My brother lives two streets away.",
    "The shop on the corner has closed.",
    "I watched the news and went to bed.",
)


def answers(sign: float, generator: np.random.Generator, prompts: int = 6, sentences: int = 3) -> list[list[str]]:
    """Sentences of each answer; the chance of a gloomy one grows with the sign, that of a bright one falls."""
    gloomy = 0.5 / (1 + np.exp(-1.6 * sign))
    chances = np.array([gloomy, 0.5 - gloomy, 0.5])
    stocks = (_GLOOMY, _BRIGHT, _PLAIN)
    said = []
    for _ in range(prompts):
        kinds = generator.choice(3, size=sentences, p=chances)
        said.append([str(generator.choice(stocks[kind])) for kind in kinds])
    return said


def prompts(sign: float | None, generator: np.random.Generator, count: int = 6) -> list[str]:
    """What the interviewer asks: the same of everybody, or (with a sign) what gives the sign away."""
    asked = [PROMPTS[index % len(PROMPTS)] for index in range(count)]
    if sign is not None:
        worried = int((generator.random(len(_WORRIED)) < 1 / (1 + np.exp(-2.5 * sign))).sum())
        asked[count - worried :] = _WORRIED[:worried]
    return asked

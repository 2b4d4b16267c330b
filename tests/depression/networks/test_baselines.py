from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from small_encoders import drawn_person, write_small_encoder

from presage.cohort import InputError
from presage.depression.networks.data import Person, Utterance
from presage.depression.networks.frozen import digest_of
from presage.depression.networks.fusion import Fusion
from presage.depression.networks.late import LateFusion
from presage.depression.networks.linear import RidgeLogistic, functionals
from presage.depression.networks.schedule import Schedule
from presage.depression.networks.settings import Settings
from presage.study.folder import LocalFolder
from presage.study.marker import Resources

SIZES = {"audio": 3, "video": 2}
QUICK = Schedule(epochs=3, patience=3, batch_size=16, new_learning_rate=1e-2)


@pytest.fixture(scope="module")
def people() -> tuple[list[Person], np.ndarray]:
    """Persons whose voice tells the cases apart; faces do not, and some were not filmed."""
    generator = np.random.default_rng(2)
    cases = np.arange(40) % 2 == 1
    persons: list[Person] = []
    for index, case in enumerate(cases):
        person = [answer for answer in drawn_person(generator, 2, SIZES) if answer is not None]
        for answer in person:
            answer.modalities["audio"][:, 1] += 3 * case
        persons.append([answer.without(["video"]) for answer in person] if index % 5 == 0 else person)
    return persons, cases


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = write_small_encoder(tmp_path_factory.mktemp("encoder"))
    return Settings(encoder=str(folder), sentences=True, dropout=0.1, validation=0.3, schedule=QUICK)


def test_functionals_are_mean_and_spread_over_the_words_that_have_the_modality() -> None:
    first = Utterance(["a", "b"], {"audio": np.array([[1.0], [np.nan]])}, {"audio": np.array([True, False])})
    person = [first, None, Utterance(["c"], {"audio": np.array([[5.0]])}), Utterance(["d"])]
    assert functionals([person], {"audio": 1}).tolist() == [[3.0, 2.0]]
    assert np.isnan(functionals([[Utterance(["d"])]], {"audio": 1})).all()


def test_the_ridge_is_scikit_learns_on_standardised_columns() -> None:
    generator = np.random.default_rng(0)
    columns = generator.normal(3, 2, (60, 5))
    cases = columns[:, 0] + generator.normal(size=60) > 3
    found = RidgeLogistic.fit(columns, cases, seed=1)
    scaler = StandardScaler().fit(columns)
    oracle = LogisticRegression(C=found.strength, max_iter=1000).fit(scaler.transform(columns), cases)
    assert np.allclose(found.logits(columns), oracle.decision_function(scaler.transform(columns)), atol=1e-4)
    # The strength is the one with the least inner loss, so noise alone is shrunk away.
    noise = RidgeLogistic.fit(generator.normal(size=(60, 200)), np.arange(60) % 2 == 0, seed=1)
    assert noise.strength < found.strength


def test_a_missing_value_counts_as_the_average() -> None:
    generator = np.random.default_rng(0)
    columns = generator.normal(size=(50, 2))
    model = RidgeLogistic.fit(columns, columns[:, 0] > 0)
    assert model.logits(np.full((1, 2), np.nan))[0] == pytest.approx(model.intercept)
    assert np.allclose(model.logits(np.array([[0.4, np.nan]])), model.logits(np.array([[0.4, model.mean[1]]])))
    with pytest.raises(InputError, match="0 columns"):
        RidgeLogistic.fit(np.zeros((50, 0)), columns[:, 0] > 0)


def test_late_fusion_leans_on_the_part_that_tells_cases_apart(
    people: tuple[list[Person], np.ndarray], settings: Settings
) -> None:
    persons, cases = people
    late = LateFusion(settings).fit(persons[:30], cases[:30].astype(float), resources=Resources(seed=1))
    assert list(late.members) == ["text", "audio", "video"]
    assert int(np.argmax(late.stack.weights)) == 1
    assert ((late.logits(persons[30:]) > 0) == cases[30:]).mean() >= 0.9
    alone = Fusion(replace(settings, fusion="audio")).fit(
        persons[:30], cases[:30].astype(float), resources=Resources(seed=1)
    )
    assert np.array_equal(late.members["audio"].logits(persons), alone.logits(persons))


def test_late_fusion_does_not_hear_what_is_masked(people: tuple, settings: Settings) -> None:
    persons, cases = people
    late = LateFusion(settings).fit(persons, cases.astype(float), resources=Resources(seed=1))
    silent = [[answer.without(SIZES) for answer in person] for person in persons]
    text = late.members["text"].logits(persons)
    expected = np.stack([text, np.full(40, np.nan), np.full(40, np.nan)], axis=1)
    assert np.allclose(late.logits(silent), late.stack.logits(expected))
    with pytest.raises(InputError, match="validation"):
        LateFusion(replace(settings, validation=0.0))


def test_each_member_of_a_late_fusion_has_its_own_checkpoint(people: tuple, settings: Settings, tmp_path: Path) -> None:
    persons, cases = people
    resources = Resources(seed=1, scratch=LocalFolder(tmp_path))
    first = LateFusion(settings).fit(persons, cases.astype(float), resources=resources)
    assert {path.parent.name for path in tmp_path.rglob("*.safetensors")} == {"text", "audio", "video"}
    again = LateFusion(settings).fit(persons, cases.astype(float), resources=resources)
    assert np.array_equal(first.logits(persons), again.logits(persons))


def test_sentences_are_standardised_by_the_training_persons_and_encoded_once(people: tuple, settings: Settings) -> None:
    persons, cases = people
    store: dict = {}
    fitted = Fusion(settings, store=store).fit(persons, cases.astype(float))
    rows = [row for person in fitted._examples(persons).persons for row in person]
    vectors = np.concatenate([row.hidden for row in rows])
    assert vectors.shape == (80, 16)
    assert np.allclose(vectors.mean(axis=0), 0, atol=1e-3)
    assert np.allclose(vectors.std(axis=0), 1, atol=1e-2)
    heard = rows[0].utterance.modalities["audio"]
    assert np.allclose(heard, fitted._scaling.apply(persons)[0][0].modalities["audio"].mean(axis=0), atol=1e-6)
    kept = {key: value.copy() for key, value in store.items()}
    others = Fusion(settings, store=store).fit(persons, cases.astype(float))
    assert store.keys() == kept.keys()
    assert np.array_equal(others.logits(persons), fitted.logits(persons))
    assert np.array_equal(Fusion.restore(*fitted.state()).logits(persons), fitted.logits(persons))


def test_a_sentence_vector_is_the_mean_over_tokens_and_the_last_four_layers(settings: Settings) -> None:
    from transformers import AutoModel, AutoTokenizer

    encoder = AutoModel.from_pretrained(settings.encoder).eval()
    ids = AutoTokenizer.from_pretrained(settings.encoder)(["ab cde"], return_tensors="pt")
    hidden = encoder(**ids, output_hidden_states=True).hidden_states  # embeddings and three layers
    expected = sum(layer[0].mean(dim=0) for layer in hidden[-4:]) / 4
    store: dict = {}
    generator = np.random.default_rng(0)
    persons = [[Utterance(["ab", "cde"])], *(drawn_person(generator, 1, {}) for _ in range(9))]
    Fusion(settings, store=store).fit(persons, (np.arange(10) % 2).astype(float))
    found = next(value for key, value in store.items() if key[-1] == digest_of(ids["input_ids"][0].numpy()))
    assert np.allclose(found[0], expected.detach().numpy(), atol=1e-5)

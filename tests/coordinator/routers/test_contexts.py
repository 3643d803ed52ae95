"""Features of queries: every tag has its place, every query the same features again."""

from __future__ import annotations

import numpy as np

from agora.coordinator.routers.contexts import SIZES, TAGS, Clustered, Tagged
from agora.coordinator.routers.seam import Arms, Log, Query


def query(tag: str = "", *, x: tuple[float, ...] = (1.0, 0.0), size: float = 0.0) -> Query:
    return Query(np.array(x), tag=tag, size=size)


def test_each_tag_has_a_place_from_its_first_outcome_on_and_the_last_is_shared() -> None:
    tagged = Tagged()
    assert not tagged.of(query("maths"))[1 : 1 + TAGS].any()
    places = [int(tagged.learned(query(f"tag {n}"))[1 : 1 + TAGS].argmax()) for n in range(TAGS + 3)]
    assert places == [*range(TAGS), TAGS - 1, TAGS - 1, TAGS - 1]
    assert int(tagged.of(query("tag 2"))[1 : 1 + TAGS].argmax()) == 2


def test_the_text_follows_the_tag_and_the_first_feature_is_one() -> None:
    tagged = Tagged(text=0.5)
    z = tagged.learned(query("maths", x=(0.6, 0.8)))
    assert z[0] == 1.0
    assert z[1 + TAGS :].tolist() == [0.3, 0.4]


def test_lengths_and_clusters_are_marked_once() -> None:
    clustered = Clustered(2)
    for x in ((1.0, 0.0), (0.0, 1.0), (0.9, 0.1)):
        clustered.learned(query("t", x=x))
    near, far = clustered.of(query("t", x=(1.0, 0.1))), clustered.of(query("t", x=(0.1, 1.0)))
    assert near[1 + TAGS : 3 + TAGS].tolist() == [1.0, 0.0]
    assert far[1 + TAGS : 3 + TAGS].tolist() == [0.0, 1.0]
    lengths = [clustered.of(query("t", size=size))[3 + TAGS :].tolist() for size in (0.0, SIZES[0], SIZES[1])]
    assert lengths == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]


def test_what_is_kept_gives_the_same_features() -> None:
    clustered, again = Clustered(3), Clustered(3)
    for n in range(9):
        clustered.learned(query(f"tag {n % 4}", x=(np.cos(n), np.sin(n))))
    again.restored(clustered.saved())
    for n in range(9):
        one = query(f"tag {n % 5}", x=(np.sin(n), np.cos(n)), size=300.0 * n)
        assert (clustered.of(one) == again.of(one)).all()


def test_a_log_teaches_tags_and_clusters() -> None:
    clustered, pool = Clustered(2), Arms(["a"])
    asked = [query(f"tag {n % 3}", x=((1.0, 0.0), (0.0, 1.0))[n % 2]) for n in range(6)]
    z = clustered.fitted(Log(asked, pool, np.ones((6, 1)), np.ones((6, 1))))
    assert z.shape == (6, 1 + TAGS + 2 + 3)
    assert z[:, 1 + TAGS : 3 + TAGS].tolist() == [[1, 0], [0, 1]] * 3
    assert z[:, 1:4].tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]] * 2

"""Getting hold of Ray: what its start raises is told as an error of ours, and nothing else is."""

from __future__ import annotations

import pytest
import ray

from nas_tune.errors import InfeasibleError
from nas_tune.executors.ray_cluster import Resources, cluster


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (Exception("The current node timed out during startup"), InfeasibleError),
        (ConnectionError("refused"), InfeasibleError),
        (KeyError("a mistake of ours"), KeyError),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_a_ray_that_does_not_come_up_is_told(
    raised: Exception, told: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def init(**_: object) -> None:
        raise raised

    monkeypatch.setattr(ray, "init", init)
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    with pytest.raises(told, match=str(raised.args[0])), cluster(None, 1, Resources(1.0, 0.0)):
        pass

# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Multi-fidelity: stop what will not win
#
# Most architectures show early that they are not the best one. A multi-fidelity scheduler trains many a little, and few
# to the end: after some epochs (a **rung**) only the better part goes on. What that saves, and when it errs, can be
# measured, for nas_tune comes with a table: 729 cells of a reduced NAS-Bench-201, trained three times for five epochs
# on handwritten digits. Looking up takes microseconds, so that everything here is done in seconds, in virtual time.

# %%
import warnings

# Optuna remarks that Jupyter's progress bars are not installed; none are drawn here.
warnings.filterwarnings("ignore", message="IProgress not found")

import matplotlib.pyplot as plt
import pandas as pd

import nas_tune
from nas_tune.benchmarks.races import Contest, contestant_of, run_races, score_strategies
from nas_tune.benchmarks.tables import digits

table = pd.read_parquet(digits.TABLE["file"])
table[["cell", "seed", "accuracy_1", "accuracy_5", "seconds_1", "seconds_5", "test"]].sample(3, random_state=0)

# %% [markdown]
# ## Does an early epoch know the late one?
#
# Kendall's tau between the validation accuracy after each epoch and after the last: 1 would be the same order, 0 none.
# The last column is what cannot be beaten: the order of the same cells, trained to the end from another seed.

# %%
means = table.groupby("cell").mean(numeric_only=True)
early = {f"epoch {epoch}": means[f"accuracy_{epoch}"].corr(means["accuracy_5"], "kendall") for epoch in range(1, 6)}
first, second = (table[table["seed"] == seed].set_index("cell")["accuracy_5"] for seed in (0, 1))
pd.Series({**early, "another seed": first.corr(second, "kendall")}, name="tau").round(2).to_frame().T

# %% [markdown]
# ## Rungs at work
#
# A search of the table with `asha` (asynchronous successive halving): a third goes on past each rung. Grey trials
# were stopped; they cost what is drawn of them.

# %%
task = {"name": "table", **digits.TABLE, "fidelities": list(digits.TABLE["fidelities"])}
keys = {"executor": "simulated", "max_trials": 60, "max_epochs": digits.EPOCHS, "seed": 3, "new": True}
space = {"name": digits.SPACE.name, **digits.SPACE.settings}
asha = nas_tune.search(space, task, strategy="random", scheduler="asha", run_dir="runs/asha", **keys)
full = nas_tune.search(space, task, strategy="random", scheduler="none", run_dir="runs/full", **keys)


def draw_curves(run, axis, title):
    colours = {"complete": "#0072B2", "pruned": "#bbbbbb"}
    epochs = run.epochs()
    for _, curve in epochs.groupby("trial"):
        state = curve["state"].iloc[0]
        axis.plot(curve["epoch"], curve["accuracy"], ".-", color=colours[state], zorder=1 + (state == "complete"))
    axis.set_title(f"{title}: {len(epochs)} epochs, best {run.best()['value'].item():.3f}", fontsize=10)
    axis.set_xlabel("epoch")
    axis.spines[["top", "right"]].set_visible(False)


figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.2), sharey=True, layout="constrained")
draw_curves(asha, left, "asha")
draw_curves(full, right, "every trial to the end")
left.set_ylabel("validation accuracy")
for axis in (left, right):
    axis.set_xticks(range(1, 6))

# %% [markdown]
# The same 60 architectures in both: the strategy is random search with one seed, so that nothing differs but the
# stopping. Where did the time go?

# %%
pd.DataFrame(
    {
        name: run.trials().groupby("state")[["seconds"]].sum()["seconds"].round(1)
        for name, run in {"asha": asha, "to the end": full}.items()
    }
).fillna(0)

# %% [markdown]
# ## One search is an anecdote
#
# So race them: the same budget of virtual seconds for each scheduler, 40 seeds, and the architecture that is chosen by
# validation judged by a test score that no strategy sees. The last column says whether the difference from random
# search is more than chance (Wilcoxon's signed ranks over seeds, Holm's correction). `nas-tune bench` does all this
# from the command line.

# %%
contest = Contest(digits.SPACE, digits.TABLE, budget=60.0)
names = ("random", "asha", "asha_promote", "hyperband", "median")
races = list(run_races(contest, [contestant_of(name) for name in names], range(40), processes=1))
scores = score_strategies(races, contest.budget)
against = {name: d.p for d in scores.differences for name in (d.one, d.other) if "random" in (d.one, d.other)}
pd.DataFrame(
    [
        {
            "scheduler": row.strategy,
            "validation": f"{row.val_mean:.4f} ± {row.val_std:.4f}",
            "test": f"{row.test_mean:.4f} ± {row.test_std:.4f}",
            "p": "" if row.strategy == "random" else f"{against[row.strategy]:.2g}",
        }
        for row in scores.standings
    ]
).set_index("scheduler")

# %%
figure, axis = plt.subplots(figsize=(7, 3.2), layout="constrained")
for row in scores.standings:
    axis.plot(scores.seconds, row.regret, label=row.strategy)
axis.set(xlabel="virtual seconds", ylabel="test regret (mean of 40 seeds)")
axis.spines[["top", "right"]].set_visible(False)
_ = axis.legend(frameon=False)

# %% [markdown]
# On a task this small the noise of one training is as large as what architectures differ by (see tau above), so the
# gain is modest, and none in validation. On NAS-Bench-301, with 98 epochs a training, `asha` needs a fourteenth of the
# time: the README says how that was measured. Whatever you search: measure the first table of this notebook on a few
# dozen trainings of your own, and choose the lowest rung by it (`scheduler = { name = "asha", grace = 3 }`).

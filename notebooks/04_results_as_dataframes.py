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
# # Results are tables
#
# Whatever a search does is written to its ledger, epoch by epoch, and read as dataframes: while it runs, after it was
# killed, from another process, on another machine. This notebook searches for digits classifiers that are good *and*
# small, and then asks pandas and DuckDB what was found.

# %%
import warnings

# Optuna remarks that Jupyter's progress bars are not installed; none are drawn here.
warnings.filterwarnings("ignore", message="IProgress not found")

import duckdb
import matplotlib.pyplot as plt
import pandas as pd

import nas_tune
from search_spaces import draw

pd.set_option("display.max_columns", 12, "display.width", 120)

keys = {"max_trials": 10, "max_epochs": 3, "executor": "inline", "new": True, "metric": ["accuracy", "parameters"]}
task = {"name": "image_classifier", "channels": 4, "cells": 1, "batch_size": 64}
run = nas_tune.search("nb201", task, strategy="nsga2", mode=["max", "min"], seed=4, run_dir="runs/small", **keys)
run.state.counts

# %% [markdown]
# ## pandas
#
# `run.trials()` has a row a trial: state, value, seconds, every metric, and a column `arch.*` for every decision.
# `run.epochs()` has a row an epoch. Types are the same whether there are rows or none.

# %%
trials = run.trials()
trials[["trial", "state", "epochs", "seconds", "accuracy", "parameters", "macs"]].head()

# %%
run.epochs().pivot(index="epoch", columns="trial", values="accuracy").round(2).iloc[:, :12]

# %% [markdown]
# What a row stands for is an architecture again:

# %%
leading = run.pareto().iloc[0]
architecture = run.architecture(int(leading["trial"]))
print(run.space.to_string(architecture), f"accuracy {leading['accuracy']:.3f}")
draw(architecture)

# %% [markdown]
# Which operation does an edge want? All trials have a first epoch, so that is where they compare. A few trials in each
# cell of this table say little; `explain` fits a model, and gives intervals.

# %%
first = run.epochs().query("epoch == 1")
columns = [name for name in first if name.startswith("arch.")]
long = first.melt(id_vars=["accuracy"], value_vars=columns, var_name="edge", value_name="operation")
long.pivot_table(index="operation", columns="edge", values="accuracy", aggfunc="mean").astype(float).round(2)

# %%
of_accuracy, of_parameters = nas_tune.explain(run).importance
print(of_accuracy.advice)
of_accuracy.table[["decision", "importance", "low", "high", "stands_out"]].round(2)

# %% [markdown]
# ## The Pareto front
#
# Complete trials that no other beats in both objectives.

# %%
complete, front = trials[trials["state"] == "complete"], run.pareto().sort_values("parameters")
figure, axis = plt.subplots(figsize=(7, 3.6), layout="constrained")
axis.scatter(complete["parameters"], complete["accuracy"], color="#bbbbbb", label="complete trials")
axis.plot(front["parameters"], front["accuracy"], "o-", color="#D55E00", drawstyle="steps-post", label="Pareto front")
axis.set(xlabel="parameters", ylabel="validation accuracy after 3 epochs")
axis.spines[["top", "right"]].set_visible(False)
_ = axis.legend(frameon=False, loc="lower right")
# %% [markdown]
# ## SQL
#
# `run.query` is DuckDB over the same two tables; it reaches nothing else. On the command line:
# `nas-tune results RUN --sql "..."`.

# %%
run.query("""
    SELECT trial, epoch, accuracy, round(accuracy - lag(accuracy) OVER (PARTITION BY trial ORDER BY epoch), 3) AS gain
    FROM epochs QUALIFY gain IS NOT NULL ORDER BY gain DESC LIMIT 5
""")

# %%
run.query("""
    SELECT state, count(*) AS trials, sum(epochs) AS epochs, round(sum(seconds), 1) AS seconds,
           bar(sum(seconds), 0, (SELECT sum(seconds) FROM trials), 30) AS share
    FROM trials GROUP BY state ORDER BY state
""")

# %% [markdown]
# ## Several runs
#
# Dataframes are put together like any others. As Parquet files they outlive the tools that wrote them; here DuckDB
# itself, or Polars, Spark or a spreadsheet, reads what two runs left.

# %%
other = nas_tune.search("nb201", task, strategy="random", mode=["max", "min"], seed=5, run_dir="runs/chance", **keys)
for name, one in {"nsga2": run, "random": other}.items():
    one.to_parquet(f"tables/{name}")

duckdb.sql("""
    SELECT parse_path(filename)[2] AS strategy, state, count(*) AS trials, round(max(accuracy), 3) AS best,
           min(parameters)::INTEGER AS smallest
    FROM read_parquet('tables/*/trials.parquet', filename = true) GROUP BY ALL ORDER BY ALL
""").df()

# %%
everything = pd.concat([run.trials(), other.trials()], keys=["nsga2", "random"], names=["strategy", None])
everything.query("state == 'complete'").groupby("strategy")[["accuracy", "parameters"]].describe().T.round(3)

"""Genotypes as their authors published them, each in the form in which it is found."""

from __future__ import annotations

DARTS_V1 = (
    "DARTS_V1 = Genotype(normal=[('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 0), ('sep_conv_3x3', 1), "
    "('skip_connect', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 2)], normal_concat=[2, 3, 4, 5], "
    "reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 0), ('max_pool_3x3', 0), "
    "('skip_connect', 2), ('skip_connect', 2), ('avg_pool_3x3', 0)], reduce_concat=[2, 3, 4, 5])"
)
DARTS_V2 = (
    "DARTS_V2 = Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), "
    "('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)], normal_concat=[2, 3, 4, 5], "
    "reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), "
    "('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], reduce_concat=[2, 3, 4, 5])"
)
GDAS_V1 = """
# Searching for A Robust Neural Architecture in Four GPU Hours, CVPR 2019
GDAS_V1 = Genotype(
  normal=[
    (('skip_connect', 0), ('skip_connect', 1)),
    (('skip_connect', 0), ('sep_conv_5x5', 2)),
    (('sep_conv_3x3', 3), ('skip_connect', 0)),
    (('sep_conv_5x5', 4), ('sep_conv_3x3', 3))],
  normal_concat=[2, 3, 4, 5],
  reduce=[
    (('sep_conv_5x5', 0), ('sep_conv_3x3', 1)),  # step 1
    (('sep_conv_5x5', 2), ('sep_conv_5x5', 1)),
    (('dil_conv_5x5', 2), ('sep_conv_3x3', 1)),
    (('sep_conv_5x5', 0), ('sep_conv_5x5', 1))],
  reduce_concat=[2, 3, 4, 5],
  connectN=None, connects=None,
)
"""
PC_DARTS = (
    "PC_DARTS_cifar = Genotype(normal=[('sep_conv_3x3', 1), ('skip_connect', 0), ('sep_conv_3x3', 0), "
    "('dil_conv_3x3', 1), ('sep_conv_5x5', 0), ('sep_conv_3x3', 1), ('avg_pool_3x3', 0), ('dil_conv_3x3', 1)], "
    "normal_concat=range(2, 6), reduce=[('sep_conv_5x5', 1), ('max_pool_3x3', 0), ('sep_conv_5x5', 1), "
    "('sep_conv_5x5', 2), ('sep_conv_3x3', 0), ('sep_conv_3x3', 3), ('sep_conv_3x3', 1), ('sep_conv_3x3', 2)], "
    "reduce_concat=range(2, 6))"
)
PDARTS = (
    "PDARTS = Genotype(normal=[('skip_connect', 0), ('dil_conv_3x3', 1), ('skip_connect', 0),('sep_conv_3x3', 1), "
    "('sep_conv_3x3', 1), ('sep_conv_3x3', 3), ('sep_conv_3x3',0), ('dil_conv_5x5', 4)], normal_concat=range(2, 6), "
    "reduce=[('avg_pool_3x3', 0), ('sep_conv_5x5', 1), ('sep_conv_3x3', 0), ('dil_conv_5x5', 2), ('max_pool_3x3', 0), "
    "('dil_conv_3x3', 1), ('dil_conv_3x3', 1), ('dil_conv_5x5', 3)], reduce_concat=range(2, 6))"
)
SNAS = (
    "SNAS = Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('skip_connect', 0), ('dil_conv_3x3', 1), "
    "('skip_connect', 1), ('skip_connect', 0), ('skip_connect',0),  ('sep_conv_3x3', 1)], normal_concat=range(2, 6), "
    "reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('max_pool_3x3', 1), ('skip_connect', 2), ('skip_connect', 2), "
    "('max_pool_3x3', 1), ('max_pool_3x3', 0), ('dil_conv_5x5', 2)], reduce_concat=range(2, 6))"
)
FAIR_DARTS = (  # (operation, node, input)
    "FairDARTS_d = Genotype(normal=[('sep_conv_3x3', 2, 0), ('sep_conv_5x5', 2, 1), ('dil_conv_3x3', 3, 1), "
    "('max_pool_3x3', 3, 0), ('dil_conv_3x3', 4, 0), ('dil_conv_3x3', 4, 1), ('sep_conv_3x3', 5, 0), "
    "('dil_conv_5x5', 5, 1)], normal_concat=range(2, 6), reduce=[('max_pool_3x3', 2, 0), ('sep_conv_5x5', 2, 1), "
    "('avg_pool_3x3', 3, 0), ('dil_conv_5x5', 3, 2), ('dil_conv_3x3', 4, 3), ('avg_pool_3x3', 4, 0), "
    "('avg_pool_3x3', 5, 0), ('skip_connect', 5, 3)], reduce_concat=range(2, 6))"
)
NASNET = """NASNet = Genotype(
  normal = [
    ('sep_conv_5x5', 1), ('sep_conv_3x3', 0), ('sep_conv_5x5', 0), ('sep_conv_3x3', 0), ('avg_pool_3x3', 1),
    ('skip_connect', 0), ('avg_pool_3x3', 0), ('avg_pool_3x3', 0), ('sep_conv_3x3', 1), ('skip_connect', 1),
  ],
  normal_concat = [2, 3, 4, 5, 6],
  reduce = [
    ('sep_conv_5x5', 1), ('sep_conv_7x7', 0), ('max_pool_3x3', 1), ('sep_conv_7x7', 0), ('avg_pool_3x3', 1),
    ('sep_conv_5x5', 0), ('skip_connect', 3), ('avg_pool_3x3', 2), ('sep_conv_3x3', 2), ('max_pool_3x3', 1),
  ],
  reduce_concat = [4, 5, 6],
)"""
AMOEBANET = """AmoebaNet = Genotype(
  normal = [
    ('avg_pool_3x3', 0), ('max_pool_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_5x5', 2), ('sep_conv_3x3', 0),
    ('avg_pool_3x3', 3), ('sep_conv_3x3', 1), ('skip_connect', 1), ('skip_connect', 0), ('avg_pool_3x3', 1),
    ],
  normal_concat = [4, 5, 6],
  reduce = [
    ('avg_pool_3x3', 0), ('sep_conv_3x3', 1), ('max_pool_3x3', 0), ('sep_conv_7x7', 2), ('sep_conv_7x7', 0),
    ('avg_pool_3x3', 1), ('max_pool_3x3', 0), ('max_pool_3x3', 1), ('conv_7x1_1x7', 0), ('sep_conv_3x3', 5),
  ],
  reduce_concat = [3, 4, 6]
)"""
_PNAS_CELL = (
    "[(('sep_conv_5x5', 0), ('max_pool_3x3', 0)), (('sep_conv_7x7', 1), ('max_pool_3x3', 1)), "
    "(('sep_conv_5x5', 1), ('sep_conv_3x3', 1)), (('sep_conv_3x3', 4), ('max_pool_3x3', 1)), "
    "(('sep_conv_3x3', 0), ('skip_connect', 1))]"
)
PNASNET = (
    f"PNASNet = Genotype(normal={_PNAS_CELL}, normal_concat=[2, 3, 4, 5, 6], "
    f"reduce={_PNAS_CELL}, reduce_concat=[2, 3, 4, 5, 6])"
)
ENASNET = """ENASNet = Genotype(
  normal = [
    (('sep_conv_3x3', 1), ('skip_connect', 1)),
    (('sep_conv_5x5', 1), ('skip_connect', 0)),
    (('avg_pool_3x3', 0), ('sep_conv_3x3', 1)),
    (('sep_conv_3x3', 0), ('avg_pool_3x3', 1)),
    (('sep_conv_5x5', 1), ('avg_pool_3x3', 0)),
  ],
  normal_concat = [2, 3, 4, 5, 6],
  reduce = [
    (('sep_conv_5x5', 0), ('sep_conv_3x3', 1)), # 2
    (('sep_conv_3x3', 1), ('avg_pool_3x3', 1)), # 3
    (('sep_conv_3x3', 1), ('avg_pool_3x3', 1)), # 4
    (('avg_pool_3x3', 1), ('sep_conv_5x5', 4)), # 5
    (('sep_conv_3x3', 5), ('sep_conv_5x5', 0)),
  ],
  reduce_concat = [2, 3, 4, 5, 6],
)"""

PUBLISHED = {
    "DARTS_V1": ("darts", {}, DARTS_V1),
    "DARTS_V2": ("darts", {}, DARTS_V2),
    "GDAS_V1": ("darts", {}, GDAS_V1),
    "PC_DARTS": ("darts", {}, PC_DARTS),
    "PDARTS": ("darts", {}, PDARTS),
    "SNAS": ("darts", {}, SNAS),
    "FairDARTS_d": ("darts", {}, FAIR_DARTS),
    "NASNet": ("nasnet", {}, NASNET),
    "AmoebaNet": ("amoebanet", {}, AMOEBANET),
    "PNASNet": ("pnas", {}, PNASNET),
    "ENASNet": ("enas_micro", {"concat": "all"}, ENASNET),
}
"""By name: the space, the settings of its factory, the text."""

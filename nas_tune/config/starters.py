"""What the first search of each task looks like, as `nas-tune init` writes it: data for `nas_tune.config.starter`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["ALIASES", "STARTERS", "Setting", "Starter"]


@dataclass(frozen=True, slots=True)
class Setting:
    """A line of one of the file's tables, `[task]` and `[trainable]`.

    Attributes:
        key, value: the setting, and what the file shows as its value.
        text: its comment.
        is_set: whether the line is in force; otherwise it is a comment.
    """

    key: str
    value: object
    text: str
    is_set: bool = False


@dataclass(frozen=True, slots=True)
class Starter:
    """What a task's first search looks like.

    Attributes:
        about: the first line of the file.
        chosen: the keys of the search that the file sets, with their values.
        task: the lines of the table `[task]`.
        trainable: the lines of the table `[trainable]`.
        metrics: which metric the task optimizes by default, in words, where the data decide that and `chosen` has none.
        data: the data that the search takes by default; None where data must be given.
        for_folders: keys of `[task]` that are set where the data are a folder, with their values.
        downloads: names of data sets that can be fetched.
        for_downloads: keys of `[task]` that are set for one of these, with their values.
    """

    about: str
    chosen: Mapping[str, object]
    task: tuple[Setting, ...]
    trainable: tuple[Setting, ...]
    metrics: str = ""
    data: str | None = None
    for_folders: Mapping[str, object] = field(default_factory=dict)
    downloads: tuple[str, ...] = ()
    for_downloads: Mapping[str, object] = field(default_factory=dict)


_BUDGET: Mapping[str, object] = {"max_trials": 24, "max_epochs": 9, "workers": 2, "seed": 0}
_SEARCH: Mapping[str, object] = {"strategy": "auto", "scheduler": "asha", **_BUDGET}

_DEVICES = (
    Setting("amp", False, "Mixed precision, on GPUs"),
    Setting("device", "auto", "A GPU where the trial has one, else the CPU; or a name such as cuda"),
)


def _shares(what: str, share: float) -> tuple[Setting, ...]:
    """The lines for a part of the data that is split off where the data have no such part themselves."""
    judged = f"The part of the {what} that trials are judged on, where none is given"
    return (
        Setting("validation_share", share, judged),
        Setting("test_share", share, f"The part of the {what} that the search never sees, where none is given"),
    )


_IMAGES = (
    Setting("resize", 32, "Scale the shorter side to so many pixels, and cut out the centre square"),
    Setting("data_root", "data", "The folder of mnist, cifar10, ..; else the variable NAS_TUNE_DATA"),
    Setting("download", False, "Fetch what is missing below data_root"),
    *_shares("images", 0.2),
    Setting("augment", True, "Shift, flip and cut out training images as below; false takes them as they are"),
    Setting("flip", False, "Mirror half of the training images, where left and right mean the same"),
    Setting("cutout", 0, "Blank a random square with a side of so many pixels"),
)
_NETWORK_OF_CELLS = (
    Setting("batch_size", 16, "Images a step; small, since the epochs are few", is_set=True),
    Setting("cells", 1, "Cells in each stage of the network; more are slower and better"),
    Setting("channels", 16, "Channels of the first cells; more are slower and better"),
    Setting("optimizer", "sgd", "sgd or adamw"),
    Setting("lr", 0.05, "The highest learning rate; it falls as a cosine"),
    Setting("weight_decay", 0.0005, "The decay of the weights"),
    *_DEVICES,
)

STARTERS: Mapping[str, Starter] = {
    "classification": Starter(
        about="Which architecture classifies these images best?",
        chosen={"space": "nb201", **_SEARCH, "metric": "accuracy", "mode": "max"},
        task=(
            Setting("name", "classification", "Learns the classes of images", is_set=True),
            Setting(
                "data",
                "digits",
                "digits, mnist, cifar10, ..; a folder with one sub-folder per class; .npz; Parquet",
                is_set=True,
            ),
            Setting("target", "label", "The column or array of the classes; recognised without it"),
            *_IMAGES,
            Setting("label_smoothing", 0.1, "The part of the target that is spread over all classes"),
        ),
        trainable=_NETWORK_OF_CELLS,
        data="digits",
        for_folders={"resize": 32},
        downloads=("mnist", "fashion_mnist", "cifar10", "cifar100"),
        for_downloads={"data_root": "data", "download": True},
    ),
    "regression": Starter(
        about="Which architecture predicts the numbers of these images best?",
        chosen={"space": "nb201", **_SEARCH, "metric": "rmse", "mode": "min"},
        task=(
            Setting("name", "regression", "Learns a number for each image", is_set=True),
            Setting("data", "ages.parquet", "An .npz file, or Parquet with images and numbers", is_set=True),
            Setting("target", "age", "The column or array of the numbers; recognised without it"),
            Setting("unit", "years", "The unit of the numbers, which is shown beside their errors"),
            *_IMAGES,
        ),
        trainable=_NETWORK_OF_CELLS,
    ),
    "table": Starter(
        about="Which network predicts this column best?",
        chosen={"space": "mlp", **_SEARCH},
        task=(
            Setting("name", "table", "Predicts one column of a table from the others", is_set=True),
            Setting("data", "rows.parquet", "A Parquet or CSV file, or a folder of Parquet files", is_set=True),
            Setting("target", "price", "The column that is predicted"),
            Setting("kind", "classification", "Or regression; the type of the target decides without it"),
            Setting("numeric", ["age"], "Columns that are numbers; their types decide without it"),
            Setting("categorical", ["city"], "Columns that are categories; their types decide without it"),
            Setting("drop", ["id"], "Columns that are left out"),
            Setting("numbers", "standard", "How numbers are scaled: standard, log, quantile or piecewise"),
            Setting("validation_groups", "customer", "A column whose groups stay in one part"),
            Setting("unit", "USD", "The unit of a predicted number, which is shown beside its errors"),
            *_shares("rows", 0.2),
        ),
        trainable=(
            Setting("batch_size", 256, "Rows a step", is_set=True),
            Setting("optimizer", "adamw", "sgd or adamw", is_set=True),
            Setting("lr", 0.002, "The highest learning rate; it falls as a cosine", is_set=True),
            Setting("weight_decay", 0.05, "The decay of the weights", is_set=True),
            *_DEVICES,
        ),
        metrics="auc for two classes, accuracy for more, rmse for numbers",
    ),
    "language": Starter(
        about="Which language model predicts this text best?",
        chosen={
            "space": {"name": "transformer_lm", "embeddings": [64, 96, 128], "depths": [1, 4]},
            **_SEARCH,
            "metric": "loss",
            "mode": "min",
        },
        task=(
            Setting("name", "language", "Predicts the next token of a text", is_set=True),
            Setting("data", "input.txt", "A text file, token ids (.npy), or a folder of such files", is_set=True),
            Setting("context", 64, "The tokens of an example", is_set=True),
            Setting("epoch_tokens", 200_000, "The tokens of an epoch; without it the whole training part"),
            Setting("tokens", "bytes", "What a token is: characters, bytes or ids; files decide without it"),
            Setting("encoding", "utf-8", "The encoding of a text file"),
            Setting("vocabulary", 50_257, "The number of ids; without it the greatest one of training decides"),
            *_shares("text", 0.1),
        ),
        trainable=(
            Setting("batch_size", 16, "Examples a step; small, since the epochs are few", is_set=True),
            Setting("lr", 0.003, "The highest learning rate; it falls as a cosine"),
            Setting("network", {"dropout": 0.1}, "Settings of the network, such as dropout"),
            *_DEVICES,
        ),
    ),
    "signal": Starter(
        about="Which network recognises these signals best?",
        chosen={"space": {"name": "spectrogram", "of": "vgg"}, **_SEARCH},
        task=(
            Setting("name", "signal", "Learns the class of a waveform, or a number for each", is_set=True),
            Setting("data", "words.parquet", "An .npz or Parquet file, or a folder of WAV files", is_set=True),
            Setting("target", "label", "The column or array that is predicted; recognised without it"),
            Setting("kind", "classification", "Or regression; the type of the target decides without it"),
            Setting("sample_rate", 16_000, "Samples a second; WAV files hold it"),
            Setting("length", 16_000, "The samples of an example; longer signals are cut, shorter ones padded"),
            Setting("validation_groups", "speaker", "A column whose groups stay in one part"),
            Setting("shift", 0.1, "The greatest shift in time while training, as a share of the length"),
            Setting("noise", 0.02, "The deviation of noise while training, as a share of that of the signals"),
            Setting("mask", 0.1, "The greatest share of a signal that is masked while training"),
            *_shares("signals", 0.2),
        ),
        trainable=(
            Setting("batch_size", 32, "Signals a step", is_set=True),
            Setting("lr", 0.002, "The highest learning rate; it falls as a cosine"),
            Setting("channels", 16, "Channels of the network behind the spectrogram; more are slower and better"),
            Setting("network", {"mask_bands": 0.2, "mask_frames": 0.1}, "Further settings of the network"),
            *_DEVICES,
        ),
        metrics="accuracy for classes, rmse for numbers",
    ),
    "detection": Starter(
        about="Which network finds the objects in these images best?",
        chosen={
            "space": {"name": "detector", "heads": ["anchor_free", "anchors"], "max_width": 64, "max_depth": 2},
            **_SEARCH,
            "metric": "map50",
            "mode": "max",
        },
        task=(
            Setting("name", "detection", "Finds boxes with classes in images", is_set=True),
            Setting(
                "data", "shapes", "Parquet; a folder in the form of COCO, Pascal VOC or YOLO; or shapes", is_set=True
            ),
            Setting("resize", [240, 320], "Height and width to which images are scaled, without distortion"),
            Setting("box_format", "xyxy", "Of Parquet files: left, top, right, bottom; or xywh"),
            *_shares("images", 0.2),
            Setting("flip", True, "Mirror half of the training images with their boxes"),
            Setting("zoom", 1.25, "The greatest factor by which training images are scaled; 1 turns it off"),
            Setting("shift", 0.1, "The greatest shift of training images, as a share of their sides"),
            Setting("shown_score", 0.3, "The score that a box has at least in predictions"),
        ),
        trainable=(
            Setting("batch_size", 8, "Images a step"),
            Setting("lr", 0.003, "The highest learning rate; it falls as a cosine"),
            *_DEVICES,
        ),
        data="shapes",
    ),
    "segmentation": Starter(
        about="Which network marks the regions in these scans best?",
        chosen={
            "space": {"name": "unet3d", "widths": [8, 16], "levels": [2, 3], "blocks": [1, 2]},
            **_SEARCH,
            "metric": "dice",
            "mode": "max",
        },
        task=(
            Setting("name", "segmentation", "Gives each voxel of a volume or pixel of an image a class", is_set=True),
            Setting(
                "data",
                "blobs3d",
                "An .npz file with x and y, a folder with imagesTr and labelsTr; or blobs3d",
                is_set=True,
            ),
            Setting("classes", ["background", "tumour"], "Names of the classes; by default those of the data"),
            Setting("patch", [64, 64, 64], "Sides of the windows into which larger scans are cut"),
            Setting("validation_groups", "patient", "An array of the group of each scan; none is on both sides"),
            *_shares("scans", 0.2),
            Setting("intensity", "data", 'Or "volume": standardize each scan by its own values, as suits MRI'),
            Setting("dice_weight", 1.0, "The weight of the soft Dice beside the cross-entropy"),
            Setting("flip", False, "Mirror half of the training scans; left and right differ in a body"),
        ),
        trainable=(
            Setting("batch_size", 2, "Scans a step; of images 4"),
            Setting("lr", 0.01, "The highest learning rate; it falls as a cosine"),
            *_DEVICES,
        ),
        data="blobs3d",
    ),
}
"""The starters by the name of their task."""

ALIASES: Mapping[str, str] = {"image_classification": "classification"}
"""Earlier names of tasks, and those of today."""

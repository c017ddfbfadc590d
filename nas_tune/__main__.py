"""`python -m nas_tune` is `nas-tune`."""

from __future__ import annotations

from nas_tune.cli import main

if __name__ == "__main__":
    main()

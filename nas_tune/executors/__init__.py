"""Where trials run: in this process (`inline`) or as Ray Tune's actors (`ray_tune`), over the same coordinator."""

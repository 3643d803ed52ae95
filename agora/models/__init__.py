"""Chat models: litellm, local, scripted, recorded, and the limits around any of them."""

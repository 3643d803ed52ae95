"""One award, made ready to be redone by hand and to be questioned: terms, juries, flips, credit, sources."""

"""The numbers: `python -m bench`. What each of them means is in `docs/benchmarks.md`."""

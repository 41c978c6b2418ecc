"""`python -m tagger.kernel`: compile the pass, keep it where the service finds it, and say where. Needs numba."""

from tagger.kernel.compiled import save
from tagger.kernel.object_code import object_code
from tagger.kernel.tables import language_tables


def main() -> None:
    """Build and save."""
    print(save({"code": object_code(), **language_tables()}))


if __name__ == "__main__":
    main()

"""Clients that ask a running service without a pause until a file appears; then one line of JSON says what they were answered.

python -m tests.clients URL STOP_FILE
"""

import json
import sys
import threading
import urllib.request
from collections import Counter
from pathlib import Path

TEXT = "Le peloton aborde le col sous la pluie, l'échappée compte deux minutes d'avance.".encode()


def ask(url: str, stop: Path, releases: Counter[str], failures: list[str]) -> None:
    """Ask until told to stop; anything but a whole answer is a failure."""
    while not stop.exists():
        request = urllib.request.Request(f"{url}/v1/tags", TEXT, {"Content-Type": "text/plain"})  # noqa: S310 - our own server
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                releases[json.load(answer)["release"]] += 1
        except (OSError, ValueError, KeyError) as error:
            failures.append(repr(error))


if __name__ == "__main__":
    url, stop_file = sys.argv[1:]
    answered: Counter[str] = Counter()
    failed: list[str] = []
    threads = [threading.Thread(target=ask, args=(url, Path(stop_file), answered, failed)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps({"answers": sum(answered.values()), "failed": len(failed), "by release": answered, "first": failed[:1]}))

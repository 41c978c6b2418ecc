"""How gunicorn serves the tagger; `tagger serve`, the Procfile and the Dockerfile all start it with this file."""

import os
from pathlib import Path

_port = os.environ.get("PORT", "8000")
if not _port.isascii() or not _port.isdigit() or not 0 < int(_port) < 65536:
    raise SystemExit(f"PORT must be a number from 1 to 65535, not {_port!r}.")

# One thread for the linear algebra, set before a worker imports NumPy: a document's sums are too small to share.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

wsgi_app = "tagger.app:create_app()"
bind = f"{os.environ.get('TAGGER_HOST', '127.0.0.1')}:{_port}"
# WEB_CONCURRENCY is read by gunicorn itself. gthread 2x4 answered more requests a second than sync on 2 cores.
workers = int(os.environ.get("WEB_CONCURRENCY") or min(4, os.cpu_count() or 1))
worker_class = "gthread"
threads = 4
timeout = 30
graceful_timeout = 30
control_socket_disable = True
# A heartbeat file on a disk can block a worker; /dev/shm is memory.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108


def post_worker_init(worker):
    """Once the first worker has loaded the release, print a command to paste."""
    if worker.age != 1:
        return
    url = f"http://{bind}/v1/tags"
    text = "Séoul accuse Pyongyang d'avoir envoyé 1 500 soldats combattre avec l'armée russe contre l'Ukraine"
    print(
        f"\nTagger answers on {url}. Paste:\n\n  curl -s {url} -H 'Content-Type: text/plain' --data \"{text}\"\n",
        flush=True,
    )
